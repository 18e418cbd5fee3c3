import type { KnownBlock, ModalView } from "@slack/web-api";
import { Failure } from "#domain/failure.ts";
import { createBot, refusalOfCall } from "./bot.ts";
import { actionIds, context, decisionBlock, plain, section } from "./message.ts";
import type { Refusal } from "./refusals.ts";
import { escaped, escapedLine } from "./text.ts";
import { postTo } from "./webhook.ts";

/** What Vigil can say back to somebody who pressed a button in Slack. Every call throws a `Failure` where Slack did not take it. */
export interface SlackDialogue {
  /** Only this person sees it. */
  whisper(responseUrl: string, text: string): Promise<void>;
  /** The message stays, its question goes: instead it says what was decided, by whom and when. */
  close(responseUrl: string, message: ClickedMessage, decision: Decision): Promise<void>;
  /** Opens a window that asks for a reason; `remember` comes back with the answer. `false`: nobody can be asked. */
  askReason(trigger: string, remember: string): Promise<boolean>;
}

export interface ClickedMessage {
  /** As Slack keeps it: escaped already. */
  text: string;
  /** As Slack sent them; none where it did not. */
  blocks: Record<string, unknown>[];
}

export interface Decision {
  words: string;
  at: Date | null;
}

export interface DialogueOptions {
  /** `null`: a webhook alone cannot open windows. */
  token: string | null;
  /** `null`: Slack's own. */
  apiUrl: string | null;
}

export const reasonField = "vigil_reason";
/** Slack takes 3,000 characters to remember; more than this is a mistake. */
export const rememberedCharactersMax = 3_000;
const reasonCharactersMax = 1_000;
const blamed = { credentials: "SLACK_BOT_TOKEN", channel: "SLACK_CHANNEL" };

export function createSlackDialogue({ token, apiUrl }: DialogueOptions): SlackDialogue {
  const bot = token === null ? null : createBot({ token, apiUrl });
  const answer = async (responseUrl: string, body: Record<string, unknown>) => {
    if (!isSlacks(responseUrl, apiUrl)) throw new Failure("invalid", "The answer would not go to Slack.");
    throwIf(await postTo(responseUrl, body, blamed));
  };
  return {
    whisper: (responseUrl, text) =>
      answer(responseUrl, { response_type: "ephemeral", replace_original: false, text: escaped(text, 2_900) }),
    close: (responseUrl, message, decision) =>
      answer(responseUrl, {
        replace_original: true,
        text: message.text || "Decided",
        blocks: closed(message, decision),
      }),
    askReason: async (trigger, remember) => {
      if (bot === null || remember.length > rememberedCharactersMax) return false;
      try {
        await bot.views.open({ trigger_id: trigger, view: reasonWindow(remember) });
      } catch (error) {
        throwIf(refusalOfCall(error, blamed));
      }
      return true;
    },
  };
}

/** The payload that brings it is signed; even so nothing is sent elsewhere. */
function isSlacks(address: string, apiUrl: string | null): boolean {
  const { origin, protocol, hostname } = new URL(address);
  if (apiUrl !== null && new URL(apiUrl).origin === origin) return true;
  return protocol === "https:" && (hostname === "hooks.slack.com" || hostname === "hooks.slack-gov.com");
}

function throwIf(refusal: Refusal | undefined): void {
  if (refusal === undefined) return;
  if (refusal.kind === "failure") throw refusal.failure;
  throw new Failure(
    "unavailable",
    refusal.kind === "unknown" ? refusal.because : `Slack refused it (${refusal.code}).`,
  );
}

function closed({ text, blocks }: ClickedMessage, decision: Decision): KnownBlock[] {
  const kept = blocks.filter((block) => block.block_id !== decisionBlock) as unknown as KnownBlock[];
  const open = blocks.find((block) => block.block_id === decisionBlock)?.elements;
  const buttons = Array.isArray(open) ? open.filter((button) => button?.action_id === actionIds.open) : [];
  return [
    ...(kept.length > 0 ? kept : [section(text || "Decided")]),
    context(decision.at === null ? escapedLine(decision.words, 1_500) : withTime(decision.words, decision.at)),
    ...(buttons.length > 0 ? [{ type: "actions" as const, elements: buttons }] : []),
  ];
}

/** Slack shows each reader the time of their own place. */
function withTime(words: string, at: Date): string {
  const seconds = Math.floor(at.getTime() / 1_000);
  const fallback = at.toISOString().slice(0, 16).replace("T", " ");
  return `${escapedLine(words, 1_500)}, <!date^${seconds}^{date_short} {time}|${fallback} UTC>`;
}

function reasonWindow(remember: string): ModalView {
  return {
    type: "modal",
    callback_id: "vigil_reject",
    private_metadata: remember,
    title: plain("Reject this fix"),
    submit: plain("Reject"),
    close: plain("Back"),
    blocks: [
      {
        type: "input",
        block_id: reasonField,
        label: plain("Why? The next attempt reads it."),
        element: {
          type: "plain_text_input",
          action_id: reasonField,
          multiline: true,
          min_length: 1,
          max_length: reasonCharactersMax,
        },
      },
    ],
  };
}
