import { Failure } from "#domain/failure.ts";
import { IssueId } from "#domain/ids.ts";
import type { MuteConditions } from "#domain/mute.ts";
import type { Settings, SettingsPatch } from "#domain/settings.ts";
import type { Command } from "#policy/commands.ts";
import { dueIssues } from "#store/read/issues.ts";
import { loadProject, usageOf } from "#store/read/projects.ts";
import { actionsAfter, type IssueFilter, listIssues, showIssue } from "#store/read/views.ts";
import { give } from "./command.ts";
import { detect } from "./detect.ts";
import { drain } from "./drain.ts";
import type { Engine } from "./engine.ts";
import { createGoOn } from "./go-on.ts";
import { type Batch, type IngestOptions, ingest } from "./ingest.ts";
import { type DetectionView, detectionView } from "./overview.ts";
import type { QueueName } from "./queue.ts";
import { reconcileMain } from "./reconcile.ts";
import { merge, split } from "./regroup.ts";
import { round } from "./round.ts";
import { changeSettings, pause, resume, resumeWhenDue } from "./settings.ts";
import { keepSourceMap, type UploadedSourceMap } from "./source-maps.ts";

export type CronName = "detect" | "diagnose" | "fix" | "deploy";

/** Who acts: a person or a token that the HTTP layer identified. Never the agent itself. */
export interface Actor {
  kind: "operator" | "viewer" | "token";
  name: string;
}

export interface TickReport {
  /** Jobs that were run to their end within the budget. */
  processed: number;
  /** Issues that are due but were left for the next tick. */
  left: number;
}

export interface ProjectView {
  settings: Settings;
  paused: boolean;
  pausedReason: string | null;
  pausedBy: string | null;
  resumeAt: Date | null;
  usage: { fixesThisHour: number; deploymentsToday: number; spendTodayUsd: number };
}

/** One row of the audit trail as clients see it. `seq` is the id of a server-sent event. */
export interface ActionView {
  seq: number;
  at: Date;
  issueId: string | null;
  actor: string;
  action: string;
  subject: string;
  outcome: string;
  because: string;
  detail: unknown;
}

/** What may be asked of a running engine, whoever asks. */
export interface Operations {
  /** Scrubs, groups, stores and counts; durable when it resolves. */
  ingest(batch: Batch, options?: IngestOptions): Promise<{ accepted: number }>;
  /** Keeps a build's source map; the same one twice changes nothing. */
  keepSourceMap(uploaded: UploadedSourceMap): Promise<{ stored: boolean }>;
  /** Drains the queues of a cron route until nothing is due or `budgetMs` is used up. */
  tick(name: CronName, budgetMs: number): Promise<TickReport>;
  /** Runs what is due in every queue, for whoever has no workers; no step begins after `budgetMs`. */
  goOn(budgetMs: number): Promise<void>;
  /** JSON-ready summaries, newest first. */
  issues(filter: IssueFilter): Promise<Record<string, unknown>[]>;
  issue(id: string): Promise<Record<string, unknown> | undefined>;
  /** Carries out what an operator asks and answers with the issue as it is then. */
  command(request: {
    command: Command;
    issueId: string;
    actor: Actor;
    reason?: string;
    /** The diff that the person saw; a different one is refused. */
    diffHash?: string;
    mute?: MuteConditions;
    falseAlarm?: boolean;
  }): Promise<Record<string, unknown>>;
  /** Makes one issue of two; answers with the one that goes on. */
  merge(request: { issueId: string; into: string; actor: Actor; reason?: string }): Promise<Record<string, unknown>>;
  /** Takes a group out of an issue; answers with the issue that it belongs to now. */
  split(request: {
    issueId: string;
    fingerprint: string;
    actor: Actor;
    reason?: string;
  }): Promise<Record<string, unknown>>;
  project(): Promise<ProjectView>;
  /** Whether the environments answer, how often each rule was right, and the rates of the last hour. */
  detection(): Promise<DetectionView>;
  /** `seen`: values as the person saw them; refused when one of them changed since. */
  changeSettings(patch: SettingsPatch, actor: Actor, seen?: SettingsPatch): Promise<ProjectView>;
  pause(request: { reason: string; resumeAt: Date | null }, actor: Actor): Promise<ProjectView>;
  resume(actor: Actor): Promise<ProjectView>;
  actionsAfter(seq: number, limit: number): Promise<ActionView[]>;
}

/** Which queues a cron route drains (design.md §2). */
const queuesOf: Record<CronName, readonly QueueName[]> = {
  detect: ["detect", "detected"],
  diagnose: ["diagnosing"],
  fix: ["fixing"],
  deploy: ["rolling_back", "monitoring", "deploying", "staging", "testing", "awaiting_approval", "notify"],
};
const leftMax = 500;

/** The engine's operations, each one a call of a part. */
export function operationsOf(engine: Engine): Operations {
  const { db } = engine.connection;
  const view = async (): Promise<ProjectView> => {
    const { settings, paused, pausedReason, pausedBy, resumeAt } = await loadProject(db, engine.projectId);
    return { settings, paused, pausedReason, pausedBy, resumeAt, usage: await usageOf(db, engine.projectId) };
  };
  const shown = async (id: string) => {
    const issue = await showIssue(db, id);
    if (issue === undefined) throw new Failure("not_found", "There is no such issue.");
    return issue;
  };
  return {
    ingest: (batch, options) => ingest(engine, batch, options),
    keepSourceMap: (uploaded) => keepSourceMap(engine, uploaded),
    goOn: createGoOn(engine, Object.values(queuesOf).flat()),
    tick: (name, budgetMs) => tick(engine, name, budgetMs),
    issues: (filter) => listIssues(db, engine.projectId, filter),
    issue: async (id) => (IssueId.safeParse(id).success ? showIssue(db, id) : undefined),
    command: async ({ actor, ...request }) => {
      await give(engine, { ...request, actor: nameOf(actor) });
      return shown(request.issueId);
    },
    merge: async ({ actor, ...request }) => {
      await merge(engine, { ...request, actor: nameOf(actor) });
      return shown(request.into);
    },
    split: async ({ actor, ...request }) => shown(await split(engine, { ...request, actor: nameOf(actor) })),
    project: view,
    detection: () => detectionView(engine),
    changeSettings: async (patch, actor, seen) => {
      await changeSettings(engine, patch, nameOf(actor), seen);
      return view();
    },
    pause: async (request, actor) => {
      await pause(engine, request, nameOf(actor));
      return view();
    },
    resume: async (actor) => {
      await resume(engine, nameOf(actor));
      return view();
    },
    actionsAfter: (seq, limit) => actionsAfter(db, engine.projectId, seq, limit),
  };
}

async function tick(engine: Engine, name: CronName, budgetMs: number): Promise<TickReport> {
  const startMs = engine.monotonicMs();
  // Where no schedule of ours runs, every call of the scheduler is a round as well; in the same minute it costs nothing.
  if (name === "detect" || name === "deploy") await round(engine);
  let heartbeat: Promise<void> | undefined;
  if (name === "detect") {
    await resumeWhenDue(engine);
    await detect(engine);
    heartbeat = engine.heartbeat?.();
    // A remote that is away keeps no queue from its turn.
    await reconcileMain(engine).catch((error: unknown) => engine.observe({ kind: "queue_error", error }));
  }
  const processed = await drain(engine, queuesOf[name], () => engine.monotonicMs() - startMs < budgetMs);
  const due = await dueIssues(engine.connection.db, engine.projectId, leftMax);
  await heartbeat;
  const left = due.filter(({ status }) => queuesOf[name].some((queue) => queue === status)).length;
  return { processed, left };
}

function nameOf({ kind, name }: Actor): string {
  return `${kind}:${name}`;
}
