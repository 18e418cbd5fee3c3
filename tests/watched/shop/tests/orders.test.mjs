import assert from "node:assert/strict";
import { test } from "node:test";
import { findCustomer, findOrder } from "../src/orders.mjs";

test("finds what is there", async () => {
  assert.deepEqual(await findCustomer("ada"), { name: "Ada" });
  assert.deepEqual(await findOrder("1"), { id: "1", lines: ["tea", "milk"] });
});

test("finds nothing of what is not", async () => {
  assert.equal(await findOrder("2"), undefined);
});
