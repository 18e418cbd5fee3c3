import assert from "node:assert/strict";
import { test } from "node:test";
import { boardLines } from "../src/lib/call-board.ts";
import { answer } from "../src/server.ts";
import { ask } from "./support.ts";

const local: typeof fetch = (input, init) => answer(new Request(String(input), init));

test("lists the latest calls", async () => {
  const { body } = await ask("/api/calls");
  assert.ok(body.calls.length >= 5);
});

test("shows a call with its campaign", async () => {
  const { status, body } = await ask("/api/calls/call-1");
  assert.equal(status, 200);
  assert.equal(body.campaign, "Reminder for tomorrow");
});

test("an unknown call is not found", async () => {
  assert.equal((await ask("/api/calls/call-0")).status, 404);
});

test("the board shows when each call ended", async () => {
  assert.deepEqual(await boardLines(["call-1", "call-2"], "http://clinic.test", local), [
    { id: "call-1", campaign: "Reminder for tomorrow", ended: "10:10" },
    { id: "call-2", campaign: "Yearly check-up", ended: "10:11" },
  ]);
});

test("a call that cannot be shown at the moment gets a dash", async () => {
  const broken: typeof fetch = async () => new Response("{}", { status: 500 });
  assert.deepEqual(await boardLines(["call-1"], "http://clinic.test", broken), [
    { id: "call-1", campaign: "–", ended: "–" },
  ]);
});

test("a board without calls is empty, and one without a day is refused", async () => {
  assert.deepEqual((await ask("/api/calls/board?day=2026-01-01")).body, { day: "2026-01-01", lines: [] });
  assert.equal((await ask("/api/calls/board")).status, 400);
});
