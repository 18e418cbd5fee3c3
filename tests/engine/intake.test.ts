import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ErrorEvent } from "#domain/event.ts";
import { detect } from "#engine/detect.ts";
import { ingest } from "#engine/ingest.ts";
import type { IntakeParts } from "#engine/intake.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Connection } from "#store/connect.ts";
import { openSpool } from "#store/spool.ts";
import { forgetSeenEvents } from "#store/write/seen-events.ts";
import { anEvent } from "#tests/support/builders.ts";
import { databasesAndPooler, empty } from "#tests/support/databases.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

const Counted = z.object({ counted: z.number(), minutes: z.number(), samples: z.number(), fingerprints: z.number() });

describe.each(databasesAndPooler())("the way in, on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  const clock = { ms: 0 };
  const configured = "a-configured-secret-of-the-installation";
  const scrubberFor: IntakeParts["scrubberFor"] = (kinds) => eventScrubber(createScrubber([configured], kinds));
  const at = new Date();

  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection, { findProblems, intake: { monotonicMs: () => clock.ms, scrubberFor } });
  });
  afterAll(async () => {
    await engine.intake.stop();
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(async () => {
    await empty(connection);
    // Beyond what the sampler remembers and the settings' age.
    clock.ms += 120_000;
  });

  const event = (id: string, change: Partial<ErrorEvent> = {}) => anEvent({ id, at, ...change });
  const send = (...events: ErrorEvent[]) => ingest(engine, { events, traffic: [] });
  const counted = async () => {
    const [row] = await connection.rows(
      Counted,
      sql`SELECT (SELECT coalesce(sum(event_count), 0) FROM agent_fingerprints) AS counted,
            (SELECT coalesce(sum(events), 0) FROM agent_event_minutes) AS minutes,
            (SELECT count(*) FROM agent_events) AS samples, (SELECT count(*) FROM agent_fingerprints) AS fingerprints`,
    );
    return row;
  };

  it("never counts a delivery twice, also when its sample is long gone", async () => {
    const early = Array.from({ length: 30 }, (_, n) => event(`e${n}`));
    for (const one of early) {
      clock.ms += 5_000;
      await send(one);
    }
    expect(await counted()).toMatchObject({ counted: 30, minutes: 30 });
    await Promise.all([send(...early), send(...early.toReversed())]);
    expect(await counted()).toMatchObject({ counted: 30, minutes: 30 });
    // How the problem began, and how it looks now.
    const ids = await connection.rows(
      z.object({ id: z.string() }),
      sql`SELECT id FROM agent_events ORDER BY received_at`,
    );
    const expected = [...Array(5).keys(), ...Array.from({ length: 20 }, (_, n) => n + 10)].map((n) => `e${n}`);
    expect(ids.map(({ id }) => id)).toEqual(expected);
    expect(await forgetSeenEvents(connection.db, new Date(Date.now() + 60_000))).toBe(30);
    await send(...early.slice(0, 2));
    expect(await counted()).toMatchObject({ counted: 32 });
  });

  it("counts a storm exactly, in one issue with few samples, and another problem beside it", async () => {
    const requests = Array.from({ length: 40 }, (_, request) =>
      send(...Array.from({ length: 50 }, (_, n) => event(`s${request}-${n}`, { userHash: `u${n % 9}` }))),
    );
    const other = send(event("other", { errorType: "RangeError", message: "out of range" }));
    await Promise.all([...requests, other]);
    await detect(engine);
    expect(await counted()).toEqual({ counted: 2_001, minutes: 2_001, samples: 6, fingerprints: 2 });
    const issues = await connection.rows(
      z.object({ events: z.number(), users: z.number() }),
      sql`SELECT event_count AS events, affected_users AS users FROM agent_issues ORDER BY event_count`,
    );
    expect(issues).toMatchObject([{ events: 1 }, { events: 2_000, users: 9 }]);
  });

  it("judges all other kinds while one has lost its sample in a crash, and that one with its next event", async () => {
    await send(event("lost"));
    await connection.db.execute(sql`UPDATE agent_fingerprints SET sample = 'null'::jsonb`);
    await send(event("other", { message: "something else", errorType: "RangeError" }));
    await detect(engine);
    const opened = async () =>
      (await connection.rows(z.object({ title: z.string() }), sql`SELECT title FROM agent_issues`)).length;
    expect(await opened()).toBe(1);
    clock.ms += 120_000;
    await send(event("again"));
    await detect(engine);
    expect(await opened()).toBe(2);
  });

  it("counts a traffic report with an id once, and one without as often as it comes", async () => {
    const report = {
      at,
      environment: "production" as const,
      release: null,
      operation: "GET /",
      requests: 3,
      failures: 1,
    };
    const named = { ...report, id: "line 1" };
    await ingest(engine, { events: [], traffic: [report, named, named] });
    await ingest(engine, { events: [], traffic: [report, named] });
    const rows = await connection.rows(
      z.object({ requests: z.number(), failures: z.number() }),
      sql`SELECT requests, failures FROM agent_traffic_minutes`,
    );
    expect(rows).toEqual([{ requests: 9, failures: 3 }]);
  });

  it("asks for detection at once for what is new or may come back, and within seconds for more of the same", async () => {
    const due = async () => {
      const rows = await connection.rows(
        z.object({ seconds: z.number() }),
        sql`SELECT extract(epoch FROM start_after - created_on)::float8 AS seconds FROM vigil_queue.job WHERE name = 'detect'`,
      );
      await connection.db.execute(sql`DELETE FROM vigil_queue.job`);
      return rows.map(({ seconds }) => Math.round(seconds));
    };
    await send(event("1"));
    expect(await due()).toEqual([0]);
    await detect(engine);
    await due();
    clock.ms += 1_000;
    await send(event("2"));
    expect(await due()).toEqual([5]);
    await connection.script(async (run) => {
      await run("SET LOCAL session_replication_role = replica");
      await run("UPDATE agent_issues SET status = 'resolved'");
    });
    clock.ms += 1_000;
    await send(event("3"));
    expect(await due()).toEqual([0]);
    await send(event("4", { environment: "staging", message: "only there" }));
    expect(await due()).toEqual([]);
  });

  it("stores nothing private, whatever field it stands in, by the kinds that are switched on", async () => {
    const secret = "AKIAIOSFODNN7EXAMPLE";
    const everywhere = event(secret, {
      ...{
        message: `m ${secret} a@b.co`,
        stack: secret,
        operation: `GET /${secret}`,
        release: secret,
        requestId: secret,
      },
      ...{
        errorType: secret,
        source: secret.slice(0, 20),
        tags: { [secret]: secret, password: "hunter2", note: btoa(configured), key: configured },
        dist: secret,
      },
      frames: [
        { ...anEvent().frames[0], file: `/home/jane/${secret}.ts`, function: secret, context: `x("${secret}")` },
      ] as never,
      chain: [{ type: secret, message: secret, frames: [] }],
    });
    await send(everywhere);
    await detect(engine);
    const dump = async () => {
      const rows = await connection.rows(
        z.object({ text: z.string() }),
        sql`SELECT f::text AS text FROM agent_fingerprints f UNION ALL SELECT e::text FROM agent_events e
            UNION ALL SELECT i::text FROM agent_issues i UNION ALL SELECT m::text FROM agent_event_minutes m
            UNION ALL SELECT s::text FROM agent_seen_events s UNION ALL SELECT data::text FROM vigil_queue.job`,
      );
      return rows.map(({ text }) => text).join("\n");
    };
    for (const word of [secret, configured, btoa(configured).slice(0, 40), "hunter2", "a@b.co", "jane"])
      expect(await dump()).not.toContain(word);
    await connection.db.execute(sql`UPDATE agent_projects SET settings = '{"privacy":{"scrub":["tokens"]}}'`);
    clock.ms += 120_000;
    await send(event("before the settings are read again"));
    let sent = 0;
    await expect
      .poll(async () => {
        await send(event(`after ${++sent}`, { message: `c@d.co ${secret}` }));
        return (await dump()).includes("c@d.co");
      })
      .toBe(true);
    expect(await dump()).not.toContain(secret);
  });

  it("keeps an event that the database refuses from taking others with it", async () => {
    const unstorable = event("bad", { message: "lone \u0000 NUL" });
    const results = await Promise.allSettled([send(event("1")), send(unstorable), send(event("2"))]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await counted()).toMatchObject({ counted: 2 });
  });
});

describe("while the database is away", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vigil-intake-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const database = databasesAndPooler().at(-1);
  if (database === undefined) throw new Error("there is no database");

  it("keeps on the disk what nobody would send again, refuses the rest, and stores it once when it is back", async () => {
    const first = await database.open();
    const lines = { spool: (await openSpool(join(folder, "spool"))) ?? null };
    const engine = await anEngine(first, { intake: lines });
    const batch = (id: string) => ({ events: [anEvent({ id })], traffic: [] });
    await ingest(engine, batch("before"));
    await engine.queue.stop();
    await first.close();
    for (const id of ["1", "2", "2"]) {
      expect(await ingest(engine, batch(id), { whenAway: "spool" })).toEqual({ accepted: 1 });
    }
    await expect(ingest(engine, batch("3"))).rejects.toMatchObject({ code: "unavailable" });
    await engine.intake.stop();

    const second = await database.open();
    const spool = (await openSpool(join(folder, "spool"))) ?? null;
    const next = await anEngine(second, { intake: { spool } });
    await expect.poll(() => spool?.isEmpty(), { timeout: 10_000 }).toBe(true);
    const rows = await second.rows(
      z.object({ events: z.number(), sample: z.string() }),
      sql`SELECT event_count AS events, sample->>'message' AS sample FROM agent_fingerprints`,
    );
    expect(rows).toEqual([{ events: 2, sample: anEvent().message }]);
    await next.intake.stop();
    await next.queue.stop();
    await second.close();
  });
});
