import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createSlackDialogue } from "#adapters/notifier/slack/dialogue.ts";
import { createSlackNotifier } from "#adapters/notifier/slack.ts";
import type { Agent } from "#agent.ts";
import { wait } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { operationsOf } from "#engine/operations.ts";
import { queueNames } from "#engine/queue.ts";
import { slackInteractions } from "#http/slack.ts";
import type { Connection } from "#store/connect.ts";
import { straight } from "#tests/engine/a-pipeline.ts";
import { anEngine, auditOf, insertIssue, issueRow, type TestEngine } from "#tests/engine/an-engine.ts";
import { empty, openPglite } from "#tests/support/databases.ts";
import { readable, type SignedRequest, startSlack, type TestSlack } from "#tests/support/slack/slack.ts";
import { anAgent, anHttp } from "./fakes.ts";
import { type Served, serve } from "./serve.ts";

const operators = { U0ALICE: "alice@example.com", U0BOB: "bob@example.com" };

describe("Approve and Reject in Slack", () => {
  let connection: Connection;
  let slack: TestSlack;
  let bot: TestEngine;
  let engine: TestEngine;
  let served: Served;
  let agent: Agent;
  let id: string;
  let working: Promise<void>[];
  let now: Date;

  beforeAll(async () => {
    [slack, connection] = [await startSlack(), await openPglite()];
    bot = await engineBy("bot");
  });
  afterAll(async () => {
    await bot.queue.stop();
    await connection.close();
    await slack.close();
  });

  async function engineBy(kind: "bot" | "webhook"): Promise<TestEngine> {
    const { apiUrl, token, channel, webhookUrl: url } = slack;
    const delivery = kind === "bot" ? ({ kind, token, channel } as const) : ({ kind, url } as const);
    const deploying = async () => wait(new Date(Date.now() + 600_000), "deploying");
    return anEngine(connection, {
      pipeline: { run: straight({ deploying }) },
      ports: {
        notifier: createSlackNotifier({ delivery, apiUrl, appUrl: "https://vigil.example", isInteractive: true }),
      },
    });
  }

  /** A fix waits for approval, and Slack's channel says so. */
  async function ask(by: TestEngine, token: string | null): Promise<void> {
    await empty(connection);
    slack.clear();
    [working, now, engine] = [[], new Date(), by];
    const { signingSecret, apiUrl } = slack;
    const door = { signingSecret, operators, dialogue: createSlackDialogue({ token, apiUrl }) };
    agent = anAgent({ ...operationsOf(engine), slack: door });
    const http = { ...anHttp(agent), now: () => now, later: (work: () => Promise<void>) => void working.push(work()) };
    served = await serve([[/^\/api\/slack\/interactions$/, slackInteractions(http)]]);
    id = await insertIssue(connection, "P0");
    await detect(engine);
    await drain(engine, queueNames, () => true);
  }

  beforeEach(() => ask(bot, slack.token));
  afterEach(() => served.close());

  async function send({ body, headers }: SignedRequest) {
    const response = await fetch(`${served.url}/api/slack/interactions`, { method: "POST", headers, body });
    const text = await response.text();
    await Promise.all(working.splice(0));
    return { status: response.status, text };
  }
  const question = () => {
    const found = slack.messages().find(({ blocks }) => JSON.stringify(blocks).includes("vigil_decision"));
    if (found === undefined) throw new Error("nobody was asked");
    return found;
  };
  const asked = () => slack.messages().filter(({ text }) => text.includes("Fix ready"))[0] ?? question();
  const press = (user: string, action = "vigil_approve") => send(slack.click(asked(), { action, user }));
  const whispers = () =>
    slack.answers().flatMap(({ body }) => (body.response_type === "ephemeral" ? [String(body.text)] : []));
  const status = async () => (await issueRow(connection, id)).status;

  it("approves the very fix that was shown, as the person who pressed, and says so in the message", async () => {
    const before = readable(asked());
    expect(await press("U0ALICE")).toEqual({ status: 200, text: "" });
    expect(await status()).toBe("deploying");
    expect(await auditOf(connection)).toContain("command.approve Test issue done");
    expect(await decidedBy()).toEqual([{ state: "approved", by: "operator:alice@example.com" }]);
    const after = readable(asked());
    expect(after).toMatch(/Approved by alice@example\.com, <!date\^\d+/);
    // What was decided about stays readable; the buttons to decide are gone, the way to the dashboard is not.
    expect(after).toContain(before.split("\n")[0]);
    expect(JSON.stringify(asked().blocks)).not.toContain("vigil_approve");
    expect(after).toContain(`https://vigil.example/dashboard/agent/issues/${id}`);
    expect(whispers()).toEqual([]);
  });

  it("asks why before it rejects, and keeps the reason", async () => {
    await press("U0BOB", "vigil_reject");
    expect(await status()).toBe("awaiting_approval");
    expect(await send(slack.submit({ user: "U0BOB", reason: "  wrong table  " }))).toEqual({ status: 200, text: "" });
    expect(await status()).toBe("rejected");
    expect(await decidedBy()).toEqual([{ state: "rejected", by: "operator:bob@example.com" }]);
    expect(readable(asked())).toContain("Rejected by bob@example.com");
  });

  it("insists on a reason", async () => {
    await press("U0BOB", "vigil_reject");
    const { text } = await send(slack.submit({ user: "U0BOB", reason: " \n " }));
    expect(JSON.parse(text)).toEqual({ response_action: "errors", errors: { vigil_reason: "Please say why." } });
    expect(await status()).toBe("awaiting_approval");
  });

  it("tells a stranger, and nobody else, that it is not theirs to decide", async () => {
    for (const user of ["U0MALLORY", "constructor", "__proto__"]) await press(user);
    expect(await status()).toBe("awaiting_approval");
    expect(whispers()).toHaveLength(3);
    expect(whispers()[0]).toBe(
      "You are not one of Vigil's operators. Whoever runs Vigil can add U0MALLORY to SLACK_OPERATORS.",
    );
    expect(JSON.stringify(asked().blocks)).toContain("vigil_approve");
  });

  it("does not let a stranger send off a window that an operator opened", async () => {
    await press("U0BOB", "vigil_reject");
    await send(slack.submit({ user: "U0MALLORY", reason: "because" }));
    expect(await status()).toBe("awaiting_approval");
  });

  it("takes a double click, and the same request twice, as one", async () => {
    const click = slack.click(asked(), { action: "vigil_approve", user: "U0ALICE" });
    await send(click);
    await send(click);
    expect((await auditOf(connection)).filter((line) => line.startsWith("command.approve"))).toHaveLength(1);
    expect(whispers()).toEqual([expect.stringContaining("This fix is not waiting for approval.")]);
    expect(readable(asked())).toContain("Approved by alice@example.com");
  });

  it("lets one of two people decide and tells the other one who it was", async () => {
    await press("U0BOB", "vigil_reject");
    const clicks = [
      send(slack.click(asked(), { action: "vigil_approve", user: "U0ALICE" })),
      send(slack.submit({ user: "U0BOB", reason: "no" })),
    ];
    await Promise.all(clicks);
    await Promise.all(working);
    const [decision, ...more] = await decidedBy();
    expect(more).toEqual([]);
    const words = decision?.state === "approved" ? "Approved by alice@example.com" : "Rejected by bob@example.com";
    expect(readable(asked())).toContain(words);
    expect(whispers()).toHaveLength(1);
  });

  it("refuses a fix that changed since, in words", async () => {
    await connection.db.execute(sql`UPDATE agent_approvals SET diff_hash = ${"e".repeat(64)}`);
    await press("U0ALICE");
    expect(await status()).toBe("awaiting_approval");
    expect(whispers()).toEqual([expect.stringContaining("The fix changed since you looked at it.")]);
  });

  it("says what was decided elsewhere meanwhile", async () => {
    const carol = { kind: "operator", name: "carol@example.com" } as const;
    await agent.command({ command: "reject", issueId: id, actor: carol, reason: "no" });
    await press("U0ALICE");
    expect(readable(asked())).toContain("Rejected by carol@example.com");
  });

  it("decides also where Slack then takes no answer", async () => {
    const click = slack.click(asked(), { action: "vigil_approve", user: "U0ALICE" });
    slack.fault({ path: "/actions/", status: 500 });
    expect((await send(click)).status).toBe(200);
    expect(await status()).toBe("deploying");
  });

  it("answers nowhere but at Slack", async () => {
    const elsewhere = await serve([[/.*/, { POST: async () => new Response("stolen") }]]);
    const click = slack.click(asked(), { action: "vigil_approve", user: "U0MALLORY" });
    const payload = JSON.parse(new URLSearchParams(click.body).get("payload") ?? "");
    await send(slack.signed({ ...payload, response_url: `${elsewhere.url}/collect` }));
    expect(slack.answers()).toEqual([]);
    await elsewhere.close();
  });

  it("lets nobody in without Slack's signature (reliability D17)", async () => {
    const good = slack.click(asked(), { action: "vigil_approve", user: "U0ALICE" });
    const old = (seconds: number) =>
      slack.click(asked(), { action: "vigil_approve", user: "U0ALICE", at: new Date(now.getTime() + seconds * 1_000) });
    const signature = good.headers["x-slack-signature"] ?? "";
    const withHeaders = (headers: Record<string, string>) => ({ ...good, headers: { ...good.headers, ...headers } });
    const forged: SignedRequest[] = [
      { ...good, headers: {} },
      { ...good, body: `${good.body}&x=1` },
      { ...good, body: good.body.replace("U0ALICE", "U0BOB") },
      old(-302),
      old(302),
      withHeaders({ "x-slack-signature": "" }),
      withHeaders({ "x-slack-signature": signature.toUpperCase() }),
      withHeaders({ "x-slack-signature": signature.replace("v0=", "v1=") }),
      withHeaders({ "x-slack-signature": signature.slice(3) }),
      withHeaders({ "x-slack-signature": `${signature}00` }),
      withHeaders({ "x-slack-signature": `v0=${"0".repeat(64)}` }),
      withHeaders({ "x-slack-signature": `${signature}, ${signature}` }),
      withHeaders({ "x-slack-request-timestamp": "" }),
      withHeaders({ "x-slack-request-timestamp": "NaN" }),
      withHeaders({ "x-slack-request-timestamp": "1e9" }),
      withHeaders({ "x-slack-request-timestamp": `-${good.headers["x-slack-request-timestamp"]}` }),
      withHeaders({ "x-slack-request-timestamp": "9".repeat(400) }),
    ];
    for (const request of forged) expect((await send(request)).status).toBe(401);
    expect(await status()).toBe("awaiting_approval");
  });

  it("takes a clock that is four minutes off", async () => {
    const at = new Date(now.getTime() - 240_000);
    expect((await send(slack.click(asked(), { action: "vigil_approve", user: "U0ALICE", at }))).status).toBe(200);
    expect(await status()).toBe("deploying");
  });

  it.each([
    ["no payload", "x=1"],
    ["no JSON", "payload=%7B"],
    ["no click", `payload=${encodeURIComponent('{"type":"block_actions"}')}`],
    ["a number", "payload=7"],
    ["NUL", "payload=%00"],
    ["nothing", ""],
    ["deep", `payload=${encodeURIComponent("[".repeat(50_000))}`],
  ])("calls a signed body wrong that holds %s", async (_, body) => {
    expect((await send(slack.sign(body, now))).status).toBe(400);
  });

  it.each(["a button without an issue", "a diff that is no hash"])("calls %s wrong", async (what) => {
    const click = JSON.parse(
      new URLSearchParams(slack.click(asked(), { action: "vigil_approve", user: "U0ALICE" }).body).get("payload") ?? "",
    );
    click.actions[0].value = what.includes("hash") ? JSON.stringify({ issueId: id, diffHash: "x" }) : "{}";
    expect((await send(slack.signed(click))).status).toBe(400);
  });

  it("holds no body that is far too large", async () => {
    expect((await send(slack.sign("x".repeat(600_000), now))).status).toBe(413);
  });

  it("takes other kinds of payloads without doing anything", async () => {
    expect((await send(slack.signed({ type: "shortcut", user: { id: "U0ALICE" } }))).status).toBe(200);
    expect((await send(slack.click(asked(), { action: "vigil_open", user: "U0ALICE" }))).status).toBe(200);
    expect(slack.answers()).toEqual([]);
  });

  it("is not there where it was not set up", async () => {
    const click = slack.click(asked(), { action: "vigil_approve", user: "U0ALICE" });
    await served.close();
    const http = { ...anHttp(anAgent()), later: () => undefined };
    served = await serve([[/^\/api\/slack\/interactions$/, slackInteractions(http)]]);
    expect((await send(click)).status).toBe(404);
  });

  it("approves by webhook as well, where rejecting leads to the dashboard", async () => {
    const webhook = await engineBy("webhook");
    await served.close();
    await ask(webhook, null);
    expect(JSON.stringify(asked().blocks)).toContain("vigil_open_to_reject");
    await press("U0ALICE");
    expect(await status()).toBe("deploying");
    expect(readable(asked())).toContain("Approved by alice@example.com");
    await webhook.queue.stop();
  });

  async function decidedBy() {
    return connection.rows(
      z.object({ state: z.string(), by: z.string().nullable() }),
      sql`SELECT state, decided_by AS by FROM agent_approvals`,
    );
  }
});
