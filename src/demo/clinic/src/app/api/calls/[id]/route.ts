import { json } from "../../../../lib/json.ts";
import { findCall, findCampaign } from "../../../../lib/queries.ts";

interface Context {
  params: Promise<{ id: string }>;
}

/** One call, with the campaign that it was made for. */
export async function GET(_request: Request, { params }: Context): Promise<Response> {
  const { id } = await params;
  const call = await findCall(id);
  if (call === undefined) {
    return json({ error: "Call not found" }, 404);
  }
  const campaign = await findCampaign(call.campaignId);
  return json({
    id: call.id,
    patientId: call.patientId,
    campaign: campaign.name,
    script: campaign.script,
    state: call.state,
    endedAt: call.endedAt,
  });
}
