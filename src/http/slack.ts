import { createHmac } from "node:crypto";
import { z } from "zod";
import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { readPacked } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { goOn } from "./go-on.ts";
import { endpoint, type Handler, json, type Log } from "./respond.ts";
import { isSecret } from "./secret.ts";
import { type Interaction, interactionOf, type Remembered, type Target } from "./slack-payload.ts";

/** A click carries the whole message that it is in; Slack's longest are far below. */
const bodyBytesMax = 512 * 1024;
/** Slack's own advice: an older request may be a recording. */
const clockToleranceSeconds = 300;

type Door = NonNullable<Agent["slack"]>;

/**
 * `/api/slack/interactions`: people press *Approve* or *Reject* in Slack. Who presses is proven by Slack's signature, and may
 * decide only as the operator that `SLACK_OPERATORS` says they are (reliability D17, D29).
 */
export function slackInteractions(http: Http = thisProcess) {
  const take: Handler = async (request) => {
    const agent = await http.agentOf();
    const door = agent.slack;
    if (door === null)
      throw new Failure("not_found", "Slack's buttons are not set up.", { hint: "See docs/slack.md." });
    const { bytes } = await readPacked(request, bodyBytesMax);
    if (!isSigned(bytes, request.headers, door, http.now())) {
      throw new Failure("unauthorized", "Only Slack may say this.", {
        hint: "Check SLACK_SIGNING_SECRET and the clock.",
      });
    }
    const interaction = interactionOf(bytes.toString("utf8"));
    if (interaction.kind === "reason" && interaction.reason === "") return ask("Please say why.");
    // Slack waits three seconds and then tells the person that it failed.
    const later = http.later ?? ((work) => void work());
    later(async () => {
      await answer({ agent, door, log: http.log }, interaction);
      await goOn(agent, http);
    });
    return new Response(null, { status: 200, headers: { "cache-control": "no-store" } });
  };
  return endpoint(http.log, { POST: take });
}

function ask(words: string): Response {
  return json({ response_action: "errors", errors: { vigil_reason: words } });
}

/** Over the bytes as they came, within five minutes of their time. Only version 0 is one (reliability D17). */
function isSigned(bytes: Buffer, headers: Headers, { signingSecret }: Door, now: Date): boolean {
  const seconds = headers.get("x-slack-request-timestamp") ?? "";
  const signature = headers.get("x-slack-signature") ?? "";
  if (!/^\d{1,12}$/.test(seconds) || !/^v0=[0-9a-f]{64}$/.test(signature)) return false;
  const mac = createHmac("sha256", signingSecret).update(`v0:${seconds}:`).update(bytes).digest("hex");
  const isFresh = Math.abs(now.getTime() / 1_000 - Number(seconds)) <= clockToleranceSeconds;
  return isSecret(signature, `v0=${mac}`) && isFresh;
}

interface Talk {
  agent: Agent;
  door: Door;
  log: Log;
}

/** Never fails: nobody waits for it any more. What goes wrong is told to the person, or at least logged. */
async function answer(talk: Talk, interaction: Interaction): Promise<void> {
  if (interaction.kind === "none") return;
  const responseUrl = interaction.kind === "reason" ? interaction.remembered.responseUrl : interaction.responseUrl;
  try {
    const name = Object.hasOwn(talk.door.operators, interaction.user)
      ? talk.door.operators[interaction.user]
      : undefined;
    if (name === undefined) throw stranger(interaction.user);
    if (interaction.kind === "reject") return await askWhy(talk, interaction);
    const { target, message } = questionOf(interaction);
    const reason = interaction.kind === "reason" ? interaction.reason : undefined;
    const refused = await decide(talk, { target, name, reason });
    if (refused !== undefined) await talk.door.dialogue.whisper(responseUrl, refused);
    const decision = await decisionOn(talk.agent, target);
    if (decision !== undefined) await talk.door.dialogue.close(responseUrl, message, decision);
  } catch (error) {
    talk.log("a click in Slack", error);
    await talk.door.dialogue
      .whisper(
        responseUrl,
        error instanceof Failure ? inWords(error) : "Something went wrong on our side; it was logged.",
      )
      .catch((unsaid: unknown) => talk.log("an answer to a click in Slack", unsaid));
  }
}

function questionOf(interaction: Exclude<Interaction, { kind: "none" }>) {
  if (interaction.kind !== "reason") return interaction;
  const { text, ...target } = interaction.remembered;
  return { target, message: { text, blocks: [] } };
}

function stranger(user: string): Failure {
  return new Failure("forbidden", "You are not one of Vigil's operators.", {
    hint: `Whoever runs Vigil can add ${user} to SLACK_OPERATORS.`,
  });
}

async function askWhy({ agent, door }: Talk, click: Extract<Interaction, { trigger: string }>): Promise<void> {
  const { target, responseUrl, message, trigger } = click;
  const remembered: Remembered = { ...target, responseUrl, text: message.text.slice(0, 1_000) };
  if (await door.dialogue.askReason(trigger, JSON.stringify(remembered))) return;
  const address = `${agent.appUrl}/dashboard/agent/issues/${target.issueId}`;
  await door.dialogue.whisper(responseUrl, `Please reject it in the dashboard: ${address}`);
}

/** Why it was refused, in words; `undefined`: it is done. */
async function decide(
  { agent }: Talk,
  { target, name, reason }: { target: Target; name: string; reason: string | undefined },
): Promise<string | undefined> {
  const { issueId, diffHash } = target;
  const actor = { kind: "operator", name } as const;
  try {
    if (reason === undefined) await agent.command({ command: "approve", issueId, actor, diffHash });
    else await agent.command({ command: "reject", issueId, actor, diffHash, reason });
    return undefined;
  } catch (error) {
    if (error instanceof Failure && error.status < 500) return inWords(error);
    throw error;
  }
}

const Approvals = z.object({
  approvals: z.array(
    z.object({
      diffHash: z.string(),
      state: z.string(),
      decidedBy: z.string().nullable(),
      decidedAt: z.coerce.date().nullable(),
    }),
  ),
});

/** What became of the question, whoever decided and wherever; `undefined` while it is open. */
async function decisionOn(agent: Agent, { issueId, diffHash }: Target) {
  const found = Approvals.safeParse(await agent.issue(issueId));
  const asked = found.data?.approvals.find((approval) => approval.diffHash === diffHash);
  if (asked === undefined || asked.state === "pending") return undefined;
  const who = asked.decidedBy?.replace(/^[a-z]+:/, "");
  const isDecision = (asked.state === "approved" || asked.state === "rejected") && who !== undefined;
  const what = asked.state === "approved" ? "Approved" : "Rejected";
  return { words: isDecision ? `${what} by ${who}` : "This question is no longer open", at: asked.decidedAt };
}

function inWords({ message, hint }: Failure): string {
  return hint === undefined ? message : `${message} ${hint}`;
}
