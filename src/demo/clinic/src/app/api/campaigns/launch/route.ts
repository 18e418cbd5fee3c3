import { bodyOf, json } from "../../../../lib/json.ts";
import { findCampaign, findPatients, queueCalls } from "../../../../lib/queries.ts";

/** One launch never keeps the lines busy for longer than a morning. */
const callsMax = 200;
const callsUsual = 50;

interface Launch {
  campaignId: string;
  maxCalls: number;
}

/** What the front desk asked for, or why it cannot be done. */
function launchOf(body: Record<string, unknown>): Launch | string {
  const { campaignId, maxCalls = callsUsual } = body;
  if (typeof campaignId !== "string" || campaignId === "") {
    return "A campaign must be chosen";
  }
  if (typeof maxCalls !== "number" || !Number.isInteger(maxCalls) || maxCalls < 1) {
    return "The number of calls must be a whole number above zero";
  }
  return { campaignId, maxCalls: Math.min(maxCalls, callsMax) };
}

/**
 * Launches a reminder campaign: every patient of its audience gets a call, in the order
 * of the audience, up to the number that was asked for.
 */
export async function POST(request: Request): Promise<Response> {
  const launch = launchOf(await bodyOf(request));
  if (typeof launch === "string") {
    return json({ error: launch }, 400);
  }

  // The lines of the log book: who started what, and when.
  const startedBy = request.headers.get("x-user-id") ?? "front desk";
  const startedAt = new Date().toISOString();

  const campaign = await findCampaign(launch.campaignId);

  const summary = {
    campaignId: campaign.id,
    name: campaign.name,
    startedBy,
    startedAt,
  };
  const patients = await findPatients(campaign.audience.slice(0, launch.maxCalls));
  const patientIds = patients.map((patient) => patient.id);
  const calls = await queueCalls(campaign.id, patientIds);
  return json({ ...summary, calls: calls.length }, 202);
}
