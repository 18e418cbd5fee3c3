import { describe, expect, it } from "vitest";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import type { Snapshot } from "#ports/repository.ts";
import { aDiagnosis } from "#tests/support/builders.ts";
import { aSession } from "#tests/support/engineer-session.ts";
import { type Broken, reported } from "./broken.ts";
import { aProblem, aSnapshot } from "./snapshots.ts";

const engineer = createPlaybooksEngineer();
const session = aSession();

/** How often a snapshot was asked for anything. */
function counted(snapshot: Snapshot): { snapshot: Snapshot; asked: () => number } {
  let asked = 0;
  const count = <Given extends unknown[], Answer>(call: (...given: Given) => Answer) => {
    return (...given: Given) => {
      asked += 1;
      return call(...given);
    };
  };
  const { commit, read, search, history, blame, list } = snapshot;
  return {
    snapshot: { commit, list, blame, read: count(read), search: count(search), history: count(history) },
    asked: () => asked,
  };
}

/** Modules that all import the next ones, so that everything hangs together. */
const crowd = Object.fromEntries(
  Array.from({ length: 5_000 }, (_, index) => [
    `src/part${index % 50}/module${index}.js`,
    `import { value${index + 1} } from "../part${(index + 1) % 50}/module${index + 1}.js";\nexport const value${index} = value${index + 1};\n`,
  ]),
);

describe("a repository of 5,000 files is never read as a whole", () => {
  const start = 'import { value7 } from "../part7/module7.js";\n';
  const cases: Broken[] = [
    {
      name: "misspelt",
      files: { "src/part0/a.js": `${start}export const a = (options) => ⟦optoins.x + value7;\n` },
      error: "ReferenceError: optoins is not defined",
    },
    {
      name: "missing-await",
      files: {
        "src/part0/a.js": `${start}const load = async () => [value7];\nexport const a = async () => load().⟦map(String);\n`,
      },
      error: "TypeError: load(...).map is not a function",
    },
    {
      name: "moved-import",
      files: {
        "src/part0/a.js": `${start}import { value9 } from "../part1/module9.js";\nexport const a = value9 + value7;\n`,
      },
      error: "Error: Cannot find module '../part1/module9.js'\nRequire stack:\n- /app/src/part0/a.js",
    },
    {
      name: "past-the-end",
      files: {
        "src/part0/a.js": `${start}export const a = (all) => all.map((one) => one * value7).⟦reduce((x, y) => x + y);\n`,
      },
      error: "TypeError: Reduce of empty array with no initial value",
    },
    {
      name: "null-guard",
      files: { "src/part0/a.js": `${start}export const a = (one) => one.part?.x ?? one.part.⟦y ?? value7;\n` },
      error: "TypeError: Cannot read properties of undefined (reading 'y')",
    },
  ];

  it.each(cases)("for $name", async (one) => {
    const { problem, plain } = reported(one);
    const { snapshot, asked } = counted(aSnapshot({ ...crowd, ...plain }));
    const found = await engineer.diagnose(problem, snapshot, session);
    expect(found).toMatchObject({ kind: "diagnosed", diagnosis: { engineer: `playbook:${one.name}` } });
    expect(asked()).toBeLessThan(150);
  });
});

describe("hostile input leads to no repair and no failure", () => {
  const files = {
    "src/a.js": "\uFEFFexport const a = (options) => options.rate;\r\n",
    "src/b.js": "export const \\u0061b = 1;\n/* \u202E optoins */\n",
    "src/long.js": `var a=${"1,".repeat(4_000)}optoins;\n`,
    "src/empty.js": "",
    "src/__proto__.js": "export const constructor = 1;\n",
    "src/deep.js": `export const a = ${"[".repeat(3_000)}${"]".repeat(3_000)};\n`,
  };
  const texts: [name: string, message: string][] = [
    ["a name in a file with a mark at its start", "optoins is not defined"],
    ["a prototype as a variable", "__proto__ is not defined"],
    ["a constructor as a member", "a.constructor is not a function"],
    ["a method on what no line holds", "x.map is not a function"],
    ["nothing to go through", "object is not iterable"],
    ["a prototype as a file", "Cannot find module './__proto__'\nRequire stack:\n- /app/src/a.js"],
    ["an importer outside", "Cannot find module './a'\nRequire stack:\n- /app/../../etc/passwd.js"],
    ["a file outside", "Cannot find module '/app/src/../../../etc/passwd' imported from /app/src/a.js"],
    ["a prototype as an export", "The requested module './a.js' does not provide an export named '__proto__'"],
    [
      "a prototype as a proposal",
      "src/a.js(1,1): error TS2551: Property 'x' does not exist on type 'Y'. Did you mean 'constructor'?",
    ],
    ["a promise in no line", "[object Promise]"],
    ["a reduction in no line", "Reduce of empty array with no initial value"],
    ["a prototype as a property", "Cannot read properties of undefined (reading '__proto__')"],
    ["a beginning without an end", "Cannot find module '".repeat(300)],
    ["a name without an end", `${"a".repeat(8_000)} is not defined`],
    ["control characters", "\u0000\u001b[2J\u202e is not a function"],
  ];
  const places = Object.keys(files).flatMap((path) => [`/app/${path}:1:1`, `/app/${path}:9999999:0`]);
  const snapshot = aSnapshot(files);

  it.each(texts)("%s", async (_, message) => {
    for (const place of places) {
      const problem = aProblem({ message, stack: `${message}\n    at x (${place})` });
      const found = await engineer.diagnose(problem, snapshot, session);
      expect(found.kind).toBe("unknown");
    }
  });
});

describe("a repair of the new playbooks", () => {
  const one: Broken = {
    name: "x",
    files: { "src/auth/session.js": "export const a = (options) => ⟦optoins.rate;\n" },
    error: "ReferenceError: optoins is not defined",
  };

  it("is the same each time, and is never tried twice", async () => {
    const { problem, snapshot } = reported(one);
    const found = await engineer.diagnose(problem, snapshot, session);
    if (found.kind !== "diagnosed") throw new Error(found.because);
    const { diagnosis } = found;
    const first = await engineer.repair(problem, { diagnosis, feedback: [] }, snapshot, session);
    expect(await engineer.repair(problem, { diagnosis, feedback: [] }, snapshot, session)).toEqual(first);
    const feedback = [{ attempt: 1, because: "the tests fail", output: null, diff: null }];
    expect(await engineer.repair(problem, { diagnosis, feedback }, snapshot, session)).toMatchObject({
      kind: "cannot_fix",
    });
  });

  it("goes to a person where the code decides who gets in", async () => {
    const { problem, snapshot } = reported(one);
    expect(await engineer.diagnose(problem, snapshot, session)).toMatchObject({ diagnosis: { requiresPerson: true } });
  });

  it("is refused when the code has changed between diagnosis and repair", async () => {
    const { problem } = reported(one);
    const now = aSnapshot({ "src/auth/session.js": "export const a = (options) => options.rate;\n" });
    for (const name of ["misspelt", "missing-await", "moved-import", "past-the-end"]) {
      const diagnosis = aDiagnosis({ engineer: `playbook:${name}` });
      expect(await engineer.repair(problem, { diagnosis, feedback: [] }, now, session)).toMatchObject({
        kind: "cannot_fix",
      });
    }
  });
});
