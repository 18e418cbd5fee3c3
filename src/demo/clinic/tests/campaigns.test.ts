import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, post } from "./support.ts";

test("lists the campaigns with the size of their audience", async () => {
  const { body } = await ask("/api/campaigns");
  assert.deepEqual(body.campaigns[0], { id: "camp-1", name: "Reminder for tomorrow", patients: 5 });
});

test("launching a campaign queues a call for each patient", async () => {
  const { status, body } = await ask("/api/campaigns/launch", post({ campaignId: "camp-1" }));
  assert.equal(status, 202);
  assert.equal(body.campaignId, "camp-1");
  assert.equal(body.calls, 5);
});

test("a launch keeps to the number of calls that was asked for", async () => {
  const { body } = await ask("/api/campaigns/launch", post({ campaignId: "camp-2", maxCalls: 2 }));
  assert.equal(body.calls, 2);
});

test("a launch without a campaign, or with half a call, is refused", async () => {
  assert.equal((await ask("/api/campaigns/launch", post({}))).status, 400);
  assert.equal((await ask("/api/campaigns/launch", post({ campaignId: "camp-1", maxCalls: 0.5 }))).status, 400);
});
