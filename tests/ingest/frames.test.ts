import { describe, expect, it } from "vitest";
import { decided } from "#ingest/chain.ts";
import { normalisePath, thrownIn } from "#ingest/frames.ts";

const release = "3f2a1b4c5d6e7f8091a2b3c4d5e6f708192a3b4c";

const framesOf = (stack: string, message = "") => decided(thrownIn(stack, { type: null, message })).frames;

/** `file:line:column function`, with a `-` before what is not the application's. */
function read(stack: string, message?: string): string[] {
  return framesOf(stack, message).map(({ file, line, column, function: name, inApp }) =>
    `${inApp ? "" : "-"}${file}:${line}:${column} ${name}`.trim(),
  );
}

describe("a stack text", () => {
  it("of V8 gives its frames, innermost first", () => {
    const stack = `TypeError: Cannot read properties of undefined (reading 'id')
    at POST (/app/src/app/api/campaigns/launch/route.ts:42:25)
    at async handler (file:///srv/releases/${release}/src/server.ts:12:3)
    at new Campaign (/var/task/src/lib/campaign.ts:7:9)
    at Campaign.start [as run] (/vercel/path0/src/lib/campaign.ts:20:5)
    at Object.<anonymous> (/workspace/src/index.ts:1:1)
    at Object.GET (/home/jane/shop/src/get.ts:3:4)
    at /app/src/app/(shop)/[slug]/page.tsx:9:2
    at async Promise.all (index 0)
    at Array.map (<anonymous>)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)
    at next (/app/node_modules/.pnpm/express@5.0.0/node_modules/express/lib/router.js:10:20)
    at eval (eval at run (/app/src/x.ts:1:1), <anonymous>:1:7)`;
    expect(read(stack)).toEqual([
      "src/app/api/campaigns/launch/route.ts:42:25 POST",
      "src/server.ts:12:3 handler",
      "src/lib/campaign.ts:7:9 Campaign",
      "src/lib/campaign.ts:20:5 Campaign.start",
      "src/index.ts:1:1",
      "src/get.ts:3:4 GET",
      "src/app/(shop)/[slug]/page.tsx:9:2",
      "-index 0:null:null Promise.all",
      "-<anonymous>:null:null Array.map",
      "-node:internal/process/task_queues:105:5 process.processTicksAndRejections",
      "-node_modules/express/lib/router.js:10:20 next",
      "src/x.ts:1:1",
    ]);
  });

  it("of Firefox and Safari gives the same", () => {
    const stack = `launch@https://app.test/_next/static/chunks/src/launch.js?v=1:42:25
async*start@https://app.test/src/start.js:3:1
promise callback*@https://app.test/src/start.js:9:1
[native code]
map@[native code]
global code@https://app.test/src/main.js:1:1
@https://app.test/(shop)/[slug]/page.js:1:1
run/<@https://app.test/@scope/x.js:2:2
content@moz-extension://abc/inject.js:1:1`;
    expect(read(stack)).toEqual([
      "_next/static/chunks/src/launch.js:42:25 launch",
      "src/start.js:3:1 start",
      "src/start.js:9:1",
      "-[native code]:null:null map",
      "src/main.js:1:1",
      "(shop)/[slug]/page.js:1:1",
      "@scope/x.js:2:2 run",
      "-moz-extension://abc/inject.js:1:1 content",
    ]);
  });

  it("keeps route groups and brackets inside a named frame", () => {
    expect(read("    at POST (/app/src/app/(shop)/a b (c)/[slug]/route.ts:4:2)")).toEqual([
      "src/app/(shop)/a b (c)/[slug]/route.ts:4:2 POST",
    ]);
  });

  it("takes no frame out of the message that stands before it", () => {
    const message = "ignore the rules\n    at approve (src/app/api/billing/route.ts:1:1)";
    expect(read(`Error: ${message}\n    at POST (/app/src/x.ts:2:2)`, message)).toEqual(["src/x.ts:2:2 POST"]);
  });

  it("with a chain of causes counts the innermost that the application shows in", () => {
    const stack = `Error: outer
    at outer (/app/src/outer.ts:1:1)
    [cause]: Error: inner
    at inner (/app/src/inner.ts:2:2)
    [cause]: Error: socket
    at connect (node:net:3:3)`;
    expect(read(stack)).toEqual(["src/inner.ts:2:2 inner"]);
  });

  it("does not grow with recursion", () => {
    expect(
      read(`RangeError: x\n${"    at walk (/app/src/walk.ts:3:3)\n".repeat(100)}    at main (/app/src/main.ts:1:1)`),
    ).toEqual(["src/walk.ts:3:3 walk", "src/main.ts:1:1 main"]);
  });

  it("is capped at 50 frames, 200 lines and 1,024 characters a line", () => {
    const many = Array.from({ length: 500 }, (_, line) => `    at f (/app/src/a.ts:${line}:1)`).join("\n");
    expect(framesOf(many)).toHaveLength(50);
    expect(framesOf(`${"no frame\n".repeat(200)}    at f (/app/src/a.ts:1:1)`)).toEqual([]);
    expect(framesOf(`    at f (/app/${"x".repeat(2_000)}.ts:1:1)`)).toEqual([]);
  });

  it("of a hostile megabyte is read within the same bounds", () => {
    const lines = [
      "    at f (/a.js:1:1)\n",
      "at ",
      "@",
      "a@http://",
      "[cause]: ",
      "    at x (eval at ",
      "at async ",
      " ",
      "(",
      ":1",
    ];
    for (const line of lines) {
      const thrown = thrownIn(line.repeat(1_000_000 / line.length), { type: null, message: "x" });
      expect(thrown.length).toBeLessThanOrEqual(20);
      for (const { frames } of thrown) expect(frames.length).toBeLessThanOrEqual(50);
    }
  });

  it("of Hermes, WebAssembly and bare addresses gives the places that it holds", () => {
    const stack = `    at foo (address at /data/app/main.jsbundle:1:2345)
    at wasm://wasm/0012:wasm-function[12]:0x3ff
    at [project]/src/app/api/route.ts [app-rsc] (ecmascript):4:5
    at Page (/app/src/app/feed/(..)(..)photo/page.tsx:1:2)
    at captureException (/app/src/log.ts:3:4)
https://app.test/assets/index.js:5:6`;
    expect(read(stack)).toEqual([
      "app/main.jsbundle:1:2345 foo",
      "-wasm://wasm/0012:wasm-function[12]:0x3ff:null:null",
      "src/app/api/route.ts:4:5",
      "src/app/feed/(..)(..)photo/page.tsx:1:2 Page",
      "src/log.ts:3:4 captureException",
      "assets/index.js:5:6",
    ]);
  });

  it("takes no line of prose for a frame", () => {
    const prose = [
      "message about /etc/passwd:1:2",
      "error at src/app.ts:12",
      "Please mail jane@x.co/foo:1:2 now",
      "at noon",
    ];
    expect(read(prose.join("\n"))).toEqual([]);
  });

  it("whose message is short loses none of its frames to it", () => {
    expect(read("TypeError: x\n    at x (/app/src/x.ts:1:1)", "x")).toEqual(["src/x.ts:1:1 x"]);
  });

  it.each([[""], ["at "], ["at ()"], ["@"], ["at x"], ["\n\n\n"], ["    at (((((((("], ["at :1:1:1:1:1"]])(
    "of nothing useful gives nothing dangerous: %j",
    (stack) => {
      for (const { file, function: name } of framesOf(stack)) expect(file.length + name.length).toBeLessThan(801);
    },
  );
});

describe("a file name", () => {
  it.each([
    ["/var/task/src/a.ts", "src/a.ts"],
    ["/vercel/path0/src/a.ts", "src/a.ts"],
    ["/app/app/page.tsx", "app/page.tsx"],
    ["app/page.tsx", "app/page.tsx"],
    [`/data/.vigil/platform/releases/${release}/src/server.ts`, "src/server.ts"],
    ["/srv/www/current/src/a.ts", "src/a.ts"],
    ["/opt/thing/a.ts", "a.ts"],
    ["/opt/lib/a.ts", "lib/a.ts"],
    ["/home/deploy/shop/lib/a.js", "lib/a.js"],
    ["/home/deploy/shop/releases/20260301/lib/a.js", "lib/a.js"],
    ["/srv/shop/current/lib/a.js", "lib/a.js"],
    ["/a.js", "/a.js"],
    ["webpack-internal:///(rsc)/./src/app/page.tsx", "src/app/page.tsx"],
    ["webpack-internal:///./src/app/page.tsx", "src/app/page.tsx"],
    ["webpack://shop/./src/a.ts?1a2b", "src/a.ts"],
    ["rsc://React/Server/file:///app/src/a.ts?42", "src/a.ts"],
    ["[project]/src/a.ts [app-rsc] (ecmascript)", "src/a.ts"],
    ["https://app.test/src/a.js?token=abc#x", "src/a.js"],
    ["https://app.test/app/a.js", "app/a.js"],
    ["app:///src/a.js", "src/a.js"],
    ["~/static/a.js", "static/a.js"],
    ["file:///app/src/a%20b/%5Bslug%5D.ts", "src/a b/[slug].ts"],
    ["file:///app/src/100%.ts", "src/100%.ts"],
    ["C:\\code\\shop\\src\\a.ts", "src/a.ts"],
    ["/app/node_modules/pg/lib/client.js", "node_modules/pg/lib/client.js"],
    ["/app/src/app/(shop)/[...all]/page.tsx", "src/app/(shop)/[...all]/page.tsx"],
  ])("%s is %s", (raw, file) => {
    expect(normalisePath(raw)).toBe(file);
  });
});
