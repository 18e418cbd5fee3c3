import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, vi } from "vitest";
import { createClinicRemote } from "#demo/clinic-remote.ts";
import { createOperators, type IssueDetail, type Operators } from "#demo/operators.ts";
import { hasBubblewrap, type Product, startProduct } from "#demo/product.ts";
import { type Scenario, scenarios } from "#demo/scenarios.ts";
import { createTraffic, startOrdinaryTraffic, type Traffic } from "#demo/traffic.ts";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { aPerson, type Person } from "#tests/support/git.ts";
import { findPostgres, type PostgresServer, startPostgres } from "#tests/support/postgres.ts";

/** The built product on a Postgres of its own, on the sample clinic, with a past of thousands of issues. */
export interface Vigil extends Product {
  operators: Operators;
  connection: Connection;
  /** A person with a clone of the clinic's repository. */
  person: Person;
  /** Ends the server like a machine that goes down, and starts it again where it was. */
  restart(): Promise<void>;
  /** Makes the scenario's bug happen until its fix waits for a person. */
  untilAsked(name: string): Promise<IssueDetail>;
  dispose(): Promise<void>;
}

export const passwords = { operator: "the-operators-long-password", viewer: "the-viewers-long-password" };
export const pastIssues = 5_000;

const settings = {
  autonomyLevel: 1,
  limits: { fixesPerHour: 50, deploymentsPerDay: 50 },
  staging: { windowMs: 2_000, checkEveryMs: 250, validChecksMin: 4 },
  production: { windowMs: 3_000, checkEveryMs: 500, repeatFailedAfterMs: 100, validChecksMin: 3, requestsMin: 20 },
};

export async function startVigil(): Promise<Vigil> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-browser-"));
  const installed = await findPostgres();
  if (installed === undefined) throw new Error("Postgres is missing: apt-get install postgresql-15");
  const server: PostgresServer = await startPostgres(installed);
  const { path: repository, commit } = await createClinicRemote(join(directory, "clinic.git"));
  const start = (place: Record<string, string> = {}) =>
    startProduct({
      directory,
      repository,
      sandbox: hasBubblewrap() ? "bubblewrap" : "none",
      variables: {
        DATABASE_URL: server.url("postgres"),
        AGENT_OPERATOR_PASSWORD: passwords.operator,
        AGENT_VIEWER_PASSWORD: passwords.viewer,
        AGENT_INGEST_KEY: "the-key-that-outlives-a-restart",
        ...place,
      },
    });
  const product = await start();
  let running = product;
  const operators = createOperators({ url: product.url, token: product.apiToken });
  const traffic = createTraffic({ staging: product.staging, production: product.production });
  const eventually = async (check: () => Promise<void>, timeout: number) => {
    await vi.waitFor(
      async () => {
        // One that ended never comes up: no use in waiting.
        if (running.ended() === undefined) await check();
      },
      { timeout, interval: 250 },
    );
    if (running.ended() !== undefined) throw new Error(`${running.ended()}: ${running.logTail()}`);
  };
  await eventually(async () => expect((await operators.health()).status, product.logTail()).toBe(200), 240_000);
  await operators.changeSettings(settings);
  await eventually(async () => expect(await releases(traffic)).toEqual([commit, commit]), 60_000);
  startOrdinaryTraffic(traffic);
  await eventually(async () => expect(traffic.sentToProduction()).toBeGreaterThan(60), 60_000);
  const connection = await connectPostgres({ url: server.url("postgres") });
  await addPast(connection);
  return {
    ...product,
    operators,
    connection,
    person: await aPerson(repository, join(directory, "person")),
    async restart() {
      await running.stop();
      const { staging, production, apiToken, url } = product;
      running = await start({
        PORT: new URL(url).port,
        APP_URL: url,
        STAGING_URL: staging,
        PRODUCTION_URL: production,
        AGENT_API_TOKEN: apiToken,
      });
      await eventually(async () => expect((await operators.health()).status, running.logTail()).toBe(200), 240_000);
    },
    async untilAsked(name) {
      const scenario = scenarioOf(name);
      scenario.start(traffic);
      const waiting = async () => {
        const found = (await operators.issues()).find(
          (issue) => issue.status === "awaiting_approval" && scenario.recognises(issue),
        );
        expect(found, product.logTail()).toBeDefined();
        return operators.issue(found?.id ?? "");
      };
      return vi.waitFor(waiting, { timeout: 120_000, interval: 250 });
    },
    async dispose() {
      await traffic.stop();
      await connection.close();
      await running.stop();
      await server.remove();
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

function scenarioOf(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`there is no scenario ${name}`);
  return found;
}

async function releases(traffic: Traffic): Promise<unknown[]> {
  const of = async (environment: "staging" | "production") => {
    const { body } = await traffic
      .ask(environment, { method: "GET", path: "/api/health" })
      .catch(() => ({ body: "{}" }));
    return JSON.parse(body).release;
  };
  return [await of("staging"), await of("production")];
}

/** Issues of the last months that came to an end, as history shows them; the triggers would have each of them live again. */
async function addPast(connection: Connection): Promise<void> {
  await connection.script(async (run) => {
    await run("SET LOCAL session_replication_role = replica");
    await run(`
      INSERT INTO agent_issues (severity, issue_type, title, message, status, operation, created_at, status_since, resolved_at,
        first_seen, last_seen, event_count, affected_users, commit_sha)
      SELECT 'P' || n % 5, CASE n % 3 WHEN 0 THEN 'null_check' WHEN 1 THEN 'timeout' ELSE 'typo' END,
        'Past problem ' || n, 'It happened on day ' || n / 50, (ARRAY['resolved', 'failed', 'rejected', 'dismissed'])[1 + n % 4],
        'GET /api/things/' || n % 40, at, at + interval '9 minutes', CASE WHEN n % 4 = 0 THEN at + interval '9 minutes' END,
        at, at + interval '5 minutes', n % 900, n % 70, encode(sha256(n::text::bytea), 'hex')::char(40)
      FROM (SELECT n, now() - interval '1 day' - n * interval '25 minutes' AS at FROM generate_series(1, ${pastIssues}) AS n) AS past`);
  });
  await connection.db.execute(sql`ANALYZE agent_issues`);
}
