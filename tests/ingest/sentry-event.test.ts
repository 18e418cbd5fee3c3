import { describe, expect, it } from "vitest";
import type { ErrorEvent } from "#domain/event.ts";
import { type IngestKey, userHasher } from "#ingest/keys.ts";
import type { Delivery } from "#ingest/plain.ts";
import { sentryErrorEventOf } from "#ingest/sentry-event.ts";
import { receivedAt } from "./deliveries.ts";

const key: IngestKey = { environment: "production", trust: "server" };
const delivery: Delivery = {
  ...{ contentType: null, receivedAt, key, visitor: "203.0.113.9 Firefox", newId: () => "new-id" },
  hashUser: userHasher("key"),
};

function eventOf(value: Record<string, unknown>, changes: Partial<Delivery> = {}): ErrorEvent {
  const event = sentryErrorEventOf(value, { ...delivery, ...changes });
  if (typeof event === "string") throw new Error(event);
  return event;
}

const frame = (name: string, more: object = {}) => ({
  filename: `/app/src/${name}.ts`,
  function: name,
  lineno: 3,
  ...more,
});
const thrown = (type: string, mechanism: object = {}, frames: object[] = [frame(type)]) => ({
  type,
  value: `${type} happened`,
  stacktrace: { frames },
  mechanism: { type: "chained", handled: true, ...mechanism },
});
const chainOf = (event: ErrorEvent) => event.chain.map(({ type }) => type);

describe("exceptions", () => {
  it("run from the outermost to its cause, and the cause decides", () => {
    const event = eventOf({ exception: { values: [thrown("Cause"), thrown("Middle"), thrown("Outer")] } });
    expect([chainOf(event), event.errorType, event.message]).toEqual([
      ["Outer", "Middle", "Cause"],
      "Cause",
      "Cause happened",
    ]);
    expect(event.stack?.split("\n").filter((line) => !line.startsWith(" "))).toEqual([
      "Outer: Outer happened",
      "Caused by: Middle: Middle happened",
      "Caused by: Cause: Cause happened",
    ]);
  });

  it("of a group lead through its first error; the siblings are no causes of each other", () => {
    const values = [
      thrown("Second", { exception_id: 3, parent_id: 0 }),
      thrown("CauseOfFirst", { exception_id: 2, parent_id: 1 }),
      thrown("First", { exception_id: 1, parent_id: 0 }),
      thrown("AggregateError", { exception_id: 0, is_exception_group: true }),
    ];
    expect(chainOf(eventOf({ exception: { values } }))).toEqual(["AggregateError", "First", "CauseOfFirst"]);
  });

  it("without a frame of the application leave the decision to the one that has some", () => {
    const library = [frame("lib", { filename: "/app/node_modules/pg/lib/client.js", in_app: false })];
    const event = eventOf({ exception: { values: [thrown("Cause", {}, library), thrown("Outer")] } });
    expect(event.errorType).toBe("Outer");
  });

  it.each([
    ["one link nobody caught", [thrown("A", { handled: true }), thrown("B", { handled: false })], false],
    ["all caught", [thrown("A"), thrown("B")], true],
    ["a mechanism that says nothing", [{ type: "A", value: "x" }], false],
    ["nothing thrown", [], true],
  ])("with %s", (_, values, handled) => {
    expect(eventOf({ message: "x", exception: { values } }).handled).toBe(handled);
  });
});

describe("frames", () => {
  it("come innermost first, with their source line where it is one, and the build they belong to", () => {
    const frames = [
      frame("outer", { context_line: `${"x".repeat(301)}` }),
      frame("lib", { filename: "/app/node_modules/a/b.js", in_app: false, context_line: "lib()" }),
      {
        filename: "https://shop.test/_next/static/chunks/app/page-0123456789abcdef.js",
        function: "?",
        lineno: 1,
        colno: 900,
        in_app: true,
      },
      frame("inner", { context_line: "  const id = result.id;", in_app: true }),
    ];
    const image = { type: "sourcemap", code_file: frames[2]?.filename, debug_id: "d-1" };
    const event = eventOf({ exception: { values: [thrown("E", {}, frames)] }, debug_meta: { images: [image, null] } });
    expect(event.frames).toMatchObject([
      { file: "src/inner.ts", function: "inner", inApp: true, context: "const id = result.id;", debugId: null },
      { function: "", column: 900, debugId: "d-1", inApp: true },
      { file: "node_modules/a/b.js", inApp: false, context: null },
      { file: "src/outer.ts", context: null },
    ]);
  });
});

describe("a message", () => {
  it.each([
    [{ message: "hello" }, "hello"],
    [{ logentry: { message: "hello %s", formatted: "hello world", params: ["world"] } }, "hello world"],
    [{ message: { message: "hello %s", formatted: "hello world" } }, "hello world"],
    [{ exception: { values: [{ value: "captured" }] }, message: "captured" }, "captured"],
    [{}, "(no message)"],
  ])("in %j is %j", (value, message) => {
    const event = eventOf(value);
    expect([event.message, event.errorType, event.tags]).toEqual([message, null, {}]);
  });

  it("that prints a stack is read as one", () => {
    const event = eventOf({ message: "TypeError: no total\n    at pay (/app/src/pay.ts:3:5)" });
    expect(event).toMatchObject({ errorType: "TypeError", message: "no total", frames: [{ file: "src/pay.ts" }] });
  });
});

describe("everything else", () => {
  it("goes to its place", () => {
    const event = eventOf({
      ...{ event_id: "9EC79C33-EC99-42AB-8353-589FCB2E04DC", level: "fatal", platform: "node", dist: "7" },
      ...{ message: "x", release: "shop@1", environment: "production", fingerprint: ["{{ default }}", "north"] },
      request: { method: "POST", url: "https://shop.test/orders/17?token=x", headers: { "X-Request-Id": "r-1" } },
      contexts: { trace: { trace_id: "t".repeat(32) }, response: { status_code: 502 }, runtime: { name: "node" } },
      tags: [["shop", "north"], ["n", 5], ["bad"]],
      breadcrumbs: [{ message: "a crumb" }],
      extra: { dropped: true },
    });
    expect(event).toMatchObject({
      ...{ id: "9ec79c33ec9942ab8353589fcb2e04dc", level: "fatal", dist: "7", release: "shop@1", requestId: "r-1" },
      ...{ operation: "POST /orders/:id", httpStatus: 502, traceId: "t".repeat(32), tags: { shop: "north", n: "5" } },
      clientFingerprint: ["{{ default }}", "north"],
    });
    expect(JSON.stringify(event)).not.toMatch(/crumb|dropped|token/);
  });

  it.each([
    ["an id", { user: { id: 7, email: "jane@example.org" } }, "7"],
    ["an address", { user: { email: "jane@example.org", ip_address: "203.0.113.9" } }, "jane@example.org"],
    [
      "where from",
      { user: { ip_address: "203.0.113.9" }, request: { headers: { "User-Agent": "Firefox" } } },
      "203.0.113.9 Firefox",
    ],
    ["a browser's visitor", { user: { ip_address: "{{auto}}" }, platform: "javascript" }, "203.0.113.9 Firefox"],
    ["nobody", {}, null],
  ])("counts users by %s, as a hash", (_, value, user) => {
    const { userHash } = eventOf({ message: "x", ...value });
    expect(userHash).toBe(user === null ? null : userHasher("key")(user));
  });

  it("marks crawlers of pages and our own probes, and no callers of a server", () => {
    const by = (agent: string, more: object) =>
      eventOf({ message: "x", request: { headers: { "user-agent": agent } }, ...more }).tags;
    expect(by("Googlebot/2.1", { platform: "javascript" })).toEqual({ noise: "crawler" });
    expect(by("Googlebot/2.1", { platform: "node" })).toEqual({});
    expect(eventOf({ message: "x", request: { headers: { "X-Vigil-Probe": "1" } } }).tags).toEqual({ noise: "probe" });
  });
});
