import { createEmulator, type Emulator } from "emulate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { createSlackNotifier } from "#adapters/notifier/slack.ts";
import { aNotice } from "#tests/ports/notifier.contract.ts";

/** The same calls against another Slack than our own, for what it answers as Slack does. */
const token = "xoxb-emulate-0123456789";
const appUrl = "https://vigil.example";
let slack: Emulator;
let channel = "";

const Listed = z.object({ channels: z.array(z.object({ id: z.string(), name: z.string() })) });
const Read = z.object({
  messages: z.array(z.object({ ts: z.string(), text: z.string(), thread_ts: z.string().optional() })),
});

beforeAll(async () => {
  slack = await createEmulator({ service: "slack", port: 0, seed: { tokens: { [token]: { login: "vigil" } } } });
  channel =
    Listed.parse(await called("conversations.list", {})).channels.find(({ name }) => name === "general")?.id ?? "";
});
afterAll(() => slack.close());

async function called(method: string, form: Record<string, string>): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(form).toString();
  return (await fetch(`${slack.url}/api/${method}`, { method: "POST", headers, body })).json();
}

it("posts by bot, answers in the thread, and says where the message is", async () => {
  const delivery = { kind: "bot", token, channel } as const;
  const notifier = createSlackNotifier({ delivery, apiUrl: `${slack.url}/api/`, appUrl, isInteractive: true });
  const root = await notifier.send(aNotice(), { repeated: false, thread: null });
  const thread = root.kind === "delivered" ? root.place : null;
  const ts = thread?.replace(`${channel}/`, "") ?? "";
  const diffHash = "a".repeat(64);
  const asked = aNotice({ key: "asked", title: "Fix <ready>", kind: "approval_needed", approval: { diffHash } });
  expect(await notifier.send(asked, { repeated: false, thread })).toMatchObject({ kind: "delivered" });
  const { messages } = Read.parse(await called("conversations.replies", { channel, ts }));
  expect(messages.map(({ text, thread_ts }) => [text, thread_ts === ts])).toEqual([
    ["[P2] Cannot read property 'id' of undefined", expect.any(Boolean)],
    ["[P2] Fix &lt;ready&gt;", true],
  ]);
});

it("posts by incoming webhook", async () => {
  const delivery = { kind: "webhook", url: `${slack.url}/services/T0/B0/secret` } as const;
  const notifier = createSlackNotifier({ delivery, apiUrl: null, appUrl, isInteractive: false });
  const sent = await notifier.send(aNotice({ title: "By webhook" }), { repeated: false, thread: null });
  expect(sent).toEqual({ kind: "delivered", place: null });
  const { messages } = Read.parse(await called("conversations.history", { channel }));
  expect(messages.map(({ text }) => text)).toContain("[P2] By webhook");
});

it("says that a channel is not there", async () => {
  const delivery = { kind: "bot", token, channel: "C0NOWHERE" } as const;
  const notifier = createSlackNotifier({ delivery, apiUrl: `${slack.url}/api/`, appUrl, isInteractive: false });
  await expect(notifier.send(aNotice(), { repeated: false, thread: null })).rejects.toMatchObject({
    code: "misconfigured",
    message: "Slack does not let Vigil post to SLACK_CHANNEL (channel_not_found).",
  });
});
