import { z } from "zod";
import type { Actor, Agent, Command } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { IssueId } from "#domain/ids.ts";
import { type Status, statuses } from "#domain/lifecycle.ts";
import { MuteConditions } from "#domain/mute.ts";
import { SettingsPatch } from "#domain/settings.ts";
import { cleanText } from "#domain/text.ts";
import { readJson } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { goingOn } from "./go-on.ts";
import { identify, refuseForeignOrigin } from "./identity.ts";
import { endpoint, type Handler, json, type RouteContext } from "./respond.ts";

/** The operators' API: what the dashboard's buttons do, for programs. Who acts follows from the credentials alone (reliability D29). */

const ListQuery = z.object({
  status: z.custom<Status>((value) => (statuses as readonly unknown[]).includes(value), "no such status").optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "not a number")
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(50),
  /** Words that stand in title, message or operation, or the beginning of an id or commit. */
  text: z
    .string()
    .trim()
    .max(200)
    .transform((text) => (text === "" ? undefined : text))
    .optional(),
  /** `createdAt` of the last issue of the page before. */
  before: z.iso.datetime({ offset: true }).optional(),
});

export function issueList(http: Http = thisProcess) {
  const list: Handler = async (request) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    const query = ListQuery.parse(Object.fromEntries(new URL(request.url).searchParams));
    return json({ issues: await agent.issues(query) });
  };
  return endpoint(http.log, { GET: list, HEAD: list });
}

export function issueDetail(http: Http = thisProcess) {
  const show: Handler = async (request, context) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    return json(await existing(agent, await issueIdOf(context)));
  };
  return endpoint(http.log, { GET: show, HEAD: show });
}

/** What people write is kept as they wrote it, without what databases and terminals stumble over. */
const Reason = z.string().transform(cleanText).pipe(z.string().trim().min(1).max(1_000));

const CommandBody = z.strictObject({
  reason: Reason.optional(),
  /** sha256 of the diff that the person saw. */
  diffHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "not a sha256 in hexadecimal")
    .optional(),
  /** Only where it is dismissed: it never was a problem. */
  falseAlarm: z.boolean().optional(),
});

const MuteBody = z.object({ reason: Reason.optional() });

const MergeBody = z.strictObject({ into: IssueId, reason: Reason.optional() });
const SplitBody = z.strictObject({
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/, "is no fingerprint"),
  reason: Reason.optional(),
});

const commands = ["approve", "reject", "retry", "dismiss", "mute", "revert"] as const satisfies readonly Command[];

/** Approve, reject, retry, dismiss or revert: only by POST, so that no link and no preview can do it. */
export function issueCommand(http: Http = thisProcess) {
  const give: Handler = async (request, context) => {
    const agent = await http.agentOf();
    refuseForeignOrigin(request, agent);
    const actor = await identify(request, agent);
    const named = (await context.params).command;
    const issueId = await issueIdOf(context);
    if (named === "merge" || named === "split") return regroup(agent, { named, issueId, actor }, request);
    const command = commands.find((known) => known === named);
    if (command === undefined)
      throw new Failure("not_found", "There is no such command.", {
        hint: `Known: ${commands.join(", ")}, merge, split.`,
      });
    const given = await readJson(request);
    const body = command === "mute" ? muteBody(given) : CommandBody.parse(given);
    if ("falseAlarm" in body && command !== "dismiss") throw new Failure("invalid", "falseAlarm is for dismiss alone.");
    await existing(agent, issueId);
    return json(await agent.command({ command, issueId, actor, ...body }));
  };
  return endpoint(http.log, { POST: goingOn(http, give) });
}

function muteBody(given: unknown) {
  const { reason } = MuteBody.parse(given);
  const { reason: _, ...conditions } = z.record(z.string(), z.unknown()).parse(given);
  return { mute: MuteConditions.parse(conditions), ...(reason === undefined ? {} : { reason }) };
}

/** What belongs together is said by people, and stays said. */
async function regroup(
  agent: Agent,
  { named, issueId, actor }: { named: "merge" | "split"; issueId: string; actor: Actor },
  request: Request,
): Promise<Response> {
  const body = await readJson(request);
  await existing(agent, issueId);
  if (named === "merge") return json(await agent.merge({ issueId, actor, ...MergeBody.parse(body) }));
  return json(await agent.split({ issueId, actor, ...SplitBody.parse(body) }));
}

/** Whether the environments answer, how often each rule was right, and the rates of the last hour. */
export function detection(http: Http = thisProcess) {
  const show: Handler = async (request) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    return json(await agent.detection());
  };
  return endpoint(http.log, { GET: show, HEAD: show });
}

/** What is to change, and optionally the values that it replaces as the person saw them. */
const SettingsChange = SettingsPatch.safeExtend({ seen: SettingsPatch.optional() });

export function settings(http: Http = thisProcess) {
  const show: Handler = async (request) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    return json({ ...(await agent.project()), configuration: agent.configuration() });
  };
  const change: Handler = async (request) => {
    const agent = await http.agentOf();
    refuseForeignOrigin(request, agent);
    const actor = await identify(request, agent);
    const { seen, ...patch } = SettingsChange.parse(await readJson(request));
    return json(await agent.changeSettings(patch, actor, seen));
  };
  return endpoint(http.log, { GET: show, HEAD: show, PATCH: goingOn(http, change) });
}

const PauseBody = z.strictObject({
  reason: Reason.default("paused by an operator"),
  resumeAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .nullable()
    .default(null),
});

export function pause(http: Http = thisProcess) {
  const stop: Handler = async (request) => {
    const agent = await http.agentOf();
    refuseForeignOrigin(request, agent);
    const actor = await identify(request, agent);
    const { reason, resumeAt } = PauseBody.parse(await readJson(request));
    if (resumeAt !== null && resumeAt <= http.now()) throw new Failure("invalid", "resumeAt lies in the past.");
    return json(await agent.pause({ reason, resumeAt }, actor));
  };
  return endpoint(http.log, { POST: stop });
}

export function resume(http: Http = thisProcess) {
  const go: Handler = async (request) => {
    const agent = await http.agentOf();
    refuseForeignOrigin(request, agent);
    const actor = await identify(request, agent);
    z.strictObject({}).parse(await readJson(request));
    return json(await agent.resume(actor));
  };
  return endpoint(http.log, { POST: goingOn(http, go) });
}

async function issueIdOf({ params }: RouteContext): Promise<string> {
  const id = IssueId.safeParse((await params).id);
  if (!id.success) throw new Failure("invalid", "That is no issue id.", { hint: "An issue id is a UUID." });
  return id.data;
}

async function existing(agent: Agent, id: string): Promise<Record<string, unknown>> {
  const issue = await agent.issue(id);
  if (issue === undefined) throw new Failure("not_found", "There is no such issue.");
  return issue;
}
