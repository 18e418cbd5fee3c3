import { json } from "../../../lib/json.ts";
import { listCalls } from "../../../lib/queries.ts";

const latest = 50;

export async function GET(): Promise<Response> {
  return json({ calls: await listCalls(latest) });
}
