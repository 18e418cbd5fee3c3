import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { detect } from "#engine/detect.ts";
import { ingest } from "#engine/ingest.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Connection } from "#store/connect.ts";
import { readsOf } from "#store/read/stage-reads.ts";
import { anEvent, aSha } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

describe.each(databases())("from events to issues on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  const newRelease = aSha("c");
  const at = new Date();

  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection, { findProblems });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(() => empty(connection));

  const event = (id: string, change: Parameters<typeof anEvent>[0] = {}) => anEvent({ id, at, ...change });
  const send = (...events: ReturnType<typeof event>[]) => ingest(engine, { events, traffic: [] });
  const Issue = z.object({ title: z.string(), severity: z.string(), events: z.number(), users: z.number() });
  const issues = () =>
    connection.rows(
      Issue,
      sql`SELECT title, severity, event_count AS events, affected_users AS users FROM agent_issues ORDER BY title`,
    );

  it("makes one issue of one problem, however many events and users it has", async () => {
    await send(event("1"), event("2", { userHash: "u2" }));
    await detect(engine);
    await send(...Array.from({ length: 60 }, (_, n) => event(`m${n}`, { userHash: `u${n % 7}` })));
    await detect(engine);
    expect(await issues()).toMatchObject([{ severity: "P2", events: 62, users: 7 }]);
  });

  it("counts an event once that is delivered twice, in one batch or in two, at the same time or not", async () => {
    await Promise.all([send(event("1"), event("1")), send(event("1"))]);
    await send(event("1"));
    await detect(engine);
    expect(await issues()).toMatchObject([{ events: 1 }]);
  });

  it("opens nothing for staging, but knows the kind of error from then on", async () => {
    await send(event("1", { environment: "staging", release: newRelease }));
    await detect(engine);
    expect(await issues()).toEqual([]);
    const watch = {
      environment: "staging" as const,
      release: newRelease,
      since: new Date(at.getTime() - 60_000),
      changedFiles: ["src/launch.ts"],
    };
    expect(await readsOf(connection, "default").errorKinds(watch)).toMatchObject([
      { events: 1, isNew: true, inChangedFile: true },
    ]);
  });

  it("keeps the errors of releases apart: an old one that drains is not the new one's fault", async () => {
    await send(
      event("1", { release: aSha("a"), at: new Date(at.getTime() - 3_600_000) }),
      event("2", { release: newRelease }),
      event("3", { release: newRelease }),
    );
    const watch = {
      environment: "production" as const,
      release: newRelease,
      since: new Date(at.getTime() - 60_000),
      changedFiles: [],
    };
    expect(await readsOf(connection, "default").errorKinds(watch)).toMatchObject([
      { events: 2, isNew: false, inChangedFile: false },
    ]);
  });

  it("says that nothing was measured where nothing was reported, instead of zero", async () => {
    const reads = readsOf(connection, "default");
    const from = new Date(at.getTime() - 3_600_000);
    const range = { environment: "production" as const, release: null, from, to: at, windowMs: 60_000 };
    expect(await reads.errorCounts(range)).toMatchObject({
      errors: { kind: "unmeasured" },
      requests: { kind: "unmeasured" },
    });
    const served = { environment: "production" as const, release: newRelease, operation: null, since: from };
    expect(await reads.requestsOf(served)).toMatchObject({ kind: "unmeasured" });
    const report = {
      at,
      environment: "production" as const,
      release: aSha("a"),
      operation: "GET /",
      requests: 40,
      failures: 4,
    };
    await ingest(engine, { events: [], traffic: [report, report] });
    expect(await reads.requestsOf(served)).toEqual({ kind: "measured", value: 0 });
    expect(await reads.errorCounts(range)).toMatchObject({
      errors: { kind: "measured", value: 0 },
      requests: { kind: "measured", value: 80 },
    });
  });

  it("counts no request twice where one source tells of the application and another of each route", async () => {
    const reads = readsOf(connection, "default");
    const release = aSha("c");
    const requests = (operation: string, count: number) => ({
      ...{ at, environment: "production" as const, release, operation, requests: count, failures: 0 },
    });
    const of = (operation: string | null) =>
      reads.requestsOf({ environment: "production", release, operation, since: new Date(at.getTime() - 60_000) });
    await ingest(engine, { events: [], traffic: [requests("", 50)] });
    expect(await of(null)).toEqual({ kind: "measured", value: 50 });
    expect(await of("GET /a")).toMatchObject({ kind: "unmeasured", why: expect.stringContaining("as a whole only") });
    await ingest(engine, { events: [], traffic: [requests("GET /a", 30), requests("GET /b", 10)] });
    expect(await of(null)).toEqual({ kind: "measured", value: 50 });
    expect(await of("GET /a")).toEqual({ kind: "measured", value: 30 });
    expect(await of("GET /c")).toEqual({ kind: "measured", value: 0 });
    const history = await reads.trafficHistory("production", at);
    expect((history.hourBefore ?? 0) * 12).toBe(50);
  });

  it("never lowers the severity of an open issue, and never touches one that a person inserted", async () => {
    await connection.db.execute(
      sql`INSERT INTO agent_issues (severity, issue_type, title, message) VALUES ('P4', 'note', 'A by hand', 'm')`,
    );
    await send(event("1"));
    await detect(engine);
    await connection.db.execute(sql`UPDATE agent_issues SET severity = 'P1' WHERE fingerprint IS NOT NULL`);
    await send(event("2"));
    await detect(engine);
    expect((await issues()).map(({ severity }) => severity)).toEqual(["P4", "P1"]);
  });
});
