import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createHeartbeat } from "#adapters/heartbeat/ping.ts";
import { repositoryAddressOf } from "#config/repository-address.ts";
import { secretValuesOf } from "#config/secret-values.ts";
import { intervalRefusal } from "#config/tick.ts";
import { type Config, config } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import { withPatch } from "#domain/settings.ts";
import type { Engine } from "#engine/engine.ts";
import { type HealthReport, healthOf } from "#engine/health.ts";
import { createIntake } from "#engine/intake.ts";
import type { Observer } from "#engine/observe.ts";
import { type Operations, operationsOf } from "#engine/operations.ts";
import { startQueue } from "#engine/queue.ts";
import { type Schedule, startSchedule } from "#engine/schedule.ts";
import { sourceMapFinder } from "#engine/source-maps.ts";
import { upgradeGroups } from "#engine/upgrade-groups.ts";
import { createOriginalFrames } from "#ingest/original-frames.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { findConditions } from "#pipeline/conditions.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import { pipeline } from "#pipeline/index.ts";
import type { Operators } from "#ports/operators.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { auditHead, compareHeads, verifyActions } from "#store/read/audit.ts";
import { type Views, viewsOf } from "#store/read/dashboard/views.ts";
import { openSpool, type Spool } from "#store/spool.ts";
import { releaseAllLeases } from "#store/write/issues.ts";
import { configuredChecks } from "./agent/configured.ts";
import { firstReleases } from "./agent/platforms.ts";
import { digest, portsFor, type SlackDoor, type Wired } from "./agent/ports.ts";
import { printer } from "./agent/printer.ts";
import { root } from "./agent/root.ts";

export type { HealthReport } from "#engine/health.ts";
export type { ActionView, Actor, CronName, ProjectView, TickReport } from "#engine/operations.ts";
export type { Command } from "#policy/commands.ts";
export type { Account, Cookie, CookieToSet, Operators } from "#ports/operators.ts";

/** Everything that the HTTP layer, the command line and the workers may ask of Vigil. */
export interface Agent extends Omit<Operations, "goOn"> {
  /** Runs what is due; no step begins after `budgetMs`. `null`: workers do that here. */
  goOn: Operations["goOn"] | null;
  views: Views;
  /** `null`: not configured, and then nobody gets in. */
  secrets: Config["secrets"];
  drain: Config["drain"];
  /** How people answer in Slack. `null`: not configured, and then nobody is heard. */
  slack: SlackDoor | null;
  /** How people sign in. `null`: not configured, and then nobody gets in. */
  operators: Pick<Config["operators"], "password" | "viewerPassword" | "isOwnPassword"> & {
    /** Where somebody else keeps the accounts; then the passwords open nothing. */
    accounts: Operators | null;
  };
  /** Every configured secret, for whoever takes them out of texts (reliability D13). */
  secretValues: string[];
  /** The origin by which people reach Vigil. */
  appUrl: string;
  /** Calls `listener` after each commit of this process; returns how to stop. */
  onActions(listener: () => void): () => void;
  health(): Promise<HealthReport>;
  /** What the configuration lacks, and what the model refused; no part of it is asked anew. */
  configuration(): HealthReport["checks"];
  /** Walks the audit chain; with earlier heads it also finds a cut tail and a rewritten trail (reliability D21). */
  verifyAudit(heads: { seq: number; hash: string }[]): Promise<{ whole: boolean; message: string }>;
  /** Subscribes workers and the built-in schedule (self-hosted). */
  startWorkers(): Promise<void>;
  /** Lets running steps end, then closes queue and database. */
  stop(): Promise<void>;
}

const version = "0.1.0";
/** Reliability B5. */
const lease = { ttlMs: 90_000, renewEveryMs: 20_000 };
/** detection.md §2.3.12. */
const batchWaitMs = 5;
/** On functions a step has to end before its function does (reliability B5); workers leave room for long test suites. */
const stepMs = { functions: 200_000, workers: 30 * 60_000 };
/** Connections of one process. Functions are many, and share what a pooler takes (at Supabase 200 in the smallest size). */
const connectionsMax = { functions: 4, workers: 10 };

/** The agent of this process. Routes and workers are bundled apart from each other and meet here. */
export function agent(): Promise<Agent> {
  const shared = globalThis as { vigilAgent?: Promise<Agent> };
  shared.vigilAgent ??= createAgent(config(), printer).catch((error) => {
    // The next caller tries again: a database that was away for a moment must not disable the process.
    shared.vigilAgent = undefined;
    throw error;
  });
  return shared.vigilAgent;
}

/** Connects, migrates and wires what the configuration chose. */
export async function createAgent(chosen: Config, log: Observer): Promise<Agent> {
  const connection = await connectionFor(chosen);
  const observers = new Set<Observer>([log]);
  const observe: Observer = (event) => {
    for (const observer of observers) observer(event);
  };
  try {
    await migrate(connection, { directory: join(root(), "supabase", "migrations") });
    const queue = await startQueue(connection, (error) => observe({ kind: "queue_error", error }));
    const { ports, ...wired } = await portsFor(chosen);
    const stopping = new AbortController();
    const spool = chosen.workers ? await openSpool(resolve(chosen.home, "spool")) : undefined;
    const engine = engineOf({ connection, queue, ports, observe }, chosen, spool ?? null, stopping.signal);
    // The embedded database has one owner at a time: whoever held these leases is gone.
    if (chosen.database.kind === "embedded") await releaseAllLeases(connection.db);
    await upgradeGroups(engine);
    return agentOf(engine, chosen, observers, { ...wired, stopping });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function engineOf(
  parts: Pick<Engine, "connection" | "queue" | "ports" | "observe">,
  chosen: Config,
  spool: Spool | null,
  stopping: AbortSignal,
): Engine {
  const basics = { ...parts, projectId: "default", digest, monotonicMs: () => performance.now() };
  const secrets = secretValuesOf(chosen);
  return {
    ...basics,
    intake: createIntake({
      ...basics,
      scrubberFor: (kinds) => eventScrubber(createScrubber(secrets, kinds)),
      spool,
      originalFrames: createOriginalFrames({
        load: sourceMapFinder(basics),
        monotonicMs: basics.monotonicMs,
      }),
      // Where workers run elsewhere, a request may be all that this process ever sees.
      batchWaitMs: chosen.workers ? batchWaitMs : 0,
    }),
    pipeline,
    findProblems,
    findConditions,
    heartbeat: heartbeatOf(chosen, parts.observe),
    wallClock: () => new Date(),
    owner: `${process.pid}:${randomUUID()}`,
    lease,
    stepMs: chosen.workers ? stepMs.workers : stepMs.functions,
    stopping,
  };
}

function agentOf(
  engine: Engine,
  chosen: Config,
  observers: Set<Observer>,
  wired: Omit<Wired, "ports"> & { stopping: AbortController },
): Agent {
  const { endReleases, modelTrouble } = wired;
  let schedule: Schedule | undefined;
  const operations = operationsOf(engine);
  return {
    ...operations,
    goOn: chosen.workers ? null : operations.goOn,
    views: viewsOf(engine.connection, engine.projectId, repositoryAddressOf(chosen.repository)),
    changeSettings: async (patch, actor, seen) => {
      const refused = intervalRefusal(chosen, withPatch((await operations.project()).settings, patch));
      if (refused !== undefined) throw new Failure("invalid", refused);
      return operations.changeSettings(patch, actor, seen);
    },
    secrets: chosen.secrets,
    drain: chosen.drain,
    slack: wired.slack,
    operators: { ...chosen.operators, accounts: wired.accounts },
    secretValues: secretValuesOf(chosen),
    appUrl: chosen.appUrl,
    onActions: (listener) => {
      const observer: Observer = ({ kind }) => {
        if (kind === "committed") listener();
      };
      observers.add(observer);
      return () => observers.delete(observer);
    },
    health: () => healthOf(engine, version, configuredChecks(chosen, modelTrouble())),
    configuration: () => configuredChecks(chosen, modelTrouble()),
    verifyAudit: async (heads) => {
      const chain = await verifyActions(engine.connection.db);
      if (chain.kind === "broken") return { whole: false, message: `row ${chain.seq} ${chain.problem}` };
      const compared = await compareHeads(engine.connection.db, heads);
      if (compared.kind !== "whole") return { whole: false, message: `row ${compared.seq} ${compared.problem}` };
      return { whole: true, message: `${chain.rows} rows, head ${chain.head}` };
    },
    startWorkers: async () => {
      if (schedule !== undefined) return;
      if (chosen.platform.kind === "processes") await firstReleases(engine);
      schedule = startSchedule(engine, observers, () => exportHead(engine, chosen));
    },
    stop: async () => {
      wired.stopping.abort();
      await schedule?.stop();
      // Your releases go on without Vigil; the demo's end with the server that brought them.
      if (schedule !== undefined && chosen.repository.kind === "demo") await endReleases();
      await engine.intake.stop();
      await engine.queue.stop();
      await engine.connection.close();
    },
  };
}

function connectionFor({ database, workers }: Config): Promise<Connection> {
  switch (database.kind) {
    case "embedded":
      return connectEmbedded({ directory: database.directory });
    case "postgres":
      return connectPostgres({
        url: database.url,
        certificate: database.certificate,
        poolMax: connectionsMax[workers ? "workers" : "functions"],
        applicationName: "vigil",
      });
  }
}

function heartbeatOf({ oversight }: Config, observe: Observer): Engine["heartbeat"] {
  const { heartbeatUrl } = oversight;
  if (heartbeatUrl === null) return null;
  return createHeartbeat({ url: heartbeatUrl, onTrouble: (error) => observe({ kind: "queue_error", error }) });
}

/** The head of the audit chain, kept outside the database: a trail that is cut or rewritten no longer fits (reliability D21). */
async function exportHead({ connection }: Engine, { home }: Config): Promise<void> {
  const head = await auditHead(connection.db);
  if (head !== undefined) await appendFile(resolve(home, "audit-heads.ndjson"), `${JSON.stringify(head)}\n`);
}
