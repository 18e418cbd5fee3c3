import { cleanText } from "#domain/text.ts";
import type { VercelClient } from "./client.ts";
import { BuildEvents } from "./shapes.ts";

const linesMax = 200;
const charactersMax = 8 * 1024;

/** The end of a deployment's build log as plain text, without known secrets, at most 8 KB. Empty when Vercel has none. */
export async function buildLog(
  client: VercelClient,
  deploymentId: string,
  redact: (text: string) => string,
): Promise<string> {
  const query = { direction: "backward", limit: `${linesMax}`, builds: "1" };
  const path = `/v3/deployments/${encodeURIComponent(deploymentId)}/events`;
  try {
    const { value } = await client.get(path, query, BuildEvents);
    const lines = value.slice(0, linesMax).flatMap((event) => event.text ?? event.payload?.text ?? []);
    const log = redact(cleanText(lines.toReversed().join("\n"))).trim();
    // A line that is cut could show half of something that was to be removed.
    return log.length > charactersMax ? log.slice(-charactersMax).replace(/^[^\n]{0,8192}\n/, "") : log;
  } catch {
    // That it failed is known; the log only helps to understand it.
    return "";
  }
}
