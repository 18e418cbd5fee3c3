import { hash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createHeartbeat } from "#adapters/heartbeat/ping.ts";
import type { SlackDialogue } from "#adapters/notifier/slack/dialogue.ts";
import { databaseAdvice } from "#config/database.ts";
import { secretValuesOf } from "#config/secret-values.ts";
import { intervalRefusal } from "#config/tick.ts";
import { type Config, config } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import type { Environment } from "#domain/ids.ts";
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
import { sentenceOf } from "#engine/work.ts";
import { waysIn } from "#ingest/keys.ts";
import { createOriginalFrames } from "#ingest/original-frames.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { findConditions } from "#pipeline/conditions.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import { pipeline } from "#pipeline/index.ts";
import type { Engineer } from "#ports/engineer.ts";
import type { Notifier } from "#ports/notifier.ts";
import type { Operators } from "#ports/operators.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { auditHead, compareHeads, verifyActions } from "#store/read/audit.ts";
import { type Views, viewsOf } from "#store/read/dashboard/views.ts";
import { openSpool, type Spool } from "#store/spool.ts";
import { releaseAllLeases } from "#store/write/issues.ts";

export type { HealthReport } from "#engine/health.ts";
export type { ActionView, Actor, CronName, ProjectView, TickReport } from "#engine/operations.ts";
export type { Command } from "#policy/commands.ts";
export type { Account, Cookie, CookieToSet, Operators } from "#ports/operators.ts";

/** Everything that the HTTP layer, the command line and the workers may ask of Vigil. */
export interface Agent extends Operations {
  views: Views;
  /** `null`: not configured, and then nobody gets in. */
  secrets: Config["secrets"];
  drain: Config["drain"];
  /** How people answer in Slack. `null`: not configured, and then nobody is heard. */
  slack: { signingSecret: string; operators: Record<string, string>; dialogue: SlackDialogue } | null;
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
const readyTimeoutMs = 30_000;
const drainMs = 2_000;

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
    views: viewsOf(engine.connection, engine.projectId),
    changeSettings: async (patch, actor) => {
      const refused = intervalRefusal(chosen, withPatch((await operations.project()).settings, patch));
      if (refused !== undefined) throw new Failure("invalid", refused);
      return operations.changeSettings(patch, actor);
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

interface Wired {
  ports: Engine["ports"];
  accounts: Operators | null;
  slack: Agent["slack"];
  endReleases(): Promise<void>;
  /** Why the model refused its last call for good; `null` while it answers. */
  modelTrouble(): Failure | null;
}

async function portsFor(chosen: Config): Promise<Wired> {
  const repository = await repositoryFor(chosen);
  const { platform, endReleases } = await platformFor(chosen, repository);
  const { engineer, trouble } = await engineerFor(chosen);
  const ports = {
    repository,
    testBench: await testBenchFor(chosen, repository),
    platform,
    engineer,
    notifier: withoutSecrets(await notifierFor(chosen), createScrubber(secretValuesOf(chosen))),
  };
  const [accounts, slack] = [await accountsFor(chosen), await slackDoorFor(chosen)];
  return { ports, accounts, slack, endReleases, modelTrouble: trouble };
}

const digest = (text: string) => hash("sha256", text);

async function repositoryFor(chosen: Config): Promise<Repository> {
  const { repository, home, appUrl } = chosen;
  const directory = resolve(home, "repository.git");
  if (repository.kind === "github") {
    const { createGithubRepository } = await import("#adapters/repository/github.ts");
    const github = createGithubRepository({ ...repository, scratch: resolve(home, "github"), dashboardUrl: appUrl });
    const { text } = createScrubber(secretValuesOf(chosen));
    // Whatever a model or an error said: no secret stands in a pull request.
    const clean = ({ title, body, ...request }: Parameters<Repository["propose"]>[0]) =>
      github.propose({ ...request, title: text(title), body: text(body) });
    return { ...github, propose: clean };
  }
  const { createLocalRepository } = await import("#adapters/repository/local.ts");
  switch (repository.kind) {
    case "demo": {
      const { createClinicRemote } = await import("#demo/clinic-remote.ts");
      const remote = await createClinicRemote(resolve(home, "clinic.git"), join(root(), "src", "demo", "clinic"));
      return createLocalRepository({ remote: remote.path, directory });
    }
    case "local":
      return createLocalRepository({ remote: repository.remote, directory });
  }
}

async function testBenchFor(chosen: Config, source: Repository): Promise<TestBench> {
  const { testBench, home, repository } = chosen;
  if (testBench.kind === "checks") {
    if (repository.kind !== "github") throw new Failure("misconfigured", "Checks are those of a repository at GitHub.");
    const { createChecksTestBench } = await import("#adapters/test-bench/checks.ts");
    return createChecksTestBench({ ...repository, branch: "main", now: () => new Date() });
  }
  const { createSandboxTestBench, probeSandbox } = await import("#adapters/test-bench/sandbox.ts");
  const nodePath = process.execPath;
  // Only our own bundled application may run without the sandbox unasked.
  const bundled = chosen.repository.kind === "demo" && testBench.isolation === "bubblewrap";
  const open = bundled && (await probeSandbox({ nodePath })).kind === "unavailable";
  const { rememberRuns } = await import("#adapters/test-bench/remembered.ts");
  const sandbox = createSandboxTestBench({
    source,
    scratch: resolve(home, "tests"),
    testCommand: testBench.command,
    typesCommand: null,
    isolation: open ? "none" : testBench.isolation,
    nodePath,
    ...(testBench.dependencies === null ? {} : { dependencies: testBench.dependencies }),
  });
  return rememberRuns(sandbox);
}

/** `endReleases` ends what this platform runs; only the bundled demo's releases are nobody's production. */
async function platformFor(
  chosen: Config,
  source: Repository,
): Promise<{ platform: Platform; endReleases(): Promise<void> }> {
  const { platform, home, secrets, appUrl } = chosen;
  if (platform.kind !== "processes")
    return { platform: await hostedPlatformFor(chosen, platform), endReleases: async () => {} };
  const { createProcessesPlatform } = await import("#adapters/platform/processes.ts");
  const { createHealthProbe } = await import("#adapters/platform/health-probe.ts");
  const processes = createProcessesPlatform({
    source,
    directory: resolve(home, "platform"),
    startCommand: platform.startCommand ?? "node src/server.ts",
    ports: platform.ports,
    healthPath: platform.healthPath,
    environmentVariables: (environment) => waysToReport(appUrl, secrets.ingestKey, environment),
    nodePath: process.execPath,
    readyTimeoutMs,
    drainMs,
    now: () => new Date(),
    probe: createHealthProbe({ controlUrl: chosen.oversight.controlUrl, allowPrivateHosts: true }),
    frontScript: join(root(), "src", "adapters", "platform", "processes-front.ts"),
  });
  return { platform: processes.platform, endReleases: processes.stop };
}

type Hosted = Exclude<Config["platform"], { kind: "processes" }>;

/** Somebody else's machines run the releases; Vigil asks them over the network. */
async function hostedPlatformFor(chosen: Config, platform: Hosted): Promise<Platform> {
  const { createEnvironmentProbes } = await import("#adapters/platform/environment-probe.ts");
  const { controlUrl } = chosen.oversight;
  if (platform.kind === "url") {
    const { createUrlPlatform } = await import("#adapters/platform/url.ts");
    return createUrlPlatform({ ...platform, probes: createEnvironmentProbes({ controlUrl }) });
  }
  const { createVercelPlatform, protectionHeaders } = await import("#adapters/platform/vercel.ts");
  const headers = protectionHeaders(platform.bypassSecret);
  return createVercelPlatform({
    ...platform,
    probes: createEnvironmentProbes({ controlUrl, headers }),
    redact: createScrubber(secretValuesOf(chosen)).code,
  });
}

/**
 * What a release reports with: by itself, or through Sentry's SDK, which reads its variables. The key can report from this one
 * environment and do nothing else: the master key stays here.
 */
function waysToReport(appUrl: string, ingestKey: string | null, environment: Environment): Record<string, string> {
  const ways = ingestKey === null ? [] : waysIn(appUrl, ingestKey);
  const way = ways.find((one) => one.environment === environment && one.trust === "server");
  if (way === undefined) return {};
  return {
    REPORT_URL: `${appUrl}/api/ingest/events`,
    REPORT_KEY: way.key,
    SENTRY_DSN: way.dsn,
    SENTRY_ENVIRONMENT: environment,
  };
}

/** `trouble`: why the model refused its last call for good; `null` when it answered. */
async function engineerFor(chosen: Config): Promise<{ engineer: Engineer; trouble(): Failure | null }> {
  const { claude, baseUrl, models, playbooks } = chosen.engineer;
  const { createPlaybooksFirst } = await import("#adapters/engineer/playbooks-first.ts");
  const { createPlaybooksEngineer } = await import("#adapters/engineer/playbooks/playbooks.ts");
  const first = playbooks === "first" ? createPlaybooksEngineer() : null;
  if (claude.kind !== "present") {
    const because = claude.kind === "missing" ? "ANTHROPIC_API_KEY is not set" : `ANTHROPIC_API_KEY ${claude.why}`;
    return {
      engineer: createPlaybooksFirst({ playbooks: first, model: { kind: "absent", because } }),
      trouble: () => null,
    };
  }
  const { createClaudeEngineer } = await import("#adapters/engineer/claude/claude.ts");
  let trouble: Failure | null = null;
  const engineer = createClaudeEngineer({
    apiKey: claude.apiKey,
    baseUrl,
    models,
    redact: createScrubber(secretValuesOf(chosen)).code,
    digest,
    monotonicMs: () => performance.now(),
    onRefusal: (failure) => {
      trouble = failure;
    },
  });
  return {
    engineer: createPlaybooksFirst({ playbooks: first, model: { kind: "ready", engineer } }),
    trouble: () => trouble,
  };
}

async function accountsFor({ operators: { supabase }, appUrl }: Config): Promise<Operators | null> {
  if (supabase === null) return null;
  const { createSupabaseOperators } = await import("#adapters/operators/supabase.ts");
  return createSupabaseOperators({ ...supabase, appUrl, now: () => new Date() });
}

function heartbeatOf({ oversight }: Config, observe: Observer): Engine["heartbeat"] {
  const { heartbeatUrl } = oversight;
  if (heartbeatUrl === null) return null;
  return createHeartbeat({ url: heartbeatUrl, onTrouble: (error) => observe({ kind: "queue_error", error }) });
}

async function notifierFor({ notifier, appUrl }: Config): Promise<Notifier> {
  if (notifier.kind === "slack") {
    const { createSlackNotifier } = await import("#adapters/notifier/slack.ts");
    return createSlackNotifier({ ...notifier, appUrl, isInteractive: isInteractive(notifier) });
  }
  const { createConsoleNotifier } = await import("#adapters/notifier/console.ts");
  return createConsoleNotifier({ write: (block) => console.log(block), appUrl });
}

type SlackConfig = Extract<Config["notifier"], { kind: "slack" }>;

/** Clicks are taken only where their signature can be checked, and mean something only where it is known who may decide. */
function isInteractive({ signingSecret, operators }: SlackConfig): boolean {
  return signingSecret !== null && Object.keys(operators).length > 0;
}

async function slackDoorFor({ notifier }: Config): Promise<Agent["slack"]> {
  if (notifier.kind !== "slack" || notifier.signingSecret === null) return null;
  const { signingSecret, operators, delivery, apiUrl } = notifier;
  const { createSlackDialogue } = await import("#adapters/notifier/slack/dialogue.ts");
  const token = delivery.kind === "bot" ? delivery.token : null;
  return { signingSecret, operators, dialogue: createSlackDialogue({ token, apiUrl }) };
}

/** Whatever a row that a person filed, a model or a tool wrote: no secret leaves in a message (spec.md §14). */
function withoutSecrets(notifier: Notifier, { text }: ReturnType<typeof createScrubber>): Notifier {
  return {
    send: (notice, options) => {
      const fields = notice.fields.map(({ label, value }) => ({ label, value: text(value) }));
      return notifier.send({ ...notice, title: text(notice.title), text: text(notice.text), fields }, options);
    },
  };
}

/** What the configuration lacks, as the dashboard and `vigil doctor` show it. */
function configuredChecks(chosen: Config, trouble: Failure | null): HealthReport["checks"] {
  const { engineer, secrets, notifier } = chosen;
  const advice = databaseAdvice(chosen);
  const unset = Object.entries(secrets).flatMap(([name, value]) => (value === null ? [name] : []));
  return {
    claude: claudeCheck(engineer, trouble),
    ...(advice === undefined ? {} : { databaseAddress: advice }),
    secrets:
      unset.length === 0
        ? { status: "ok", message: "all set" }
        : { status: "degraded", message: `not set: ${unset.join(", ")}`, hint: "See .env.example." },
    notifications: {
      status: "ok",
      message: notifier.kind === "slack" ? "Slack" : "console (no SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL)",
    },
  };
}

/** Without a key the playbooks go on; where they are switched off as well, nobody diagnoses anything. */
function claudeCheck(
  { claude, playbooks }: Config["engineer"],
  trouble: Failure | null,
): HealthReport["checks"][string] {
  const hint = "Set ANTHROPIC_API_KEY to a key that starts with sk-ant-.";
  switch (claude.kind) {
    case "malformed":
      return { status: "degraded", message: `ANTHROPIC_API_KEY ${claude.why}`, hint };
    case "missing":
      return playbooks === "first"
        ? { status: "ok", message: "no ANTHROPIC_API_KEY: playbooks alone diagnose and fix", hint }
        : {
            status: "degraded",
            message: "no ANTHROPIC_API_KEY, and AGENT_PLAYBOOKS is off: nothing is diagnosed",
            hint,
          };
    case "present":
      return trouble === null
        ? { status: "ok", message: "configured" }
        : { status: "degraded", message: `the last call: ${trouble.message}`, hint: trouble.hint };
  }
}

/** A platform of our own starts empty: main goes to production, staging to staging, as a host would have it. */
async function firstReleases({ ports }: Engine): Promise<void> {
  const { repository, platform } = ports;
  for (const [environment, branch] of [
    ["production", "main"],
    ["staging", "staging"],
  ] as const) {
    if ((await platform.serving(environment)).kind === "serving") continue;
    const commit = (await repository.head(branch)) ?? (await repository.head("main"));
    if (commit === undefined) throw new Failure("misconfigured", "The repository has no branch main.");
    for (;;) {
      const state = await platform.ensureDeployed(environment, commit);
      if (state.kind === "ready") break;
      if (state.kind === "failed")
        throw new Failure("unavailable", `${environment} does not start: ${state.why}`, {
          hint: state.log.slice(-500),
        });
      await new Promise((done) => setTimeout(done, state.lookAgainMs));
    }
  }
}

/** The head of the audit chain, kept outside the database: a trail that is cut or rewritten no longer fits (reliability D21). */
async function exportHead({ connection }: Engine, { home }: Config): Promise<void> {
  const head = await auditHead(connection.db);
  if (head !== undefined) await appendFile(resolve(home, "audit-heads.ndjson"), `${JSON.stringify(head)}\n`);
}

/** Where the product's own files are: beside this file, or the working directory when it was bundled. */
function root(): string {
  const beside = join(import.meta.dirname ?? ".", "..");
  return existsSync(join(beside, "supabase", "migrations")) ? beside : process.cwd();
}

/** The same trouble again and again, while a database is away for instance, is one line in this time. */
const repeatAfterMs = 30_000;
let lastTrouble = { text: "", atMs: 0 };

/** One line per step for whoever reads the server's output. */
const printer: Observer = (event) => {
  const at = new Date().toISOString().slice(11, 19);
  if (event.kind === "settled") {
    console.log(`${at} issue ${event.issueId.slice(0, 8)}  ${event.from} → ${event.to}: ${event.because}`);
  } else if (event.kind === "step_failed") {
    console.error(`${at} issue ${event.issueId.slice(0, 8)}  ${event.status}: ${event.because}`);
  } else if (event.kind === "queue_error") {
    const text = sentenceOf(event.error);
    if (text === lastTrouble.text && Date.now() - lastTrouble.atMs < repeatAfterMs) return;
    lastTrouble = { text, atMs: Date.now() };
    console.error(`${at} ${text}`);
  }
};
