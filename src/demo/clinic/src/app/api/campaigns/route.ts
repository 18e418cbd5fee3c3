import { json } from "../../../lib/json.ts";
import { listCampaigns } from "../../../lib/queries.ts";

export async function GET(): Promise<Response> {
  const campaigns = await listCampaigns();
  return json({ campaigns: campaigns.map(({ id, name, audience }) => ({ id, name, patients: audience.length })) });
}
