import { setImmediate as turn } from "node:timers/promises";
import { eq, sql } from "drizzle-orm";
import { PgBoss } from "pg-boss";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { Frame } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import type { Connection } from "#store/connect.ts";
import { asFailure } from "#store/outage.ts";
import { fingerprints, fixes, issues, modelCalls, projects } from "#store/schema.ts";
import { databasesAndPooler, empty } from "#tests/support/databases.ts";

const at = new Date("2026-11-23T10:20:30.456Z");

describe.each(databasesAndPooler())("a connection to $name", ({ open, kind }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
  });
  beforeEach(() => empty(connection));
  afterAll(() => connection.close());

  const titles = async () =>
    (await connection.db.select({ title: issues.title }).from(issues)).map(({ title }) => title);
  const newIssue = { severity: "P2", issueType: "api_error", title: "one", message: "m" };

  test("leaves everything else its turn during a long transaction", async () => {
    const untilTheEnd = new AbortController();
    let turns = 0;
    const others = (async () => {
      while (!untilTheEnd.signal.aborted) {
        await turn();
        turns++;
      }
    })();
    await turn();
    const before = turns;
    await connection.db.transaction(async (tx) => {
      for (let n = 0; n < 50; n++) await tx.execute(sql`SELECT count(*) FROM generate_series(1, 50000)`);
    });
    const meanwhile = turns - before;
    untilTheEnd.abort();
    await others;
    expect(meanwhile).toBeGreaterThan(5);
  });

  test("starts with the default project", async () => {
    expect(connection.kind).toBe(kind);
    expect(await connection.db.select({ id: projects.id }).from(projects)).toEqual([{ id: "default" }]);
  });

  test("gives raw values of every kind alike", async () => {
    const rows = await connection.rows(
      z.record(z.string(), z.unknown()),
      sql`SELECT 9007199254740991::bigint AS big, 12.5::numeric AS decimal, 7::int AS small, 0.25::float8 AS float,
            ${at.toISOString()}::timestamptz AS instant, '2026-11-23 10:20:30.456'::timestamp AS local, true AS yes,
            '{"a":[1,null]}'::jsonb AS json, ARRAY['a','b'] AS list, ''::text AS nothing, NULL::timestamptz AS never,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, count(*) AS count FROM agent_issues`,
    );
    expect(rows).toEqual([
      {
        ...{ big: Number.MAX_SAFE_INTEGER, decimal: 12.5, small: 7, float: 0.25, instant: at, local: at, yes: true },
        ...{ json: { a: [1, null] }, list: ["a", "b"], nothing: "", never: null, count: 0 },
        id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      },
    ]);
  });

  test("keeps what is written in columns of every kind", async () => {
    const frames = [Frame.parse({ file: "src/a.ts", line: 3, column: null, function: "f", inApp: true })];
    const written = { ...newIssue, eventCount: 3_000_000_000, frames, firstSeen: at, unverified: true };
    const [issue] = await connection.db.insert(issues).values(written).returning();
    expect(issue).toMatchObject(written);
    const call = {
      stage: "fixing",
      model: "m",
      inputTokens: 5e9,
      outputTokens: 1,
      costUsd: 0.123456789,
      latencyMs: 1.5,
      at,
    };
    const [stored] = await connection.db.insert(modelCalls).values(call).returning();
    expect(stored).toMatchObject({ id: 1, ...call });
  });

  test("answers what it never stored with the documented defaults", async () => {
    const [issue] = await connection.db.insert(issues).values(newIssue).returning();
    expect(issue).toMatchObject({
      status: "detected",
      affectedUsers: 0,
      frames: [],
      version: 0,
      fixId: null,
      nextRunAt: null,
    });
    expect(await connection.db.select().from(fixes)).toEqual([]);
    expect(await connection.db.select().from(fingerprints)).toEqual([]);
  });

  test("undoes a transaction that throws, and throws the same", async () => {
    const refused = new Failure("conflict", "No.");
    const work = connection.db.transaction(async (tx) => {
      await tx.insert(issues).values(newIssue);
      throw refused;
    });
    await expect(work).rejects.toBe(refused);
    const bug = new TypeError("a bug");
    await expect(connection.db.transaction(() => Promise.reject(bug))).rejects.toBe(bug);
    expect(await titles()).toEqual([]);
  });

  test("undoes a script that throws after several statements", async () => {
    const work = connection.script(async (run) => {
      await run("CREATE TABLE half (n int); INSERT INTO half VALUES (1)");
      await run("SELECT 1 / 0");
    });
    await expect(work).rejects.toMatchObject({ code: "22012" });
    expect(await connection.script((run) => run("SELECT to_regclass('half')::text AS half"))).toEqual([{ half: null }]);
  });

  test("goes on after statements that fail, many at once", async () => {
    const broken = Array.from({ length: 30 }, () => connection.rows(z.object({}), sql`SELECT 1 / 0`));
    for (const one of await Promise.allSettled(broken)) expect(one).toMatchObject({ status: "rejected" });
    const hostile = connection.db.insert(issues).values({ ...newIssue, title: "a\u0000b" });
    await expect(hostile).rejects.toMatchObject({ cause: { code: "22021" } });
    await connection.db.insert(issues).values(newIssue);
    expect(await titles()).toEqual(["one"]);
  });

  test("keeps concurrent transactions apart", async () => {
    await connection.db.insert(issues).values(newIssue);
    const add = () =>
      connection.db.transaction(async (tx) => {
        const [row] = await tx.select({ count: issues.eventCount }).from(issues).for("update");
        await tx.update(issues).set({ eventCount: (row?.count ?? 0) + 1 });
      });
    await Promise.all(Array.from({ length: 25 }, add));
    expect(await connection.db.select({ count: issues.eventCount }).from(issues)).toEqual([{ count: 25 }]);
  });

  test("makes a job appear together with the rows that it is about, or not at all", async () => {
    const boss = new PgBoss({
      ...{ db: connection.boss, backend: kind, schema: "vigil_queue" },
      ...{ schedule: false, supervise: false, migrate: true },
    });
    await boss.start();
    try {
      await boss.createQueue("stage");
      const send = (title: string, end: () => void) =>
        connection.db.transaction(async (tx) => {
          await tx.insert(issues).values({ ...newIssue, title });
          await boss.send("stage", { title }, { db: connection.inTransaction(tx) });
          end();
        });
      await send("kept", () => {});
      const taken = send("taken back", () => {
        throw new Failure("stale", "Somebody was faster.");
      });
      await expect(taken).rejects.toMatchObject({ code: "stale" });
      const jobs = await boss.fetch("stage", { batchSize: 10 });
      expect(jobs.map(({ data }) => data)).toEqual([{ title: "kept" }]);
      expect(await titles()).toEqual(["kept"]);
    } finally {
      await boss.stop({ graceful: false });
    }
  });

  test("says that the database is unavailable once it is closed", async () => {
    const closed = await open();
    await Promise.all([closed.close(), closed.close()]);
    const unavailable = { name: "Failure", code: "unavailable" };
    await expect(closed.rows(z.object({}), sql`SELECT 1`)).rejects.toMatchObject(unavailable);
    await expect(closed.db.transaction(async () => {})).rejects.toMatchObject(unavailable);
    await expect(closed.script((run) => run("SELECT 1"))).rejects.toMatchObject(unavailable);
    const query = closed.db.select().from(projects).where(eq(projects.id, "default"));
    expect(asFailure(await query.catch((error: unknown) => error))).toMatchObject(unavailable);
  });
});

describe("what an error of a driver means", () => {
  const withCode = (code: string) => Object.assign(new Error("private: password=hunter2"), { code });

  test.each([
    "08006",
    "08P01",
    "53300",
    "53100",
    "57P01",
    "57P03",
    "57014",
    "58030",
    "55P03",
    "40P01",
    "40001",
    "25006",
    "25P03",
  ])("state %s: try again later", (code) => {
    expect(asFailure(withCode(code))).toMatchObject({ code: "unavailable", message: "The database did not answer." });
  });

  test.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "ENOENT"])(
    "%s, however deep it lies: try again later",
    (code) => {
      const several = new AggregateError([new Error("other"), withCode(code)]);
      const failure = asFailure(new Error("Failed query", { cause: new Error("outer", { cause: several }) }));
      expect(failure).toMatchObject({ code: "unavailable", retry: true });
    },
  );

  test.each(["28P01", "28000", "3D000"])("state %s: the configuration is wrong", (code) => {
    expect(asFailure(withCode(code))).toMatchObject({ code: "misconfigured", retry: false });
  });

  test.each(["23505", "23514", "42601", "22021", "42501"])("state %s: a mistake of ours, unchanged", (code) => {
    const error = new Error("Failed query", { cause: withCode(code) });
    expect(asFailure(error)).toBe(error);
  });

  test.each([[null], ["text"], [new TypeError("x is not a function")]])("%s is not the database's", (error) => {
    expect(asFailure(error)).toBe(error);
  });

  const fromPooler = (message: string) => Object.assign(new Error(message), { code: "XX000" });

  test.each([
    "(EMAXCONN) max client connections reached, limit: 200",
    "(ECHECKOUTTIMEOUT) unable to check out connection from the pool after 60000ms in transaction mode",
    "(EDBHANDLEREXITED) connection to database closed. Check logs for more information",
    "Max client connections reached",
  ])("Supabase's pooler says %s: try again later", (message) => {
    expect(asFailure(fromPooler(message))).toMatchObject({ code: "unavailable" });
  });

  test.each([
    "(ENOTFOUND) tenant/user postgres.nowhere not found",
    "(ENOIDENTIFIER) no tenant identifier provided (external_id or sni_hostname required)",
    "(ESSLREQUIRED) SSL connection is required for user: postgres",
    "Tenant or user not found",
  ])("Supabase's pooler says %s: the configuration is wrong", (message) => {
    const failure = asFailure(fromPooler(message));
    expect(failure).toMatchObject({ code: "misconfigured", hint: expect.stringContaining("DATABASE_URL") });
    expect(String(failure)).not.toContain("nowhere");
  });

  test("an internal error of the server's own stays what it is", () => {
    const error = fromPooler("cache lookup failed for type 0");
    expect(asFailure(error)).toBe(error);
  });

  test("a failure of ours comes out of whatever it was wrapped in", () => {
    const failure = new Failure("stale", "Somebody was faster.");
    expect(asFailure(new Error("Failed query", { cause: failure }))).toBe(failure);
  });

  test("errors that cause each other come to an end", () => {
    const one = new Error("one");
    one.cause = new Error("two", { cause: one });
    expect(asFailure(one)).toBe(one);
  });

  test("nothing private is in the message", () => {
    const failure = asFailure(withCode("57P01"));
    expect(failure).toBeInstanceOf(Failure);
    expect(JSON.stringify([String(failure), failure])).not.toContain("hunter2");
  });
});
