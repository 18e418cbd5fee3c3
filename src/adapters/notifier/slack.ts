import type { ConversationsHistoryResponse, KnownBlock, WebClient } from "@slack/web-api";
import { Failure } from "#domain/failure.ts";
import type { Notice } from "#domain/notice.ts";
import type { Delivery, Notifier, SendOptions } from "#ports/notifier.ts";
import { createBot, refusalOfCall } from "./slack/bot.ts";
import { type MessageOptions, messageOf, plainMessageOf } from "./slack/message.ts";
import type { Blamed, Refusal } from "./slack/refusals.ts";
import { postTo } from "./slack/webhook.ts";

export interface SlackNotifierOptions {
  delivery: { kind: "webhook"; url: string } | { kind: "bot"; token: string; channel: string };
  /** `null`: Slack's own. */
  apiUrl: string | null;
  appUrl: string;
  /** Whether clicks reach Vigil. */
  isInteractive: boolean;
}

/** Posts each notice as one message, threads per issue with a bot token. Nothing is repeated in here. */
export function createSlackNotifier({ delivery, isInteractive, apiUrl, appUrl }: SlackNotifierOptions): Notifier {
  switch (delivery.kind) {
    case "webhook":
      return throughWebhook(delivery.url, { appUrl, buttons: isInteractive ? "approve" : "none" });
    case "bot": {
      const bot = createBot({ token: delivery.token, apiUrl });
      const buttons = isInteractive ? "approve_and_reject" : "none";
      return throughBot({ bot, channel: delivery.channel }, { appUrl, buttons });
    }
  }
}

type Layout = Omit<MessageOptions, "repeated">;
type Words = { text: string } | { text: string; blocks: KnownBlock[] };

/** A webhook tells nothing about what it took: what may have arrived is marked when it is sent again. */
function throughWebhook(url: string, layout: Layout): Notifier {
  const blamed: Blamed = { credentials: "SLACK_WEBHOOK_URL", channel: "the channel of SLACK_WEBHOOK_URL" };
  const post = (message: Words) => postTo(url, { ...quiet, ...message }, blamed);
  return {
    send: async (notice, { repeated }) => {
      const options = { ...layout, repeated };
      let refusal = await post(messageOf(notice, options));
      if (refusal?.kind === "content") refusal = await post(plainMessageOf(notice, options));
      return refusal === undefined ? { kind: "delivered", place: null } : ended(refusal);
    },
  };
}

/** Addresses in a text bring no pictures along, and names in it call nobody. */
const quiet = { unfurl_links: false, unfurl_media: false, link_names: false, parse: "none" } as const;

interface Channel {
  bot: WebClient;
  channel: string;
}

/** In a thread, these are shown in the channel as well: somebody has to do or know something now. */
const loud: readonly Notice["kind"][] = ["approval_needed", "rolled_back", "rollback_failed"];
const eventType = "vigil_notice";

function throughBot(place: Channel, layout: Layout): Notifier {
  const post = async (notice: Notice, message: Words, thread: string | undefined): Promise<Delivery | Refusal> => {
    try {
      const { ts } = await place.bot.chat.postMessage({
        channel: place.channel,
        ...quiet,
        ...message,
        metadata: { event_type: eventType, event_payload: { key: notice.key } },
        ...threading(notice, thread),
      });
      return { kind: "delivered", place: typeof ts === "string" ? placeOf(place.channel, ts) : null };
    } catch (error) {
      return refusalOfCall(error, blamedOf());
    }
  };
  return {
    send: async (notice, { repeated, thread }) => {
      const within = threadIn(place.channel, thread);
      const found = repeated ? await look(place, notice.key, within) : "nowhere";
      if (typeof found === "object") return found;
      const options = { ...layout, repeated: found === "cannot_look" };
      let answer = await post(notice, messageOf(notice, options), within);
      if (answer.kind === "thread") answer = await post(notice, messageOf(notice, options), undefined);
      if (answer.kind === "content") answer = await post(notice, plainMessageOf(notice, options), within);
      return answer.kind === "delivered" ? answer : ended(answer);
    },
  };
}

function threading({ kind }: Notice, thread: string | undefined) {
  if (thread === undefined) return {};
  return loud.includes(kind) ? ({ thread_ts: thread, reply_broadcast: true } as const) : { thread_ts: thread };
}

function blamedOf(): Blamed {
  return { credentials: "SLACK_BOT_TOKEN", channel: "SLACK_CHANNEL" };
}

/** What the engine keeps; another channel's place starts no thread in this one. */
function placeOf(channel: string, ts: string): string {
  return `${channel}/${ts}`;
}

function threadIn(channel: string, place: SendOptions["thread"]): string | undefined {
  return place?.startsWith(`${channel}/`) ? place.slice(channel.length + 1) : undefined;
}

const pagesMax = 3;
const pageSize = 200;

/** Whether the message is there already: each one carries its notice's key as metadata. */
async function look(
  { bot, channel }: Channel,
  key: string,
  thread: string | undefined,
): Promise<Delivery | "nowhere" | "cannot_look"> {
  const paging = { channel, limit: pageSize, include_all_metadata: true };
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const at = { ...paging, ...(cursor === undefined ? {} : { cursor }) };
    let read: ConversationsHistoryResponse;
    try {
      read = (await (thread === undefined
        ? bot.conversations.history(at)
        : bot.conversations.replies({ ...at, ts: thread }))) as ConversationsHistoryResponse;
    } catch (error) {
      const refusal = refusalOfCall(error, blamedOf());
      // A thread that is gone holds nothing; without the permission to read, the message is sent with a mark.
      if (refusal.kind === "thread") return "nowhere";
      if (refusal.kind === "failure" && refusal.failure.code === "misconfigured") return "cannot_look";
      return ended(refusal);
    }
    const there = read.messages?.find(({ metadata }) => isOurs(metadata, key));
    if (there?.ts !== undefined) return { kind: "delivered", place: placeOf(channel, there.ts) };
    cursor = read.response_metadata?.next_cursor || undefined;
    if (cursor === undefined) return "nowhere";
  }
  return "cannot_look";
}

function isOurs(metadata: { event_type?: string; event_payload?: unknown } | undefined, key: string): boolean {
  const payload = metadata?.event_payload;
  if (metadata?.event_type !== eventType || typeof payload !== "object" || payload === null) return false;
  return "key" in payload && payload.key === key;
}

function ended(refusal: Refusal): Delivery {
  switch (refusal.kind) {
    case "unknown":
      return refusal;
    case "failure":
      throw refusal.failure;
    case "content":
    case "thread":
      throw new Failure("invalid", `Slack does not take this message (${refusal.code}).`);
  }
}
