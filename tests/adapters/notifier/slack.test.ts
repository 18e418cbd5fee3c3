import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSlackNotifier, type SlackNotifierOptions } from "#adapters/notifier/slack.ts";
import { aNotice, notifierContract } from "#tests/ports/notifier.contract.ts";
import { liveMarkup, readable, startSlack, type TestSlack } from "#tests/support/slack/slack.ts";

const appUrl = "https://vigil.example";
const first = { repeated: false, thread: null };
let slack: TestSlack;

function notifierBy(kind: "webhook" | "bot", options: Partial<SlackNotifierOptions> = {}) {
  const delivery =
    kind === "webhook"
      ? ({ kind, url: slack.webhookUrl } as const)
      : ({ kind, token: slack.token, channel: slack.channel } as const);
  return createSlackNotifier({ delivery, apiUrl: slack.apiUrl, appUrl, isInteractive: true, ...options });
}

beforeEach(async () => {
  slack = await startSlack();
});
afterEach(() => slack.close());

describe.each(["webhook", "bot"] as const)("Slack by %s", (kind) => {
  notifierContract(`slack by ${kind}`, async () => ({
    notifier: notifierBy(kind),
    appUrl,
    delivered: () => slack.messages().map(readable),
    looksFirst: kind === "bot",
    break: () => slack.down(),
  }));

  it("asks for approval with buttons that name the very diff", async () => {
    const diffHash = "a".repeat(64);
    await notifierBy(kind).send(aNotice({ kind: "approval_needed", approval: { diffHash } }), first);
    const json = JSON.stringify(slack.messages()[0]?.blocks);
    expect(json).toContain("vigil_approve");
    expect(json).toContain(diffHash);
    // Only the bot can ask why; without it *Reject* leads to the dashboard.
    expect(json.includes('"vigil_reject"')).toBe(kind === "bot");
  });

  it("shows no button to decide with where clicks do not reach Vigil", async () => {
    const notice = aNotice({ kind: "approval_needed", approval: { diffHash: "a".repeat(64) } });
    await notifierBy(kind, { isInteractive: false }).send(notice, first);
    expect(JSON.stringify(slack.messages()[0]?.blocks)).not.toMatch(/vigil_(approve|reject)/);
  });

  it.each([
    "<!channel> <!here> <@U0ALICE> <#C0VIGIL001>",
    "<https://evil.example|https://vigil.example/approve>",
    "*bold* `code` ```block``` > quote & &lt;!channel&gt;",
    "]]><!everyone>",
  ])("neither pings nor links for %s (reliability D27)", async (hostile) => {
    const fields = [{ label: hostile, value: hostile }];
    await notifierBy(kind).send(aNotice({ title: hostile, text: hostile, severity: hostile, fields }), first);
    const message = slack.messages()[0];
    expect(message && liveMarkup(message)).toEqual([]);
    // Whoever reads it sees what was written.
    expect(message && readable(message)).toContain(hostile);
  });

  it("stays within Slack's limits where every sign has to be escaped", async () => {
    const text = "<&>".repeat(5_000);
    const fields = Array.from({ length: 60 }, () => ({ label: text, value: text }));
    const notice = aNotice({ title: text, text, fields });
    expect(await notifierBy(kind).send(notice, first)).toMatchObject({ kind: "delivered" });
    expect(slack.messages()).toHaveLength(1);
  });

  it("sends the words alone where Slack refuses the layout", async () => {
    const path = kind === "bot" ? "chat.postMessage" : "/services/";
    slack.fault({ path, error: "invalid_blocks", times: 1, ...(kind === "bot" ? {} : { status: 400 }) });
    await notifierBy(kind).send(aNotice(), first);
    expect(slack.messages().map(({ blocks }) => blocks)).toEqual([undefined]);
    expect(slack.messages()[0]?.text).toContain(`${appUrl}/dashboard/agent/issues/1`);
  });

  it("gives up a message that Slack will never take", async () => {
    slack.fault({ error: "msg_too_long", ...(kind === "bot" ? {} : { status: 400 }) });
    await expect(notifierBy(kind).send(aNotice(), first)).rejects.toMatchObject({ code: "invalid" });
  });

  it("asks Slack once when told to wait, and passes on for how long", async () => {
    slack.fault({ status: 429, headers: { "retry-after": "7" } });
    await expect(notifierBy(kind).send(aNotice(), first)).rejects.toMatchObject({
      code: "rate_limited",
      retryAfterMs: 7_000,
    });
    expect(slack.state.calls).toHaveLength(1);
  });

  it("believes no wait without a number, nor one of years", async () => {
    for (const [given, believed] of [
      [{}, 1_000],
      [{ "retry-after": "soon" }, 1_000],
      [{ "retry-after": "99999999" }, 3_600_000],
    ] as const) {
      slack.heal();
      slack.fault({ status: 429, headers: given });
      await expect(notifierBy(kind).send(aNotice(), first)).rejects.toMatchObject({ retryAfterMs: believed });
    }
  });

  it("knows what was surely not delivered from what may have been", async () => {
    slack.fault({ status: 503, times: 1 });
    await expect(notifierBy(kind).send(aNotice(), first)).rejects.toMatchObject({ code: "unavailable" });
    slack.fault({ status: 502, times: 1 });
    expect(await notifierBy(kind).send(aNotice(), first)).toMatchObject({ kind: "unknown" });
    slack.fault({ after: "cut", times: 1 });
    expect(await notifierBy(kind).send(aNotice(), first)).toMatchObject({ kind: "unknown" });
    expect(slack.messages()).toHaveLength(1);
  });

  it.each(["channel_not_found", "is_archived", "not_in_channel"])(
    "says that the channel is to blame: %s",
    async (error) => {
      slack.fault({ error, ...(kind === "bot" ? {} : { status: 404 }) });
      await expect(notifierBy(kind).send(aNotice(), first)).rejects.toMatchObject({
        code: "misconfigured",
        message: expect.stringContaining(error),
      });
    },
  );

  it("does not follow Slack elsewhere", async () => {
    slack.fault({ status: 302, headers: { location: "http://127.0.0.1:1/" } });
    await expect(notifierBy(kind).send(aNotice(), first)).resolves.toMatchObject({ kind: "unknown" });
    expect(slack.state.calls).toHaveLength(1);
  });
});

describe("Slack by bot", () => {
  it("keeps an issue in one thread, and shows in the channel what somebody has to act on", async () => {
    const notifier = notifierBy("bot");
    const root = await notifier.send(aNotice(), first);
    const thread = root.kind === "delivered" ? root.place : null;
    await notifier.send(aNotice({ key: "issue-1:awaiting", kind: "approval_needed" }), { repeated: false, thread });
    await notifier.send(aNotice({ key: "issue-1:resolved", kind: "resolved" }), { repeated: false, thread });
    const [opened, ...answers] = slack.messages();
    expect(answers.map(({ thread_ts, reply_broadcast }) => [thread_ts, reply_broadcast])).toEqual([
      [opened?.ts, true],
      [opened?.ts, undefined],
    ]);
  });

  it("begins anew where the thread is gone or belongs to another channel", async () => {
    const notifier = notifierBy("bot");
    await notifier.send(aNotice(), { repeated: false, thread: `${slack.channel}/1600000000.000001` });
    await notifier.send(aNotice(), { repeated: false, thread: "C0OTHER/1600000000.000001" });
    expect(slack.messages().map(({ thread_ts }) => thread_ts)).toEqual([undefined, undefined]);
  });

  it.each(["channel", "thread"])("sends nothing twice whose answer was lost, in a %s", async (where) => {
    const notifier = notifierBy("bot");
    const root = await notifier.send(aNotice({ key: "root" }), first);
    const thread = where === "thread" && root.kind === "delivered" ? root.place : null;
    slack.fault({ path: "chat.postMessage", after: "cut", times: 1 });
    expect(await notifier.send(aNotice(), { repeated: false, thread })).toMatchObject({ kind: "unknown" });
    const again = await notifier.send(aNotice(), { repeated: true, thread });
    expect(again).toEqual({ kind: "delivered", place: `${slack.channel}/${slack.messages()[1]?.ts}` });
    expect(slack.messages()).toHaveLength(2);
  });

  it("finds it beneath what people wrote meanwhile", async () => {
    const notifier = notifierBy("bot");
    await notifier.send(aNotice(), first);
    for (let n = 0; n < 450; n++) {
      slack.messages().push({ channel: slack.channel, ts: `1800000000.${n}`, text: "chatter", via: "api" });
    }
    await notifier.send(aNotice(), { repeated: true, thread: null });
    expect(slack.messages()).toHaveLength(451);
  });

  it("marks the message where it may not look", async () => {
    slack.fault({ path: "conversations.history", error: "missing_scope" });
    await notifierBy("bot").send(aNotice(), { repeated: true, thread: null });
    expect(slack.messages().map(readable)).toEqual([expect.stringContaining("(may repeat an earlier message)")]);
  });

  it("sends nothing unseen while Slack cannot tell", async () => {
    slack.fault({ path: "conversations.history", status: 503 });
    const sending = notifierBy("bot").send(aNotice(), { repeated: true, thread: null });
    await expect(sending).rejects.toMatchObject({ code: "unavailable" });
    expect(slack.messages()).toEqual([]);
  });

  it.each(["token_revoked", "account_inactive", "missing_scope"])("says what to mend: %s", async (error) => {
    slack.fault({ error });
    const failure = await notifierBy("bot")
      .send(aNotice(), first)
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: "misconfigured", message: expect.stringContaining(error) });
    expect(JSON.stringify(failure)).not.toContain(slack.token);
  });

  it("says that a wrong token is refused", async () => {
    const delivery = { kind: "bot", token: "xoxb-wrong", channel: slack.channel } as const;
    await expect(notifierBy("bot", { delivery }).send(aNotice(), first)).rejects.toMatchObject({
      code: "misconfigured",
      message: "Slack refused SLACK_BOT_TOKEN (invalid_auth).",
    });
  });
});
