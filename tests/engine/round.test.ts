import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { HealthCheck } from "#domain/evidence.ts";
import { Settings } from "#domain/settings.ts";
import { give } from "#engine/command.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { ingest } from "#engine/ingest.ts";
import { operationsOf } from "#engine/operations.ts";
import { round } from "#engine/round.ts";
import { findConditions } from "#pipeline/conditions.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Connection } from "#store/connect.ts";
import { readsOf } from "#store/read/stage-reads.ts";
import { removeOld } from "#store/write/retention.ts";
import { anEvent, aSha } from "#tests/support/builders.ts";
import { databasesAndPooler, empty } from "#tests/support/databases.ts";
import { aWorld } from "#tests/support/world.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

describe.each(databasesAndPooler())("rounds on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  let answer: HealthCheck["outcome"] = "healthy";
  let looks = 0;
  const checkHealth = async (): Promise<HealthCheck> => {
    looks++;
    const because = answer === "healthy" ? "status 200" : "status 500";
    return { outcome: answer, because, servedCommit: null, httpStatus: 200, latencyMs: 12 };
  };

  beforeAll(async () => {
    connection = await open();
    const platform = { ...aWorld().platform, checkHealth };
    engine = await anEngine(connection, { findProblems, findConditions, ports: { platform } });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(async () => {
    await empty(connection);
    answer = "healthy";
    looks = 0;
    engine.told.length = 0;
    engine.seen.length = 0;
  });

  const Issue = z.object({
    title: z.string(),
    severity: z.string(),
    status: z.string(),
    state: z.string(),
    state_reason: z.string().nullable(),
  });
  const issues = () =>
    connection.rows(Issue, sql`SELECT title, severity, status, state, state_reason FROM agent_issues ORDER BY title`);
  const minutesAgo = (minutes: number) =>
    sql`date_trunc('minute', clock_timestamp()) - ${minutes} * interval '1 minute'`;
  /** Looks of the last minutes, the newest last; a dot is one that never took place. */
  async function lookedLike(outcomes: string): Promise<void> {
    await connection.db.execute(sql`DELETE FROM agent_probes`);
    const named: Record<string, string> = { h: "healthy", u: "unhealthy", n: "no_data" };
    for (const [place, letter] of [...outcomes].entries()) {
      const outcome = named[letter];
      if (outcome === undefined) continue;
      await connection.db.execute(sql`INSERT INTO agent_probes (environment, slot, outcome, because) SELECT 'production',
        floor(extract(epoch FROM clock_timestamp()) / 60)::bigint - ${outcomes.length - 1 - place}, ${outcome}, 'status 500'`);
    }
  }
  async function served(
    minutes: number,
    requests: number,
    failures = 0,
    operation = "GET /",
    environment = "production",
  ): Promise<void> {
    await connection.db.execute(sql`INSERT INTO agent_traffic_minutes (environment, operation, minute, requests, failures)
      VALUES (${environment}, ${operation}, ${minutesAgo(minutes)}, ${requests}, ${failures})`);
  }
  const failures = () => engine.seen.filter(({ kind }) => kind === "queue_error");

  it("looks at each environment once a minute, however many rounds overlap, and keeps the latency", async () => {
    await Promise.all([round(engine), round(engine), round(engine)]);
    await round(engine);
    const kept = await connection.rows(
      z.object({ environment: z.string(), outcome: z.string(), latency_ms: z.number() }),
      sql`SELECT environment, outcome, latency_ms FROM agent_probes ORDER BY environment, slot`,
    );
    // A minute may end in between.
    expect(looks).toBeGreaterThanOrEqual(2);
    expect(looks).toBeLessThanOrEqual(4);
    const { environments, rules } = await operationsOf(engine).detection();
    expect(environments.production.looks[0]).toMatchObject({ outcome: "healthy", latencyMs: 12 });
    expect(rules.map(({ steps, issues }) => steps + issues)).toEqual(rules.map(() => 0));
    expect(kept.slice(0, 1)).toEqual([{ environment: "production", outcome: "healthy", latency_ms: 12 }]);
    expect(failures()).toEqual([]);
  });

  it("opens one P0 when production is down, closes it when it recovers, and calls its return a regression", async () => {
    await lookedLike("uu.nu");
    await Promise.all([round(engine), round(engine)]);
    await round(engine);
    expect(await issues()).toMatchObject([
      { title: "Production is down", severity: "P0", status: "detected", state: "new" },
    ]);
    await lookedLike("uuuhh");
    await Promise.all([round(engine), round(engine)]);
    expect(await issues()).toMatchObject([{ status: "dismissed", state: "recovered" }]);
    await lookedLike("uuuhhuuu");
    await round(engine);
    expect(await issues()).toMatchObject([{ severity: "P0", status: "detected", state: "regressed" }]);
    await drain(engine, ["notify"], () => true);
    expect(engine.told.map(({ kind }) => kind)).toEqual(["issue_detected", "recovered", "issue_detected"]);
    expect(failures()).toEqual([]);
  });

  it("says that it is blind where nothing is reported and production answers, and P0 where it does not", async () => {
    for (const minutes of [30, 28, 26, 24, 22, 20]) await served(minutes, 40);
    await lookedLike("hh");
    await round(engine);
    await round(engine);
    await drain(engine, ["notify"], () => true);
    expect(engine.told.map(({ kind }) => kind)).toEqual(["source_blind"]);
    expect(await issues()).toEqual([]);
    await lookedLike("hu");
    await round(engine);
    expect(await issues()).toMatchObject([{ title: "Production is down", severity: "P0" }]);
    expect(failures()).toEqual([]);
  });

  it("judges silence by each environment's own traffic; staging's only while a release is watched there", async () => {
    for (const minutes of [30, 28, 26, 24, 22, 20]) await served(minutes, 40, 0, "GET /", "staging");
    for (const minutes of [3, 2, 1, 0]) await served(minutes, 40);
    await round(engine);
    await drain(engine, ["notify"], () => true);
    expect(engine.told).toEqual([]);
    await connection.db.execute(
      sql`INSERT INTO agent_issues (severity, issue_type, title, message) VALUES ('P2', 't', 't', 'm')`,
    );
    for (const status of ["diagnosing", "fixing", "testing", "staging"]) {
      await connection.db.execute(sql`UPDATE agent_issues SET status = ${status}, version = version + 1`);
    }
    await round(engine);
    await drain(engine, ["notify"], () => true);
    expect(engine.told.map(({ title }) => title)).toEqual(["No news from staging"]);
    expect(failures()).toEqual([]);
  });

  it("opens an issue for an operation that fails, unless its exceptions tell it already", async () => {
    await served(60, 1_000, 2, "POST /orders");
    await served(1, 60, 30, "POST /orders");
    await round(engine);
    expect(await issues()).toMatchObject([{ title: "POST /orders fails more often than usual", severity: "P1" }]);
    await empty(connection);
    await served(60, 1_000, 2, "POST /orders");
    await served(1, 60, 30, "POST /orders");
    const events = Array.from({ length: 15 }, (_, n) =>
      anEvent({ id: `e${n}`, at: new Date(), operation: "POST /orders" }),
    );
    await ingest(engine, { events, traffic: [] });
    await round(engine);
    expect(await issues()).toEqual([]);
    expect(failures()).toEqual([]);
  });

  it("calls a spike escalating, raises it by one step, and only once an hour", async () => {
    await ingest(engine, { events: [anEvent({ id: "1", at: new Date(Date.now() - 3 * dayMs) })], traffic: [] });
    await connection.db.execute(sql`UPDATE agent_event_minutes SET minute = ${minutesAgo(1)}`);
    await detect(engine);
    await connection.db.execute(
      sql`UPDATE agent_event_minutes SET events = 40, minute = ${minutesAgo(0)} - interval '6 minutes'`,
    );
    await round(engine);
    await round(engine);
    expect(await issues()).toMatchObject([{ state: "escalating", severity: "P1" }]);
    const [raised] = await connection.rows(
      z.object({ count: z.number() }),
      sql`SELECT count(*)::int AS count FROM agent_actions WHERE action = 'issue.escalating'`,
    );
    expect(raised?.count).toBe(1);
    expect(failures()).toEqual([]);
  });

  it("mutes until it gets worse, and dismisses false alarms on the rule's account", async () => {
    const event = (id: string, change = {}) => anEvent({ id, at: new Date(), ...change });
    await ingest(engine, { events: [event("1")], traffic: [] });
    await detect(engine);
    const [row] = await connection.rows(z.object({ id: z.string() }), sql`SELECT id FROM agent_issues`);
    const issueId = row?.id ?? "";
    const actor = "operator:eva";
    const mute = { until: null, events: null, users: 2, spike: false };
    await expect(give(engine, { command: "mute", issueId, actor })).rejects.toThrow("say until when");
    await give(engine, { command: "mute", issueId, actor, mute });
    await ingest(engine, { events: [event("2", { at: new Date(Date.now() + 1_000) })], traffic: [] });
    await detect(engine);
    expect(await issues()).toMatchObject([{ status: "dismissed" }]);
    await ingest(engine, { events: [event("3", { userHash: "u2", at: new Date(Date.now() + 1_000) })], traffic: [] });
    await detect(engine);
    expect(await issues()).toMatchObject([
      { status: "detected", state: "escalating", state_reason: "2 users since it was muted (limit 2)" },
    ]);
    await give(engine, { command: "dismiss", issueId, actor, falseAlarm: true });
    const counted = await connection.rows(
      z.object({ rule: z.string(), alarms: z.number() }),
      sql`SELECT rule, count(*) FILTER (WHERE false_alarm)::int AS alarms FROM agent_issues GROUP BY rule`,
    );
    expect(counted).toEqual([{ rule: "unhandled error", alarms: 1 }]);
  });

  it("29: makes one issue of what an SDK and a log drain say of the same requests, whichever comes first", async () => {
    const told = (source: string, n: number, file: string, errorType = "TypeError") => {
      const frame = { file, function: "POST", line: 1, column: 1, inApp: true };
      const { frames, ...event } = anEvent({ id: `${source}-${errorType}-${n}`, at: new Date(), source, errorType });
      return { ...event, requestId: `request-${n}`, frames: frames.slice(0, 1).map((one) => ({ ...one, ...frame })) };
    };
    const opened = async () => (await issues()).length;
    await ingest(engine, { events: [told("sentry", 1, "src/a.ts"), told("vercel", 1, "built/a.js")], traffic: [] });
    await detect(engine);
    expect(await opened()).toBe(1);
    await ingest(engine, { events: [told("vercel", 2, "built/b.js")], traffic: [] });
    await detect(engine);
    expect(await opened()).toBe(2);
    await ingest(engine, { events: [told("sentry", 2, "src/b.ts")], traffic: [] });
    await detect(engine);
    expect(await opened()).toBe(2);
    // Another fault of the same request is another problem.
    await ingest(engine, { events: [told("sentry", 2, "src/b.ts", "RangeError")], traffic: [] });
    await detect(engine);
    expect(await opened()).toBe(3);
    expect(failures()).toEqual([]);
  });

  it("raises a rule that people called wrong too often, once, and says so", async () => {
    await connection.db.execute(sql`INSERT INTO agent_issues (severity, issue_type, title, message, rule, false_alarm)
      SELECT 'P3', 't', 't', 'm', 'logged error', n <= 2 FROM generate_series(1, 100) n`);
    await round(engine);
    await round(engine);
    const raised = await connection.rows(
      z.object({ name: z.string(), steps: z.number(), reason: z.string() }),
      sql`SELECT name, steps, reason FROM agent_rules`,
    );
    expect(raised).toMatchObject([{ name: "logged error", steps: 1 }]);
    expect(raised[0]?.reason).toContain("from 5 to 10");
    await drain(engine, ["notify"], () => true);
    expect(engine.told.map(({ kind }) => kind)).toEqual(["rule_raised"]);
  });

  it("attributes errors to the release that made them: probes, noise and old releases never count (A11)", async () => {
    const [old, fresh] = [aSha("a"), aSha("c")];
    const at = new Date();
    let wrong = 0;
    const expected = new Map<string, number>();
    const events = Array.from({ length: 500 }, (_, n) => {
      const release = n % 3 === 0 ? fresh : old;
      const noise = n % 5 === 0 ? { tags: { noise: "probe" } } : {};
      const message = `Cannot read properties of undefined (reading 'field${String.fromCharCode(97 + (n % 7))}')`;
      if (release === fresh && n % 5 !== 0) expected.set(message, (expected.get(message) ?? 0) + 1);
      return anEvent({ id: `m${n}`, at, release, message, ...noise });
    });
    await ingest(engine, { events, traffic: [] });
    const kinds = await readsOf(connection, "default").errorKinds({
      environment: "production",
      release: fresh,
      since: new Date(at.getTime() - minuteMs),
      changedFiles: [],
    });
    for (const { title, events: counted } of kinds) {
      const message = [...expected.keys()].find((one) => title.includes(one)) ?? "";
      wrong += Math.abs(counted - (expected.get(message) ?? 0));
    }
    expect([wrong, kinds.length]).toEqual([0, 7]);
    const judged = await readsOf(connection, "default").errorCounts({
      environment: "production",
      release: fresh,
      from: new Date(at.getTime() - minuteMs),
      to: new Date(at.getTime() + minuteMs),
      windowMs: minuteMs,
    });
    const sum = [...expected.values()].reduce((total, count) => total + count, 0);
    expect(judged.errors).toEqual({ kind: "measured", value: sum });
    const { rates } = await operationsOf(engine).detection();
    const ofFresh = rates.filter(({ release }) => release === fresh);
    expect(ofFresh.map(({ errors, requests }) => [errors, requests])).toEqual([
      [[...expected.values()].reduce((sum, count) => sum + count, 0), null],
    ]);
  });

  it("removes what is old in batches, and never an issue, a fix or an action", async () => {
    const daysAgo = (days: number) => sql`clock_timestamp() - ${days} * interval '1 day' - n * interval '1 second'`;
    await connection.db.execute(sql`INSERT INTO agent_event_minutes (environment, fingerprint, release, minute, events)
      SELECT 'production', 'f', n::text, ${daysAgo(31)}, 1 FROM generate_series(1, 12000) n`);
    await connection.db.execute(sql`INSERT INTO agent_event_minutes (environment, fingerprint, release, minute, events)
      SELECT 'production', 'f', n::text, ${daysAgo(29)}, 1 FROM generate_series(1, 10) n`);
    await connection.db.execute(
      sql`INSERT INTO agent_seen_events (key, seen_at) SELECT gen_random_uuid(), ${daysAgo(8)} FROM generate_series(1, 50) n`,
    );
    await connection.db.execute(sql`INSERT INTO agent_model_calls (stage, model, input_tokens, output_tokens, cost_usd, latency_ms, answer, at)
      SELECT 's', 'm', 1, 1, 0.5, 1, '{}', ${daysAgo(31)} FROM generate_series(1, 3) n`);
    await connection.db.execute(
      sql`INSERT INTO agent_issues (severity, issue_type, title, message, created_at) SELECT 'P3', 't', 't', 'm', ${daysAgo(900)} FROM generate_series(1, 2) n`,
    );
    const { retention } = Settings.parse({});
    let batches = 0;
    expect(await removeOld(connection, "default", retention, () => ++batches <= 1)).toBe(5_000);
    expect(await removeOld(connection, "default", retention, () => true)).toBe(7_053);
    const [left] = await connection.rows(
      z.object({ minutes: z.number(), calls: z.number(), usd: z.number(), issues: z.number() }),
      sql`SELECT (SELECT count(*)::int FROM agent_event_minutes) AS minutes, (SELECT count(*)::int FROM agent_model_calls WHERE answer IS NULL) AS calls,
        (SELECT sum(cost_usd)::float8 FROM agent_model_calls) AS usd, (SELECT count(*)::int FROM agent_issues) AS issues`,
    );
    expect(left).toEqual({ minutes: 10, calls: 3, usd: 1.5, issues: 2 });
  });

  it("goes on with the other tables when one cannot be cleared, and says so", async () => {
    await connection.db.execute(
      sql`INSERT INTO agent_seen_events (key, seen_at) SELECT gen_random_uuid(), clock_timestamp() - interval '8 days' FROM generate_series(1, 50)`,
    );
    let statements = 0;
    const broken: Pick<Connection, "rows"> = {
      rows: (shape, query) =>
        ++statements === 2 ? Promise.reject(new Error("no space")) : connection.rows(shape, query),
    };
    const { retention } = Settings.parse({});
    await expect(removeOld(broken, "default", retention, () => true)).rejects.toThrow(AggregateError);
    const left = await connection.rows(z.unknown(), sql`SELECT 1 FROM agent_seen_events`);
    expect(left).toEqual([]);
  });
});
