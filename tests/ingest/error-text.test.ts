import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { decided } from "#ingest/chain.ts";
import { spokenError } from "#ingest/error-text.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { sha256 } from "#tests/policy/builders.ts";
import { eventOf } from "./deliveries.ts";

const frame = "    at POST (/app/src/a.ts:1:2)";

describe("an exception in a printed text", () => {
  it.each([
    [`TypeError: x is not a function\n${frame}`, "TypeError", "x is not a function", ""],
    [`⨯ Error: no tenant\n${frame}`, "Error", "no tenant", "⨯"],
    [`Uncaught (in promise) RangeError: too far\n${frame}`, "RangeError", "too far", ""],
    [`TypeError [ERR_INVALID_ARG_TYPE]: no path\n${frame}`, "TypeError", "no path", ""],
    [`error: duplicate key\n${frame}`, "error", "duplicate key", ""],
    [`QuotaExceeded: 5 of 5\n${frame}`, "QuotaExceeded", "5 of 5", ""],
    [
      `[GET] /x Unhandled rejection: shop.HttpError: gone\n${frame}`,
      "shop.HttpError",
      "gone",
      "[GET] /x Unhandled rejection:",
    ],
    [`pay: TypeError: no total\n${frame}`, "TypeError", "no total", "pay:"],
    [`Error: two\nlines\n${frame}`, "Error", "two\nlines", ""],
    ["TypeError: fetch failed", "TypeError", "fetch failed", ""],
    ["pay said TypeError: no total", null, "pay said TypeError: no total", ""],
    ["nothing happened", null, "nothing happened", ""],
    [`something\n${frame}`, null, "something", ""],
    ["", null, "", ""],
  ])("%j", (text, type, message, before) => {
    const { stack, ...spoken } = spokenError(text);
    expect(spoken).toEqual({ type, message, before });
    expect(stack !== null).toBe(text.includes(frame));
  });

  it("with two wrappers around one cause is one problem (vector 22 of detection.md §3)", () => {
    const cause = {
      name: "TypeError",
      message: "inner",
      stack: "TypeError: inner\n    at load (/app/src/load.ts:1:2)",
    };
    const prints = ["Failed to load dashboard", "Failed to load report"].map((message) => {
      const event = eventOf({ error: { name: "Error", message, stack: `Error: ${message}\n${frame}`, cause } });
      return fingerprintOf(event, sha256).fingerprint;
    });
    expect(prints[0]).toBe(prints[1]);
  });

  it("with causes, as the console prints it, is decided by the innermost that the application shows in", () => {
    const inner = Object.assign(new TypeError("inner"), {
      stack: "TypeError: inner\n    at load (/app/src/load.ts:1:2)",
    });
    const outer = Object.assign(new Error("outer"), { cause: inner, stack: `Error: outer\n${frame}` });
    const event = eventOf({ message: inspect(outer) });
    expect([event.errorType, event.message, event.frames.map(({ file }) => file)]).toEqual([
      "TypeError",
      "inner",
      ["src/load.ts"],
    ]);
    expect(event.chain.map(({ type, message }) => [type, message])).toEqual([
      ["Error", "outer"],
      ["TypeError", "inner"],
    ]);
    const stackless = Object.assign(new Error("fetch failed"), { cause: inner, stack: "" });
    expect(eventOf({ message: inspect(stackless) })).toMatchObject({ errorType: "TypeError", message: "inner" });
  });

  it("of several errors in one follows the first", () => {
    const first = Object.assign(new Error("first"), { stack: "Error: first\n    at a (/app/src/a.ts:1:2)" });
    const second = Object.assign(new Error("second"), { stack: "Error: second\n    at b (/app/src/b.ts:1:2)" });
    const all = new AggregateError([first, second], "all failed");
    all.stack = "AggregateError: all failed";
    const found = { message: "first", frames: [{ file: "src/a.ts" }] };
    expect(eventOf({ message: inspect(all) })).toMatchObject(found);
    const { name, message, stack } = all;
    const errors = [first, second].map((error) => ({ name: error.name, message: error.message, stack: error.stack }));
    expect(eventOf({ error: { name, message, stack, errors } })).toMatchObject(found);
  });

  it("with causes in fields is the same error", () => {
    const cause = {
      name: "TypeError",
      message: "inner",
      stack: "TypeError: inner\n    at load (/app/src/load.ts:1:2)",
    };
    const event = eventOf({ error: { name: "Error", message: "outer", stack: `Error: outer\n${frame}`, cause } });
    expect(event).toMatchObject({ errorType: "TypeError", message: "inner" });
    let deep: Record<string, unknown> = cause;
    for (let n = 0; n < 4; n++) deep = { name: "Error", message: `wrapper ${n}`, cause: deep };
    expect(eventOf({ error: { ...deep, stack: `Error: wrapper 3\n${frame}` } })).toMatchObject({ message: "inner" });
    expect(eventOf({ error: { message: "outer", cause: "a text" } })).toMatchObject({ message: "outer", chain: [] });
  });

  it("keeps a chain within its bounds, with both of its ends", () => {
    const thrown = Array.from({ length: 20 }, (_, n) => ({
      type: "E",
      message: `${n} ${"x".repeat(2_000)}`,
      frames: [],
    }));
    const { chain } = decided(thrown);
    expect(chain.map(({ message }) => message.slice(0, 2).trim())).toEqual(["0", "1", "2", "3", "4", "5", "6", "19"]);
    expect(Math.max(...chain.map(({ message }) => message.length))).toBe(1_000);
  });
});
