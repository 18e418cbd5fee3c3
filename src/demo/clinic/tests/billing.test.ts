import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, post } from "./support.ts";

test("lists a patient's invoices with what is due", async () => {
  const { status, body } = await ask("/api/billing/invoices?patientId=pat-1");
  assert.equal(status, 200);
  assert.deepEqual(body, { currency: "CHF", invoices: [{ id: "inv-1", dueCents: 4000 }] });
});

test("a payment lowers what is due", async () => {
  const paid = await ask("/api/billing/payments", post({ invoiceId: "inv-2", amountCents: 1500 }));
  assert.equal(paid.status, 201);
  const { body } = await ask("/api/billing/invoices?patientId=pat-2");
  assert.deepEqual(body.invoices, [{ id: "inv-2", dueCents: 3000 }]);
});

test("a payment of nothing, or for an unknown invoice, is refused", async () => {
  assert.equal((await ask("/api/billing/payments", post({ invoiceId: "inv-1", amountCents: 0 }))).status, 400);
  assert.equal((await ask("/api/billing/payments", post({ invoiceId: "inv-0", amountCents: 100 }))).status, 404);
});
