import { type Blamed, type Refusal, refusalOf, refusalOfNetwork, refusalOfStatus } from "./refusals.ts";

const requestMs = 10_000;
const answerCharactersMax = 200;

/**
 * One POST to an address that Slack gave out: an incoming webhook, or the response URL of a click. Never repeated here;
 * `undefined`: Slack took it. (`@slack/webhook` hides `Retry-After`.)
 */
export async function postTo(url: string, body: unknown, blamed: Blamed): Promise<Refusal | undefined> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(requestMs),
    });
  } catch (error) {
    return refusalOfNetwork(error);
  }
  const said = (await response.text().catch(() => "")).slice(0, answerCharactersMax).trim();
  if (response.ok) return undefined;
  const isCode = /^[a-z_]{1,60}$/.test(said) && response.status < 500 && response.status !== 429;
  return isCode ? refusalOf(said, blamed) : refusalOfStatus(response.status, response.headers.get("retry-after"));
}
