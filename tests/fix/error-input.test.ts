import { describe, expect, it } from "vitest";
import { chosenError, inputBytesMax, reportedErrors } from "#fix/error-input.ts";
import { printedErrors } from "#fix/error-text.ts";
import { framesInRepository } from "#fix/frame-files.ts";
import { suspectsOf } from "#fix/suspects.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { isTestFile } from "#policy/risk/added-lines.ts";
import { aSha } from "#tests/support/builders.ts";
import { aSnapshot } from "#tests/support/world.ts";

const reading = { scrubber: createScrubber([]), now: new Date("2026-03-04T05:06:07Z"), newId: () => "e1" };
const read = (text: string | Uint8Array) => reportedErrors(Buffer.from(text), reading);
const places = (text: string) =>
  printedErrors(text).map(({ type, message, frames }) => [
    type,
    message,
    ...frames.map(({ file, line }) => `${file}:${line}`),
  ]);

describe("errors in a text", () => {
  it("are read from what each runner and logger prints", () => {
    const node =
      "TypeError: x is not a function\n    at run (file:///srv/a.js:3:7)\n    at async Promise.all (index 0)\n    at node:internal/a:1:2";
    expect(places(node)).toEqual([["TypeError", "x is not a function", "a.js:3", "node:internal/a:1"]]);
    const vitest = "RangeError: too far\n ❯ build src/a b.ts:4:5\n ❯ src/c.test.ts:1:2";
    expect(places(vitest)[0]?.slice(0, 2)).toEqual(["RangeError", "too far"]);
    const tap = `not ok 3 - adds\n  ---\n  error: 'no ''sum'' here'\n  code: 'ERR_TEST_FAILURE'\n  name: 'TypeError'\n  stack: |-\n    sum (lib/sum.js:2:3)\n    Test.run (node:internal/test:9:9)\n  ...`;
    expect(places(tap)).toEqual([["TypeError", "no 'sum' here", "lib/sum.js:2", "node:internal/test:9"]]);
    const mocha = `  1) clinic\n       opens:\n     Uncaught TypeError [ERR_X]: no door\n      at open (lib/door.js:7:1)\n\n  2) closes:\n     Error: late\n      at close (lib/door.js:9:1)`;
    expect(places(mocha)).toEqual([
      ["TypeError", "no door", "lib/door.js:7"],
      ["Error", "late", "lib/door.js:9"],
    ]);
    const ava = `  Difference (- actual, + expected):\n\n  - undefined\n  + 'GET'\n\n  › Ky.fetch (source/core/Ky.ts:289:25)`;
    expect(places(ava)).toEqual([
      [null, "Difference (- actual, + expected):\n  - undefined\n  + 'GET'", "source/core/Ky.ts:289"],
    ]);
    const logged = `2026-03-04T05:06:07.123Z [api-7f9] ERROR: TypeError: no id\n2026-03-04T05:06:07.123Z [api-7f9]     at show (/app/src/show.ts:12:3)\n2026-03-04T05:06:07.124Z [api-7f9] request ended`;
    expect(places(logged)).toEqual([["TypeError", "no id", "src/show.ts:12"]]);
    const gecko = "Error: gone\nshow@https://clinic.example/src/show.js:3:9\n";
    expect(places(gecko)).toEqual([["Error", "gone", "src/show.js:3"]]);
    const compose = "api-1  | TypeError: no id\napi-1  |     at show (/app/src/show.ts:12:3)";
    expect(places(compose)).toEqual([["TypeError", "no id", "src/show.ts:12"]]);
  });

  it("need no frames, and prose with a place in it is none", () => {
    expect(places("the page is empty since Tuesday, see src/a.ts:3")).toEqual([
      [null, "the page is empty since Tuesday, see src/a.ts:3"],
    ]);
    expect(places("ReferenceError: custmer is not defined")).toEqual([["ReferenceError", "custmer is not defined"]]);
  });

  it("are found in the longest and strangest lines before anybody loses patience", () => {
    for (const sign of [" ", "a", "at ", "(", "Error: ", "x:1:1 ", "❯ ", "@"])
      printedErrors(`${sign.repeat(200_000)}\n`.repeat(3));
    expect(printedErrors("TypeError: x\n    at a (b.js:1:1)\n".repeat(50_000))).toHaveLength(50);
  });
});

describe("what is handed over", () => {
  it("may be an event of Sentry, a plain one, a logger's line, several, or a text", () => {
    const sentry = {
      event_id: "0123456789abcdef0123456789abcdef",
      environment: "development",
      transaction: "GET /teams",
      exception: {
        values: [
          {
            type: "TypeError",
            value: "no id",
            stacktrace: { frames: [{ filename: "src/a.ts", lineno: 3, function: "show" }] },
          },
        ],
      },
    };
    expect(read(JSON.stringify(sentry))).toMatchObject([
      { errorType: "TypeError", message: "no id", operation: "GET /teams", frames: [{ file: "src/a.ts", line: 3 }] },
    ]);
    const plain = {
      message: "TypeError: no id",
      stack: "TypeError: no id\n ❯ show src/a.ts:3:4",
      environment: "local",
    };
    expect(read(JSON.stringify(plain))).toMatchObject([
      { errorType: "TypeError", frames: [{ file: "src/a.ts", line: 3 }] },
    ]);
    const pino = JSON.stringify({
      level: 50,
      msg: "request failed",
      err: { type: "RangeError", message: "far", stack: "RangeError: far\n    at f (/app/src/b.ts:2:2)" },
    });
    expect(read(`${JSON.stringify({ level: 30, msg: "hello" })}\n${pino}\n`)).toMatchObject([
      { message: "hello" },
      { errorType: "RangeError", message: "far", frames: [{ file: "src/b.ts", line: 2 }] },
    ]);
    expect(read("Error: x\r\n    at f (a.js:1:1)\r\n")).toMatchObject([
      { errorType: "Error", message: "x", frames: [{ file: "a.js" }] },
    ]);
  });

  it("is refused in a sentence when it is empty, binary, huge, or JSON without an error", () => {
    for (const [bytes, code] of [
      ["", "invalid"],
      [" \n\t", "invalid"],
      [Buffer.from([0, 1, 2, 255, 254, 0, 7]), "invalid"],
      [Buffer.alloc(inputBytesMax + 1, "x"), "too_large"],
      ['{"a":1}', "invalid"],
      ["[]", "invalid"],
    ] as const) {
      expect(() => read(bytes)).toThrow(expect.objectContaining({ code }));
    }
  });

  it("loses its secrets", () => {
    const [error] = read("Error: login with sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa failed\n    at f (a.js:1:1)");
    expect(JSON.stringify(error)).not.toContain("sk-ant-api03-aaaa");
  });
});

const files = [
  "lib/utils.js",
  "packages/api/src/show.ts",
  "packages/web/src/app.tsx",
  "src/core/load.ts",
  "src/core/load.test.ts",
  "src/index.ts",
];

describe("frames in a repository", () => {
  it("mean the file with the longest common end, whatever stands before it", () => {
    const [error] = printedErrors(
      [
        "Error: x",
        "    at a (/srv/releases/12/lib/utils.js:1:1)",
        "    at b (file:///usr/src/app/src/show.ts:2:2)",
        "    at c (C:\\\\work\\\\clinic\\\\src\\\\core\\\\load.ts:3:3)",
        "    at d (/app/dist/core/load.js:4:4)",
        "    at e (/app/node_modules/lib/utils.js:5:5)",
        "    at f (/elsewhere/unknown.js:6:6)",
      ].join("\n"),
    );
    const mapped = framesInRepository(error?.frames ?? [], files);
    expect(mapped.map(({ file, line, inApp }) => [file, line, inApp])).toEqual([
      ["lib/utils.js", 1, true],
      ["packages/api/src/show.ts", 2, true],
      ["src/core/load.ts", 3, true],
      ["src/core/load.ts", null, true],
      ["node_modules/lib/utils.js", 5, false],
      [expect.stringContaining("unknown.js"), 6, false],
    ]);
    const inside = printedErrors("Error: x\n    at a (src/app.tsx:1:1)")[0]?.frames ?? [];
    expect(framesInRepository(inside, [...files, "src/app.tsx"], "packages/web")[0]?.file).toBe(
      "packages/web/src/app.tsx",
    );
  });

  it("decide which of several errors is worked on", () => {
    const text =
      "Error: in a test\n    at t (src/core/load.test.ts:1:1)\nError: in code\n    at l (src/core/load.ts:9:1)";
    expect(chosenError(read(text), { files, prefix: "", isTest: isTestFile })).toMatchObject({ message: "in code" });
  });

  it("name what a test is about where only tests are named", async () => {
    const frames = framesInRepository(
      printedErrors("Error: x\n    at t (src/core/load.test.ts:1:1)")[0]?.frames ?? [],
      files,
    );
    const snapshot = aSnapshot(
      { "src/core/load.test.ts": 'import { a } from "../index.js";\nimport "./none.js";' },
      aSha("a"),
    );
    expect((await suspectsOf(frames, files, snapshot)).map(({ file }) => file)).toEqual([
      "src/core/load.ts",
      "src/index.ts",
    ]);
  });
});
