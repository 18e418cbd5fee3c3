import { blocksRefusal } from "./blocks.ts";
import { post, type SlackMessage, type SlackState } from "./state.ts";

interface Call {
  method: string;
  form: URLSearchParams;
  /** The one channel that the bot is in. */
  channel: string;
}

/** One call of the Web API by somebody whose token is good. */
export function webApi(state: SlackState, call: Call): Record<string, unknown> {
  switch (call.method) {
    case "auth.test":
      return { ok: true, team: "Test", team_id: "T0TEST", user: "vigil", user_id: "U0BOT", bot_id: "B0BOT" };
    case "chat.postMessage":
      return postMessage(state, call);
    case "conversations.history":
      return page(state, call, (message) => message.thread_ts === undefined || message.reply_broadcast === true);
    case "conversations.replies":
      return replies(state, call);
    case "views.open":
      return openView(state, call);
    default:
      return { ok: false, error: "unknown_method" };
  }
}

function postMessage(state: SlackState, { form, channel }: Call): Record<string, unknown> {
  if (form.get("channel") !== channel) return { ok: false, error: "channel_not_found" };
  const blocks = json(form.get("blocks")) as unknown[] | undefined;
  const refused = blocksRefusal(blocks);
  if (refused !== undefined) return { ok: false, error: refused };
  const text = form.get("text") ?? "";
  if (text === "" && blocks === undefined) return { ok: false, error: "no_text" };
  const thread = form.get("thread_ts");
  if (thread !== null && !state.messages.some(({ ts }) => ts === thread))
    return { ok: false, error: "thread_not_found" };
  const metadata = json(form.get("metadata")) as SlackMessage["metadata"];
  const message = post(state, {
    channel,
    text,
    ...(blocks === undefined ? {} : { blocks }),
    ...(thread === null ? {} : { thread_ts: thread }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(form.get("reply_broadcast") === "true" ? { reply_broadcast: true } : {}),
    via: "api",
  });
  return { ok: true, channel, ts: message.ts, message: { type: "message", text, ts: message.ts } };
}

function replies(state: SlackState, call: Call): Record<string, unknown> {
  const thread = call.form.get("ts");
  if (!state.messages.some(({ ts }) => ts === thread)) return { ok: false, error: "thread_not_found" };
  return page(state, call, ({ ts, thread_ts }) => ts === thread || thread_ts === thread, false);
}

/** A page of messages; `cursor` is where the next one begins. History is newest first, a thread oldest first. */
function page(
  state: SlackState,
  { form, channel }: Call,
  isIn: (message: SlackMessage) => boolean,
  newestFirst = true,
): Record<string, unknown> {
  if (form.get("channel") !== channel) return { ok: false, error: "channel_not_found" };
  const limit = Math.min(Number(form.get("limit") ?? 100), 1_000);
  const from = Number(form.get("cursor") ?? 0);
  const found = state.messages.filter(isIn);
  if (newestFirst) found.reverse();
  const withMetadata = form.get("include_all_metadata") === "true";
  const messages = found.slice(from, from + limit).map(({ metadata, via: _, channel: __, ...message }) => ({
    type: "message",
    ...message,
    ...(withMetadata && metadata !== undefined ? { metadata } : {}),
  }));
  const more = from + limit < found.length;
  return {
    ok: true,
    messages,
    has_more: more,
    response_metadata: { next_cursor: more ? String(from + limit) : "" },
  };
}

function openView(state: SlackState, { form }: Call): Record<string, unknown> {
  const trigger = form.get("trigger_id");
  if (trigger === null || trigger === "") return { ok: false, error: "invalid_trigger_id" };
  if (state.views.some(({ trigger_id }) => trigger_id === trigger)) return { ok: false, error: "exchanged_trigger_id" };
  const view = json(form.get("view")) as Record<string, unknown>;
  if (String(view.private_metadata ?? "").length > 3_000) return { ok: false, error: "invalid_arguments" };
  state.views.push({ trigger_id: trigger, view });
  return { ok: true, view: { id: "V0TEST", ...view } };
}

function json(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}
