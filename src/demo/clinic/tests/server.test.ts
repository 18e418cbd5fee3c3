import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, post } from "./support.ts";

test("says that it is well, and which release it is", async () => {
  assert.deepEqual((await ask("/api/health")).body, { status: "ok", release: process.env.RELEASE ?? null });
});

test("an unknown address is 404 and a wrong method 405", async () => {
  assert.equal((await ask("/api/nothing")).status, 404);
  assert.equal((await ask("/api/health", { method: "DELETE" })).status, 405);
});

test("keeps what the front desk noticed", async () => {
  const { status } = await ask("/api/feedback", post({ kind: "other", seenAt: "the board", text: "Too small" }));
  assert.equal(status, 201);
});

test("refuses feedback without a text or of an unknown kind", async () => {
  assert.equal((await ask("/api/feedback", post({ kind: "other", seenAt: "the board", text: " " }))).status, 400);
  assert.equal((await ask("/api/feedback", post({ kind: "praise", seenAt: "the board", text: "Nice" }))).status, 400);
});
