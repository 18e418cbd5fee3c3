import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { expect, vi } from "vitest";
import { createClinicRemote } from "#demo/clinic-remote.ts";
import { createOperators, type Operators } from "#demo/operators.ts";
import { createTraffic, startOrdinaryTraffic, type Traffic } from "#demo/traffic.ts";
import { derivedKey } from "#ingest/keys.ts";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { freePort } from "#tests/adapters/platform/local-platform.ts";
import { startGithub, type TestGithub } from "#tests/support/github/server.ts";
import { startPooler } from "#tests/support/pgbouncer.ts";
import { findPostgres, startPostgres } from "#tests/support/postgres.ts";
import { startSlack, type TestSlack } from "#tests/support/slack/slack.ts";
import { releasesOf, tellOfPushes } from "#tests/support/vercel/releases.ts";
import { startVercel, type VercelServer } from "#tests/support/vercel/vercel.ts";
import { startDeployed } from "./deployed.ts";
import { runWorkflows } from "./workflows.ts";

/** Vigil as functions at Vercel have it, with every service that it needs as a server on this machine. */
export interface HostedVigil {
  operators: Operators;
  traffic: Traffic;
  /** The clinic's bare repository, behind GitHub. */
  repository: string;
  github: TestGithub;
  vercel: VercelServer;
  slack: TestSlack;
  connection: Connection;
  /** Calls a cron route as the scheduler does, and answers the status. */
  cron(route: string): Promise<number>;
  /** The function is killed in the middle of what it does, and the time is over for which it had the issue. */
  crash(): Promise<void>;
  /** The minute is over after which it is looked again whether a person decided. */
  lookAgain(): Promise<void>;
  log(): Promise<string>;
  ended(): string | undefined;
  dispose(): Promise<void>;
}

export const cronRoutes = ["detect", "diagnose", "fix", "deploy"];
/** Vercel calls once a minute at the most; here an hour passes in half a minute. */
const cronEveryMs = 250;
const settings = {
  autonomyLevel: 2,
  limits: { fixesPerHour: 50, deploymentsPerDay: 50 },
  staging: { windowMs: 8_000, checkEveryMs: 1_000, validChecksMin: 3 },
  production: { windowMs: 8_000, checkEveryMs: 1_000, repeatFailedAfterMs: 200, validChecksMin: 3, requestsMin: 20 },
};

/** Each part is ended in the opposite order, also when a later one could not be started. */
function ending() {
  const ends: (() => Promise<unknown>)[] = [];
  return {
    add: (end: () => Promise<unknown>) => void ends.push(end),
    all: async () => {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}

export interface HostedOptions {
  /** `false`: no cron route is ever called. */
  isScheduled?: boolean;
  variables?: Record<string, string>;
}

export async function startHostedVigil(options: HostedOptions = {}): Promise<HostedVigil> {
  const ends = ending();
  try {
    return await started(ends, options);
  } catch (error) {
    await ends.all();
    throw error;
  }
}

async function started(
  ends: ReturnType<typeof ending>,
  { isScheduled = true, variables = {} }: HostedOptions,
): Promise<HostedVigil> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-hosted-"));
  ends.add(() => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const installed = await findPostgres();
  if (installed === undefined) throw new Error("Postgres is missing: apt-get install postgresql-15");
  const server = await startPostgres(installed);
  ends.add(() => server.remove());
  const pooler = await startPooler({ socket: server.socket });
  ends.add(() => pooler.stop());
  const { path: repository, commit } = await createClinicRemote(join(directory, "clinic.git"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const secrets = { ingest: secret(), api: secret(), cron: secret() };
  const releases = await releasesOf(repository, [process.execPath, "src/server.ts"], (environment) => ({
    REPORT_URL: `${url}/api/ingest/events`,
    REPORT_KEY: derivedKey(secrets.ingest, { environment, trust: "server" }),
  }));
  ends.add(() => releases.end());
  const vercel = await startVercel({ serve: releases.serve, builds: () => ({ kind: "ready", afterMs: 200 }) });
  ends.add(() => vercel.close());
  ends.add(tellOfPushes(repository, vercel));
  const github = await startGithub({ remote: repository });
  ends.add(() => github.stop());
  ends.add(runWorkflows(repository, github));
  const slack = await startSlack();
  ends.add(() => slack.close());
  const logFile = join(directory, "vigil.log");
  const vigil = await startDeployed(
    { folder: join(directory, "deployed"), logFile, database: pooler.socket },
    {
      PORT: String(port),
      APP_URL: url,
      DATABASE_URL: pooler.url("postgres"),
      AGENT_REPOSITORY: `github:${github.owner}/${github.name}`,
      GITHUB_TOKEN: github.token,
      GITHUB_API_URL: github.url,
      VERCEL_TOKEN: vercel.token,
      VERCEL_PROJECT_ID: vercel.projectId,
      ...(vercel.teamId === null ? {} : { VERCEL_TEAM_ID: vercel.teamId }),
      VERCEL_API_URL: vercel.apiUrl,
      STAGING_URL: vercel.urls.staging,
      PRODUCTION_URL: vercel.urls.production,
      AGENT_HEALTH_PATH: "/api/health",
      SLACK_BOT_TOKEN: slack.token,
      SLACK_CHANNEL: slack.channel,
      SLACK_API_URL: slack.apiUrl,
      AGENT_INGEST_KEY: secrets.ingest,
      AGENT_API_TOKEN: secrets.api,
      CRON_SECRET: secrets.cron,
      AGENT_OPERATOR_PASSWORD: secret(),
      ...variables,
    },
  );
  ends.add(vigil.stop);
  const log = async () => (await readFile(logFile, "utf8").catch(() => "")).slice(-6_000);
  const operators = createOperators({ url, token: secrets.api });
  const eventually = async (check: () => Promise<void>) => {
    const isUp = async () => vigil.ended() === undefined && check();
    await vi.waitFor(isUp, { timeout: 600_000, interval: 250 }).catch(async (cause: unknown) => {
      throw new Error(await log(), { cause });
    });
    if (vigil.ended() !== undefined) throw new Error(`${vigil.ended()}: ${await log()}`);
  };
  await eventually(async () => expect((await operators.health()).status).toBe(200));
  // A function is not called every quarter of a second, and settings that need it are refused: this database's clock runs faster.
  const connection = await connectPostgres({ url: server.url("postgres") });
  await connection.db.execute(
    sql`UPDATE agent_projects SET autonomy_level = ${settings.autonomyLevel}, settings = ${JSON.stringify(settings)}::jsonb`,
  );
  ends.add(() => connection.close());
  const lookAgain = async () => {
    await connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL WHERE status = 'awaiting_approval'`);
  };
  const cron = async (route: string) => {
    const headers = { authorization: `Bearer ${secrets.cron}` };
    return (await fetch(`${url}/api/cron/${route}`, { headers })).status;
  };
  const crash = async () => {
    await vigil.crash();
    await connection.db.execute(
      sql`UPDATE agent_issues SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL`,
    );
  };
  const traffic = createTraffic({ staging: vercel.urls.staging, production: vercel.urls.production });
  ends.add(() => traffic.stop());
  await eventually(async () => expect(await releasesIn(traffic)).toEqual([commit, commit]));
  if (isScheduled) ends.add(callRoutes(url, secrets.cron));
  startOrdinaryTraffic(traffic);
  await eventually(async () => expect(traffic.sentToProduction()).toBeGreaterThan(60));
  const services = { repository, github, vercel, slack };
  return {
    operators,
    traffic,
    ...services,
    connection,
    cron,
    crash,
    lookAgain,
    log,
    ended: vigil.ended,
    dispose: ends.all,
  };
}

function secret(): string {
  return randomBytes(32).toString("hex");
}

async function releasesIn(traffic: Traffic): Promise<unknown[]> {
  const of = async (environment: "staging" | "production") => {
    const answer = await traffic.ask(environment, { method: "GET", path: "/api/health" }).catch(() => undefined);
    return answer?.status === 200 ? JSON.parse(answer.body).release : undefined;
  };
  return [await of("staging"), await of("production")];
}

/** As `vercel.json` has them called, and now and then two at once. Answers how to stop. */
function callRoutes(url: string, cronSecret: string): () => Promise<void> {
  let isOver = false;
  const headers = { authorization: `Bearer ${cronSecret}` };
  const call = async (route: string, everyMs: number) => {
    while (!isOver) {
      await fetch(`${url}/api/cron/${route}`, { headers }).catch(() => undefined);
      await sleep(everyMs);
    }
  };
  const calling = [
    ...cronRoutes.map((route) => call(route, cronEveryMs)),
    ...cronRoutes.map((route) => call(route, 20 * cronEveryMs)),
  ];
  return async () => {
    isOver = true;
    await Promise.all(calling);
  };
}
