import { json } from "../../../lib/json.ts";

export async function GET(): Promise<Response> {
  return json({ status: "ok", release: process.env.RELEASE ?? null });
}
