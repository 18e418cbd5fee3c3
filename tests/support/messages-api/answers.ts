/** What the fake Messages API answers: whole messages, refusals of the service, and lines that break. */

export type Block =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "tool_use"; id: string; name: string; input: unknown };

export type Answer =
  | { kind: "message"; content: Block[]; stopReason: string; usage?: Partial<Usage> | null; breaks?: Break }
  | { kind: "error"; status: number; type: string; message: string; headers: Record<string, string> }
  /** The server takes the request and never says a word. */
  | { kind: "hang" }
  /** The connection ends before a byte of an answer. */
  | { kind: "reset" }
  /** A status of 200 whose body is no message at all. */
  | { kind: "nonsense"; body: string; contentType: string };

/** Where a message that began well goes wrong. Without streaming every one of them cuts the body in half. */
export type Break =
  /** The connection ends in the middle of the message. */
  | "reset"
  /** Everything arrives but `message_stop`. */
  | "no_stop"
  /** An `event: error` of type `overloaded_error` in the middle. */
  | "overloaded"
  /** The message begins, then nothing comes any more. */
  | "hang";

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
}

let toolUses = 0;

/** A text and nothing else. */
export function text(...texts: string[]): Answer {
  return message(texts.map((each) => ({ type: "text", text: each })));
}

/** One call of a tool. */
export function tool(name: string, input: unknown): Answer {
  return tools([name, input]);
}

/** Several calls in one answer. */
export function tools(...calls: [name: string, input: unknown][]): Answer {
  return message(calls.map(([name, input]) => toolUse(name, input)));
}

export function toolUse(name: string, input: unknown): Block {
  toolUses += 1;
  return { type: "tool_use", id: `toolu_${toolUses.toString(36).padStart(8, "0")}`, name, input };
}

/** Any content, also none; the reason to stop follows from it unless it is said. */
export function message(content: Block[], change: { stopReason?: string; usage?: Partial<Usage> | null } = {}): Answer {
  const called = content.some(({ type }) => type === "tool_use");
  return { kind: "message", content, stopReason: called ? "tool_use" : "end_turn", ...change };
}

/** The answer as far as it came when `max_tokens` were used up. */
export function truncated(answer: Answer): Answer {
  return answer.kind === "message" ? { ...answer, stopReason: "max_tokens" } : answer;
}

export function refusal(): Answer {
  return message([], { stopReason: "refusal" });
}

export function broken(answer: Answer, breaks: Break): Answer {
  return answer.kind === "message" ? { ...answer, breaks } : answer;
}

const kinds = {
  400: ["invalid_request_error", "messages.0: something is wrong with it"],
  401: ["authentication_error", "invalid bearer token"],
  403: ["permission_error", "Your key may not use this resource."],
  404: ["not_found_error", "model: claude-unknown-9"],
  413: ["request_too_large", "Request exceeds the maximum size"],
  429: ["rate_limit_error", "This request would exceed your rate limit."],
  500: ["api_error", "Internal server error"],
  529: ["overloaded_error", "Overloaded"],
} as const;

/** The service says no. Waits are sent as `retry-after-ms`, 1 ms unless said, so that no test has to be patient. */
export function fault(
  status: keyof typeof kinds,
  change: { message?: string; headers?: Record<string, string> } = {},
): Answer {
  const [type, message] = kinds[status];
  const headers = status >= 429 ? { "retry-after-ms": "1", ...change.headers } : { ...change.headers };
  return { kind: "error", status, type, message: change.message ?? message, headers };
}

export const hang: Answer = { kind: "hang" };
export const reset: Answer = { kind: "reset" };
export const nonsense = (body: string, contentType = "application/json"): Answer => ({
  kind: "nonsense",
  body,
  contentType,
});
