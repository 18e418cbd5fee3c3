import type { ErrorEvent } from "#domain/event.ts";
import { aFrame } from "./builders.ts";

export const launch = "src/app/api/campaigns/launch/route.ts";
export const message = (text: string, errorType: string | null = "Error"): Partial<ErrorEvent> => ({
  message: text,
  errorType,
});
export const noStack = (text: string): Partial<ErrorEvent> => ({
  message: text,
  errorType: null,
  frames: [],
  stack: null,
  operation: null,
});
const inFile = (file: string, name = "POST"): Partial<ErrorEvent> => ({ frames: [aFrame(file, name)] });
const called = (...names: string[]): ErrorEvent["frames"] => names.map((name) => aFrame(`src/lib/${name}.ts`, name));
const inLibrary = aFrame("node_modules/pg/lib/client.js", "parse", { inApp: false });
const minified = (file: string, name: string, column: number): Partial<ErrorEvent> => ({
  frames: [aFrame(file, name, { line: 2, column }), aFrame(file, "onSubmit", { line: 2, column: column + 900 })],
});
const link = (text: string): ErrorEvent["chain"][number] => ({ type: "Error", message: text, frames: [] });

/** Pairs of events, and whether they are one problem: the vectors of detection.md §3 by their numbers, and some more. */
export const vectors: [string, Partial<ErrorEvent>, Partial<ErrorEvent>, "same" | "different"][] = [
  ["1: another line", {}, { frames: [aFrame(launch, "POST", { line: 57 })] }, "same"],
  ["2: of null", {}, { message: "Cannot read properties of null (reading 'id')" }, "same"],
  ["3: older wording", {}, { message: "Cannot read property 'id' of undefined" }, "same"],
  ["4: Firefox", {}, { message: `can't access property "id", result is undefined` }, "same"],
  ["5: Safari", {}, { message: "undefined is not an object (evaluating 'result.id')" }, "same"],
  ["6: another property", {}, { message: "Cannot read properties of undefined (reading 'name')" }, "different"],
  ["7: another route", {}, inFile("src/app/api/campaigns/pause/route.ts"), "different"],
  [
    "8: numbers, uuid and date",
    message("User 17 not found in 0f8fad5b-d9cb-469f-a165-70867728950e at 2026-01-01T10:00:00Z"),
    message("User 9911 not found in 7c9e6679-7425-40de-944b-e07fc1f90ae7 at 2026-02-03"),
    "same",
  ],
  [
    "9: reached from two pages",
    { frames: called("formatName", "pageA") },
    { frames: called("formatName", "pageB") },
    "same",
  ],
  [
    "10: a helper, two callers",
    { ...message("status code 500"), frames: called("request", "syncStripe") },
    { ...message("status code 500"), frames: called("request", "syncSlack") },
    "different",
  ],
  [
    "11: an invariant, two messages",
    { ...message("tenant missing"), frames: called("invariant", "a") },
    { ...message("slot taken"), frames: called("invariant", "a") },
    "different",
  ],
  [
    "12: two constraints",
    message('duplicate key value violates unique constraint "users_email_key"'),
    message('duplicate key value violates unique constraint "posts_slug_key"'),
    "different",
  ],
  [
    "13: two values",
    message("Key (email)=(a@b.co) already exists."),
    message("Key (email)=(zed@example.org) already exists."),
    "same",
  ],
  [
    "14: JSON",
    message(`Unexpected token '<', "<!DOCTYPE "... is not valid JSON`, "SyntaxError"),
    message("Expected ',' or '}' after property value in JSON at position 7", "SyntaxError"),
    "same",
  ],
  [
    "15: recursion",
    {
      ...message("Maximum call stack size exceeded", "RangeError"),
      frames: Array.from({ length: 3 }, () => aFrame(launch, "walk")),
    },
    {
      ...message("Maximum call stack size exceeded", "RangeError"),
      frames: Array.from({ length: 49 }, () => aFrame(launch, "walk")),
    },
    "same",
  ],
  ["16: roots", inFile(`/var/task/${launch}`, "async POST"), inFile(`/app/${launch}`), "same"],
  ["17: build hashes", inFile("static/page-9f8e7d6c5b4a3210.js"), inFile("static/page-0011223344556677.js"), "same"],
  [
    "18: bundler names",
    inFile("webpack-internal:///(rsc)/./src/app/page.tsx"),
    inFile("/app/src/app/page.tsx"),
    "same",
  ],
  [
    "19: route groups",
    inFile("src/app/(shop)/[slug]/route.ts"),
    inFile("src/app/(admin)/[slug]/route.ts"),
    "different",
  ],
  [
    "20: stated by the SDK",
    { tags: { fingerprint: '["checkout-down"]' } },
    { ...message("something else"), frames: called("other"), tags: { fingerprint: '["checkout-down"]' } },
    "same",
  ],
  [
    "21: default and more",
    { tags: { fingerprint: '["{{ default }}","t1"]' } },
    { tags: { fingerprint: '["{{ default }}","t2"]' } },
    "different",
  ],
  [
    "20: stated by an SDK, different errors",
    { clientFingerprint: ["checkout-down"] },
    { ...message("something else"), frames: called("other"), clientFingerprint: ["checkout-down"] },
    "same",
  ],
  [
    "21: stated by an SDK, default and more",
    { clientFingerprint: ["{{ default }}", "t1"] },
    { clientFingerprint: ["{{default}}", "t2"] },
    "different",
  ],
  ["nothing but the default", {}, { clientFingerprint: ["{{ default }}"] }, "same"],
  ["23: no stack", noStack("lock 4411 lost"), noStack("lock 98 lost"), "same"],
  [
    "24: addresses",
    { ...message("connect ECONNREFUSED 10.0.0.1:5432"), frames: [aFrame("node:net", "connect", { inApp: false })] },
    { ...message("connect ECONNREFUSED 10.9.3.77:6543"), frames: [aFrame("node:net", "connect", { inApp: false })] },
    "same",
  ],
  [
    "25: chunks",
    message("Loading chunk 812 failed. (error: https://x.co/_next/812.js)", "ChunkLoadError"),
    message("Loading chunk 17 failed. (timeout)", "ChunkLoadError"),
    "same",
  ],
  [
    "26: durations",
    noStack("POST /api/test returning 500 in 123ms"),
    noStack("POST /api/test returning 500 in 98ms"),
    "same",
  ],
  ["27: any 5xx in text", noStack("POST /api/test returning 500"), noStack("POST /api/test returning 502"), "same"],
  [
    "27: requests that failed without an exception",
    { ...noStack("x"), kind: "http", operation: "POST /api/test", httpStatus: 500 },
    { ...noStack("y"), kind: "http", operation: "POST /api/test", httpStatus: 502 },
    "different",
  ],
  [
    "requests of one operation",
    { ...noStack("x"), kind: "http", operation: "GET /api/users/17/orders/0f8fad5b", httpStatus: 500 },
    { ...noStack("y"), kind: "http", operation: "GET /api/users/18/orders/7c9e6679", httpStatus: 500 },
    "same",
  ],
  [
    "failed calls to one service",
    { ...noStack("ECONNRESET"), kind: "external", externalHost: "api.x.co" },
    { ...noStack("ETIMEDOUT"), kind: "external", externalHost: "api.x.co" },
    "same",
  ],
  [
    "failed calls to two services",
    { ...noStack("ECONNRESET"), kind: "external", externalHost: "api.x.co" },
    { ...noStack("ECONNRESET"), kind: "external", externalHost: "api.y.co" },
    "different",
  ],
  [
    "10: a helper whose name tells nothing",
    { ...message("status code 500"), frames: called("hail", "syncStripe") },
    { ...message("status code 503"), frames: called("hail", "syncSlack") },
    "different",
  ],
  [
    "a helper behind a wrapper",
    { ...message("status code 500"), frames: called("hail", "withRetry", "syncStripe") },
    { ...message("status code 500"), frames: called("hail", "withRetry", "syncSlack") },
    "different",
  ],
  [
    "with and without a wrapper",
    { ...message("status code 500"), frames: called("hail", "syncStripe") },
    { ...message("status code 500"), frames: called("hail", "withRetry", "syncStripe") },
    "same",
  ],
  [
    "errors made by a constructor, at two places",
    { ...message("gone", "HttpError"), frames: called("HttpError", "load") },
    { ...message("gone", "HttpError"), frames: called("HttpError", "save") },
    "different",
  ],
  [
    "text that is no JSON, by two callers",
    { ...message("Unexpected end of JSON input", "SyntaxError"), frames: called("decode2", "a") },
    { ...message("Unexpected end of JSON input", "SyntaxError"), frames: called("decode2", "b") },
    "different",
  ],
  [
    "a library's plain words behind one wrapper, by two callers",
    { ...message("Query read timeout"), frames: [inLibrary, ...called("ask", "a")] },
    { ...message("Query read timeout"), frames: [inLibrary, ...called("ask", "b")] },
    "different",
  ],
  [
    "a library that names the constraint, by two callers",
    { ...message('duplicate key value violates unique constraint "u"'), frames: [inLibrary, ...called("ask", "a")] },
    { ...message('duplicate key value violates unique constraint "u"'), frames: [inLibrary, ...called("ask", "b")] },
    "same",
  ],
  [
    "functions that call each other without end",
    { ...message("Maximum call stack size exceeded", "RangeError"), frames: called("even", "odd", "even", "odd") },
    { ...message("too much recursion", "InternalError"), frames: called("odd", "even", "odd", "even") },
    "same",
  ],
  [
    "built code of two releases",
    { ...minified("assets/index-BxY3d9Qz.js", "aB", 71_234), trust: "browser" },
    { ...minified("assets/index-Cq81kPw2.js", "$c", 70_001), trust: "browser" },
    "same",
  ],
  [
    "built code on two routes",
    { ...minified("a.js", "aB", 9_999), trust: "browser", operation: "/cart" },
    { ...minified("a.js", "aB", 9_999), trust: "browser", operation: "/shop" },
    "different",
  ],
  [
    "a method of built code, whatever its object is called now",
    { frames: [aFrame("a.js", "t.submit")], trust: "browser" },
    { frames: [aFrame("a.js", "Xe.submit")], trust: "browser" },
    "same",
  ],
  [
    "a driver's words below the exception that decides",
    { ...message("Failed query"), chain: [link("Failed query"), link('column "a" does not exist')] },
    { ...message("Failed query"), chain: [link("Failed query"), link('column "b" does not exist')] },
    "different",
  ],
  [
    "a peer that is refused once and silent once",
    { ...message("fetch failed", "TypeError"), chain: [link("fetch failed"), link("connect ECONNREFUSED")] },
    { ...message("fetch failed", "TypeError"), chain: [link("fetch failed"), link("connect ETIMEDOUT")] },
    "same",
  ],
  [
    "a sender that maps places but not names",
    { frames: [aFrame("src/cart.ts", "aB", { context: "const sum = cart.sum;" })], trust: "browser" },
    { frames: [aFrame("src/cart.ts", "$c", { context: "  const sum = cart.sum;".trim() })], trust: "browser" },
    "same",
  ],
  [
    "two places of one file without names",
    { frames: [aFrame("src/cart.ts", "aB", { context: "const sum = cart.sum;" })], trust: "browser" },
    { frames: [aFrame("src/cart.ts", "aB", { context: "return order.sum;" })], trust: "browser" },
    "different",
  ],
  ["no type and the plainest type", message("lost"), message("lost", null), "same"],
  [
    "the source line, which only some senders know",
    { frames: [aFrame(launch, "POST", { context: "const id = result.id" })] },
    { frames: [aFrame(launch, "POST")] },
    "same",
  ],
  [
    "4xx keep their number",
    noStack("POST /api/test returning 409"),
    noStack("POST /api/test returning 404"),
    "different",
  ],
  ["two functions", { frames: [aFrame(launch, "POST")] }, { frames: [aFrame(launch, "GET")] }, "different"],
  ["two types", {}, { errorType: "RangeError" }, "different"],
  [
    "borders between parts",
    { tags: { fingerprint: '["a","bc"]' } },
    { tags: { fingerprint: '["ab","c"]' } },
    "different",
  ],
  ["an empty statement", {}, { tags: { fingerprint: " " } }, "same"],
  [
    "frames of packages on top",
    {},
    { frames: [aFrame("node_modules/pg/lib.js", "query", { inApp: false }), aFrame(launch, "POST")] },
    "same",
  ],
];
