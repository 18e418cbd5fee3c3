import { bodyOf, json } from "../../../../lib/json.ts";
import { recordPayment } from "../../../../lib/queries.ts";

export async function POST(request: Request): Promise<Response> {
  const { invoiceId, amountCents } = await bodyOf(request);
  if (typeof invoiceId !== "string" || typeof amountCents !== "number" || !Number.isInteger(amountCents) || amountCents < 1) {
    return json({ error: "A payment needs an invoice and an amount in cents" }, 400);
  }
  const invoice = await recordPayment(invoiceId, amountCents);
  if (invoice === undefined) {
    return json({ error: "Invoice not found" }, 404);
  }
  return json({ invoice }, 201);
}
