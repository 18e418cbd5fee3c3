import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from "@slack/web-api";
import {
  type Blamed,
  type Refusal,
  refusalOf,
  refusalOfNetwork,
  refusalOfStatus,
  retryAfterMsOf,
  tooFast,
} from "./refusals.ts";

/** Six calls at most for one message; together they have to end before its job counts as dead. */
const requestMs = 8_000;

/**
 * Slack's own client, without its ten repetitions in half an hour and its waiting: a message waits in the database, where
 * it survives this process and keeps its place.
 */
export function createBot({ token, apiUrl }: { token: string; apiUrl: string | null }): WebClient {
  return new WebClient(token, {
    ...(apiUrl === null ? {} : { slackApiUrl: apiUrl }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: requestMs,
    allowAbsoluteUrls: false,
    logLevel: LogLevel.ERROR,
  });
}

/** What went wrong with a call. Anything that is not Slack's or the network's is a bug and thrown on. */
export function refusalOfCall(error: unknown, blamed: Blamed): Refusal {
  if (error instanceof WebAPIPlatformError) return refusalOf(String(error.data.error), blamed);
  if (error instanceof WebAPIRateLimitedError) return tooFast(retryAfterMsOf(String(error.retryAfter)));
  if (error instanceof WebAPIHTTPError) return refusalOfStatus(error.statusCode, error.headers["retry-after"] ?? null);
  if (error instanceof WebAPIRequestError) return refusalOfNetwork(error.original);
  // Its way to say that a 429 named no time.
  if (error instanceof Error && /Retry header/.test(error.message)) return refusalOfStatus(429, null);
  throw error;
}
