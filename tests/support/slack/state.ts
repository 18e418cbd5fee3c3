/** What the test Slack holds: channels with messages, modals, and the answers to clicks. */

export interface SlackMessage {
  channel: string;
  ts: string;
  /** The thread that it answers in; unset for a message of the channel itself. */
  thread_ts?: string;
  text: string;
  blocks?: unknown[];
  metadata?: { event_type: string; event_payload: Record<string, unknown> };
  reply_broadcast?: boolean;
  /** How it came in. */
  via: "webhook" | "api" | "response_url";
}

export interface Fault {
  /** Only calls whose path holds this, `chat.postMessage` or `/services/` for instance. */
  path?: string;
  /** How often; every time where unset. */
  times?: number;
  status?: number;
  headers?: Record<string, string>;
  /** The Web API's way of saying no: status 200 and `ok: false`. Webhooks answer it as text with `status`. */
  error?: string;
  /** Takes the request, does what it asks, and then: never answers, or cuts the line. */
  after?: "hang" | "cut";
  /** Does nothing and never answers. */
  hang?: boolean;
}

export interface Answer {
  /** Which click it answers. */
  click: string;
  body: Record<string, unknown>;
}

export interface SlackState {
  messages: SlackMessage[];
  faults: Fault[];
  views: { trigger_id: string; view: Record<string, unknown> }[];
  answers: Answer[];
  /** Every request that came in, in order. */
  calls: string[];
  /** Which message a response URL belongs to. */
  clicks: Map<string, SlackMessage>;
}

/** The fault that this request meets, counted down. */
export function faultOf(state: SlackState, path: string): Fault | undefined {
  const index = state.faults.findIndex((fault) => fault.path === undefined || path.includes(fault.path));
  const fault = state.faults[index];
  if (fault === undefined) return undefined;
  if (fault.times !== undefined && --fault.times <= 0) state.faults.splice(index, 1);
  return fault;
}

/** Adds a message and answers with it. */
export function post(state: SlackState, message: Omit<SlackMessage, "ts">): SlackMessage {
  const posted = {
    ...message,
    ts: `${1_700_000_000 + state.messages.length}.${String(state.messages.length).padStart(6, "0")}`,
  };
  state.messages.push(posted);
  return posted;
}
