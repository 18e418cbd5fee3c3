import { Failure } from "#domain/failure.ts";

/** Why Slack took no message, as far as it matters what to do about it. */
export type Refusal =
  | { kind: "content"; code: string }
  | { kind: "thread"; code: string }
  | { kind: "unknown"; because: string }
  | { kind: "failure"; failure: Failure };

/** Whom to blame, by Slack's own codes (docs.slack.dev, chat.postMessage; errors of incoming webhooks). */
const codes: Record<
  "credentials" | "scope" | "channel" | "busy" | "content" | "thread" | "unknown",
  readonly string[]
> = {
  credentials: [
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "no_service",
    "no_service_id",
    "no_team",
    "invalid_token",
    "no_active_hooks",
    "team_disabled",
  ],
  scope: ["missing_scope", "no_permission", "access_denied", "not_allowed_token_type", "ekm_access_denied"],
  channel: [
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "channel_is_archived",
    "action_prohibited",
    "restricted_action",
    "restricted_action_read_only_channel",
    "posting_to_general_channel_denied",
  ],
  busy: ["ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "team_added_to_org"],
  content: [
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_payload",
    "msg_too_long",
    "msg_blocks_too_long",
    "no_text",
    "invalid_metadata_format",
    "metadata_too_large",
    "invalid_arguments",
  ],
  thread: ["thread_not_found", "invalid_thread_ts", "cannot_reply_to_message", "message_not_found"],
  unknown: ["internal_error", "fatal_error", "request_timeout", "rollup_error"],
};

export interface Blamed {
  /** The variable that holds the credentials. */
  credentials: string;
  /** The variable, or the thing, that says where messages go. */
  channel: string;
}

/** What a code of Slack means. One that is not known may be mended by a person, and by nobody else. */
export function refusalOf(code: string, blamed: Blamed): Refusal {
  const shown = /^[a-z_]{1,60}$/.test(code) ? code : "an unknown error";
  const is = (kind: keyof typeof codes) => codes[kind].includes(code);
  if (is("content")) return { kind: "content", code: shown };
  if (is("thread")) return { kind: "thread", code: shown };
  if (is("unknown")) return { kind: "unknown", because: `Slack answered ${shown}.` };
  if (is("busy")) return failed("unavailable", `Slack takes no messages right now (${shown}).`);
  const hint = "docs/slack.md says how to set up the app. Messages wait and go out in order as soon as this is mended.";
  if (is("channel"))
    return failed("misconfigured", `Slack does not let Vigil post to ${blamed.channel} (${shown}).`, hint);
  if (is("scope")) return failed("misconfigured", `The Slack app lacks a permission (${shown}).`, hint);
  return failed("misconfigured", `Slack refused ${blamed.credentials} (${shown}).`, hint);
}

/** What an HTTP status of Slack means that comes without a code. */
export function refusalOfStatus(status: number, retryAfter: string | null): Refusal {
  if (status === 429) return tooFast(retryAfterMsOf(retryAfter));
  // Not taken on at all; with any other 5xx nobody knows how far it came.
  if (status === 503) return failed("unavailable", "Slack is not available (503).");
  if (status >= 500) return { kind: "unknown", because: `Slack answered ${status}.` };
  return failed("misconfigured", `Slack answered ${status}.`, "docs/slack.md says how to set up the app.");
}

export function tooFast(retryAfterMs: number): Refusal {
  const message = "Slack asks to wait before the next message.";
  return { kind: "failure", failure: new Failure("rate_limited", message, { retryAfterMs }) };
}

/** Slack names seconds. An hour is the longest that is believed. */
export function retryAfterMsOf(header: string | null): number {
  const seconds = Number.parseInt(header ?? "", 10);
  return Number.isSafeInteger(seconds) && seconds > 0 ? Math.min(seconds, 3_600) * 1_000 : 1_000;
}

/** Nothing was sent where no connection came about; anything else may have arrived. */
export function refusalOfNetwork(error: unknown): Refusal {
  const neverArrived =
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_\w+|DEPTH_ZERO_SELF_SIGNED_CERT)$/;
  if (neverArrived.test(codeOf(error))) return failed("unavailable", "Slack cannot be reached.", undefined, error);
  return { kind: "unknown", because: "The connection to Slack broke off." };
}

function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string" && !at.code.startsWith("slack_")) return at.code;
    if ("original" in at && at.original instanceof Error) return codeOf(at.original);
  }
  return "";
}

function failed(code: "unavailable" | "misconfigured", message: string, hint?: string, cause?: unknown): Refusal {
  return { kind: "failure", failure: new Failure(code, message, { ...(hint === undefined ? {} : { hint }), cause }) };
}
