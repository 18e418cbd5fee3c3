import { describe, expect, it } from "vitest";
import { placesOf } from "#adapters/engineer/claude/places.ts";
import { Frame } from "#domain/event.ts";

const paths = [
  "apps/admin/src/app/api/users/route.ts",
  "apps/web/src/app/(shop)/orders/[id]/page.tsx",
  "apps/web/src/app/api/orders/route.ts",
  "apps/web/src/app/api/users/route.ts",
  "lib/db/index.js",
  "lib/http/index.js",
  "lib/mail/index.js",
  "src/index.ts",
  "src/lib/money.ts",
  "src/money.ts",
  "src/server/auth.ts",
  "tools/report.py",
];

const first = (stack: string) => placesOf({ frames: [], stack }, paths)[0];

describe("a frame finds its file", () => {
  it.each([
    ["in a container", "at total (/usr/src/app/src/lib/money.ts:12:3)", "src/lib/money.ts", 12],
    ["on a developer's machine", "at total (/Users/ada/work/shop/src/money.ts:3:1)", "src/money.ts", 3],
    ["on Windows", "at total (C:\\work\\shop\\src\\lib\\money.ts:7:1)", "src/lib/money.ts", 7],
    ["as a file address", "at total (file:///srv/shop/src/server/auth.ts:9:2)", "src/server/auth.ts", 9],
    ["from the bundler", "at total (webpack-internal:///(rsc)/./src/lib/money.ts:5:11)", "src/lib/money.ts", 5],
    ["from a named bundle", "at total (webpack://shop/./src/lib/money.ts?a1b2:5:11)", "src/lib/money.ts", 5],
    [
      "in a route group",
      "at Page (/app/apps/web/src/app/(shop)/orders/[id]/page.tsx:4:9)",
      "apps/web/src/app/(shop)/orders/[id]/page.tsx",
      4,
    ],
    [
      "with escapes",
      "at Page (file:///app/apps/web/src/app/(shop)/orders/%5Bid%5D/page.tsx:4:9)",
      "apps/web/src/app/(shop)/orders/[id]/page.tsx",
      4,
    ],
    ["without a function", "at /app/src/server/auth.ts:1:1", "src/server/auth.ts", 1],
    [
      "of an async call",
      "at async GET (/app/apps/web/src/app/api/users/route.ts:8:3)",
      "apps/web/src/app/api/users/route.ts",
      8,
    ],
    ["in Firefox", "total@https://shop.test/src/lib/money.ts:5:11", "src/lib/money.ts", 5],
    ["as a runner of tests prints it", "❯ total src/lib/money.ts:5:11", "src/lib/money.ts", 5],
    ["as another one does", "› Object.total [as sum] (src/lib/money.ts:5:11)", "src/lib/money.ts", 5],
    ["in Python", 'File "/srv/tools/report.py", line 31, in main', "tools/report.py", 31],
    [
      "in a workspace of many",
      "at GET (/vercel/path0/apps/admin/src/app/api/users/route.ts:2:1)",
      "apps/admin/src/app/api/users/route.ts",
      2,
    ],
  ])("%s", (_, line, path, number) => {
    expect(first(`Error: x\n    ${line}`)).toMatchObject({ path, line: number, isBuilt: false });
  });

  it.each([
    ["dist", "at total (/app/dist/lib/money.js:40:11)", "src/lib/money.ts"],
    [
      "Next's server build",
      "at GET (/app/apps/web/.next/server/app/api/orders/route.js:1:2345)",
      "apps/web/src/app/api/orders/route.ts",
    ],
  ])("built into %s, without trusting its line", (_, line, path) => {
    expect(first(line)).toMatchObject({ path, line: null, isBuilt: true });
  });
});

describe("a frame finds nothing", () => {
  it.each([
    ["of a library", "at run (/app/node_modules/lib/db/index.js:3:1)"],
    ["of Node", "at processTicks (node:internal/process/task_queues:105:5)"],
    ["in a file that is not there", "at x (/app/src/other.ts:1:1)"],
    ["where too many files fit", "at x (/opt/elsewhere/index.js:1:1)"],
    ["without a place", "at <anonymous>"],
  ])("%s", (_, line) => {
    expect(first(line)).toBeUndefined();
  });
});

it("takes the frames that the event brought before its text, and those of the application before others", () => {
  const frame = (file: string, line: number, inApp: boolean) =>
    Frame.parse({ file, line, column: 1, function: "f", inApp });
  const frames = [
    frame("src/index.ts", 1, false),
    frame("/app/src/money.ts", 2, true),
    frame("/app/src/money.ts", 2, true),
  ];
  const places = placesOf({ frames, stack: "at x (/app/src/server/auth.ts:9:2)" }, paths);
  expect(places).toEqual([{ path: "src/money.ts", line: 2, function: "f", isBuilt: false }]);
});

it("puts the places in tests behind all others", () => {
  const stack = "at a (/app/tests/money.test.ts:1:1)\n    at b (/app/src/money.ts:2:1)";
  const places = placesOf({ frames: [], stack }, [...paths, "tests/money.test.ts"]);
  expect(places.map(({ path }) => path)).toEqual(["src/money.ts", "tests/money.test.ts"]);
});

it("finds nothing in a hostile stack, and does not get lost in it", () => {
  const stack = [`at ${"(".repeat(50_000)}`, `${"a:".repeat(20_000)}`, `at ${"x ".repeat(20_000)}:1:1`].join("\n");
  expect(placesOf({ frames: [], stack: stack.repeat(3) }, paths)).toEqual([]);
});
