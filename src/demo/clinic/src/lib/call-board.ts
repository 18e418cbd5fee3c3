/** One line of the wall display in the call room. */
export interface BoardLine {
  id: string;
  campaign: string;
  ended: string;
}

/**
 * Asks the calls API for each call, as every client does: the board shows exactly what the front desk sees.
 * A call that cannot be shown at the moment gets a dash; the board asks again at its next turn.
 */
export async function boardLines(callIds: string[], api: string, request: typeof fetch = fetch): Promise<BoardLine[]> {
  return Promise.all(callIds.map((id) => boardLine(id, api, request)));
}

async function boardLine(id: string, api: string, request: typeof fetch): Promise<BoardLine> {
  const response = await request(`${api}/api/calls/${encodeURIComponent(id)}`, { signal: AbortSignal.timeout(5_000) });
  if (response.status >= 500) return { id, campaign: "–", ended: "–" };
  const call = await response.json();
  const ended = new Date(call.endedAt).toISOString();
  return { id, campaign: call.campaign, ended: ended.slice(11, 16) };
}
