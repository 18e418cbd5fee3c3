import { json } from "../../../../lib/json.ts";
import { findAccount, listInvoices } from "../../../../lib/queries.ts";

/** A patient's invoices in the account's currency. */
export async function GET(request: Request): Promise<Response> {
  const patientId = new URL(request.url).searchParams.get("patientId");
  if (patientId === null || patientId === "") {
    return json({ error: "A patient must be chosen" }, 400);
  }
  const account = await findAccount(patientId);
  const discount = 1 - account.discountPct / 100;
  const invoices = await listInvoices(patientId);
  return json({
    currency: account.currency,
    invoices: invoices.map(({ id, amountCents, paidCents }) => ({
      id,
      dueCents: Math.max(0, Math.round(amountCents * discount) - paidCents),
    })),
  });
}
