import { addressee } from "../../../../lib/invoices.js";

export async function GET(_request, { params }) {
  const { id } = await params;
  return Response.json({ addressee: addressee(id) });
}
