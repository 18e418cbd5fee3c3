import type { ActionsBlock, Button, ContextBlock, KnownBlock, MrkdwnElement, SectionBlock } from "@slack/web-api";
import type { Notice } from "#domain/notice.ts";
import { escaped, escapedLine } from "./text.ts";

/** Slack allows 3,000 characters in a text, 2,000 in a field, 10 fields in a section and 50 blocks in a message. */
const limits = { title: 300, text: 2_900, label: 80, field: 1_500, fields: 20, fallback: 300 };
/** A longer value gets a line of its own, where Slack does not squeeze it into half the width. */
const columnCharactersMax = 120;

export interface MessageOptions {
  appUrl: string;
  /** `approve` alone where Slack cannot ask for a reason: *Reject* then leads to the dashboard. */
  buttons: "none" | "approve" | "approve_and_reject";
  repeated: boolean;
}

export interface Message {
  /** For lists, notifications and screen readers. */
  text: string;
  blocks: KnownBlock[];
}

export const actionIds = { approve: "vigil_approve", reject: "vigil_reject", open: "vigil_open" } as const;

/** What a notice looks like in Slack. Whatever it quotes stays text. */
export function messageOf(notice: Notice, options: MessageOptions): Message {
  const title = titleOf(notice);
  const text = escaped(notice.text, limits.text);
  const blocks: KnownBlock[] = [section(`*${title}*`)];
  if (text !== "") blocks.push(section(text));
  blocks.push(...factsOf(notice.fields));
  const buttons = buttonsOf(notice, options);
  if (buttons !== undefined) blocks.push(buttons);
  if (options.repeated) blocks.push(context("(may repeat an earlier message)"));
  return { text: title, blocks };
}

/** For the rare message whose blocks Slack refuses: the same words, without any layout. */
export function plainMessageOf(notice: Notice, { appUrl, repeated }: MessageOptions): { text: string } {
  const address = notice.link === null ? "" : escaped(addressOf(notice.link.path, appUrl), limits.field);
  const mark = repeated ? "(may repeat an earlier message)" : "";
  return { text: [titleOf(notice), escaped(notice.text, limits.text), address, mark].filter(Boolean).join("\n") };
}

function titleOf({ severity, title }: Notice): string {
  return escapedLine(severity === null ? title : `[${severity}] ${title}`, limits.title) || "Vigil";
}

function factsOf(fields: Notice["fields"]): SectionBlock[] {
  const shown = fields.slice(0, limits.fields).flatMap(({ label, value }) => {
    const text = escaped(value, limits.field);
    return text === "" ? [] : [{ text: `*${escapedLine(label, limits.label)}*\n${text}`, isLong: isLong(text) }];
  });
  const short = shown.filter((fact) => !fact.isLong).map((fact) => mrkdwn(fact.text));
  const rows: SectionBlock[] = [];
  for (let at = 0; at < short.length; at += 10) rows.push({ type: "section", fields: short.slice(at, at + 10) });
  return [...rows, ...shown.filter((fact) => fact.isLong).map((fact) => section(fact.text))];
}

const isLong = (text: string) => text.length > columnCharactersMax || text.includes("\n");

function buttonsOf(notice: Notice, { appUrl, buttons }: MessageOptions): ActionsBlock | undefined {
  const elements: Button[] = [];
  const url = notice.link === null ? undefined : addressOf(notice.link.path, appUrl);
  if (notice.approval !== undefined && notice.issueId !== null && buttons !== "none") {
    const value = JSON.stringify({ issueId: notice.issueId, diffHash: notice.approval.diffHash });
    elements.push(approveButton(value));
    if (buttons === "approve_and_reject")
      elements.push({ ...button("Reject", actionIds.reject), style: "danger", value });
    else if (url !== undefined) elements.push({ ...button("Reject…", "vigil_open_to_reject"), url });
  }
  if (notice.link !== null) elements.push({ ...button(notice.link.label, actionIds.open), ...(url ? { url } : {}) });
  return elements.length === 0 ? undefined : { type: "actions", block_id: decisionBlock, elements };
}

/** Names the block that goes away once somebody decided. */
export const decisionBlock = "vigil_decision";

function approveButton(value: string): Button {
  return {
    ...button("Approve", actionIds.approve),
    style: "primary",
    value,
    confirm: {
      title: plain("Approve this fix?"),
      text: plain("It goes to production and is watched there."),
      confirm: plain("Approve"),
      deny: plain("Not yet"),
    },
  };
}

function button(label: string, actionId: string): Button {
  return { type: "button", action_id: actionId, text: plain(label.slice(0, 70)) };
}

export function section(text: string): SectionBlock {
  return { type: "section", text: mrkdwn(text) };
}

export function context(text: string): ContextBlock {
  return { type: "context", elements: [mrkdwn(text)] };
}

/** `verbatim`: addresses and names in it do not become links. */
function mrkdwn(text: string): MrkdwnElement {
  return { type: "mrkdwn", text, verbatim: true };
}

export function plain(text: string) {
  return { type: "plain_text", text, emoji: false } as const;
}

export function addressOf(path: string, appUrl: string): string {
  return `${appUrl.replace(/\/+$/, "")}/${path.replace(/^\/+/, "")}`;
}
