import type { ErrorEvent, TrafficReport } from "#domain/event.ts";
import type { Status } from "#domain/lifecycle.ts";
import type { Settings, SettingsPatch } from "#domain/settings.ts";

/** Commands of operators; `src/policy/commands.ts` says when each may be given. */
export type Command = "approve" | "reject" | "retry" | "dismiss" | "revert";
export type CronName = "detect" | "diagnose" | "fix" | "deploy";

/** Who acts: the agent itself, or a person (or a token) that the HTTP layer identified. */
export interface Actor {
  kind: "operator" | "token";
  name: string;
}

export interface TickReport {
  /** Jobs that were run to their end within the budget. */
  processed: number;
  /** Jobs that are due but were left for the next tick. */
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

export interface HealthReport {
  status: "ok" | "degraded" | "down";
  version: string;
  checks: Record<string, { status: "ok" | "degraded" | "down"; message: string; hint?: string }>;
}

/** Everything that the HTTP layer, the command line and the workers may ask of Vigil. */
export interface Agent {
  /** `null`: not configured, and then nobody gets in. */
  secrets: { cronSecret: string | null; ingestKey: string | null; apiToken: string | null };
  /** Stores and counts; durable when it resolves. */
  ingest(batch: { events: ErrorEvent[]; traffic: TrafficReport[] }): Promise<{ accepted: number }>;
  /** Drains the queues of a cron route until nothing is due or `budgetMs` is used up. */
  tick(name: CronName, budgetMs: number): Promise<TickReport>;
  /** JSON-ready summaries, newest first. */
  issues(filter: { status?: Status; limit: number; before?: string }): Promise<Record<string, unknown>[]>;
  issue(id: string): Promise<Record<string, unknown> | undefined>;
  command(request: {
    command: Command;
    issueId: string;
    actor: Actor;
    reason?: string;
    /** The diff that the person saw; a different one is refused. */
    diffHash?: string;
  }): Promise<Record<string, unknown>>;
  project(): Promise<ProjectView>;
  changeSettings(patch: SettingsPatch, actor: Actor): Promise<ProjectView>;
  pause(request: { reason: string; resumeAt: Date | null }, actor: Actor): Promise<ProjectView>;
  resume(actor: Actor): Promise<ProjectView>;
  actionsAfter(seq: number, limit: number): Promise<ActionView[]>;
  /** Calls `listener` after each commit of this process that wrote actions; returns how to stop. */
  onActions(listener: () => void): () => void;
  health(): Promise<HealthReport>;
  /** Subscribes workers and the built-in schedule (self-hosted). */
  startWorkers(): Promise<void>;
  /** Lets running steps end, then closes queue and database. */
  stop(): Promise<void>;
}
