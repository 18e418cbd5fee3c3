import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { move } from "#domain/outcome.ts";
import { detect, sweep } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { ingest } from "#engine/ingest.ts";
import { detection } from "#pipeline/1-detection.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Connection } from "#store/connect.ts";
import { anEvent } from "#tests/support/builders.ts";
import { databases } from "#tests/support/databases.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

/** Two letters each, so that no two of them are grouped together. */
const name = (n: number) => `field${String.fromCharCode(97 + (n % 26))}${String.fromCharCode(97 + Math.floor(n / 26))}`;

describe.each(databases())("a storm of distinct errors on $name (reliability D23)", ({ open, kind }) => {
  const kinds = kind === "postgres" ? 60 : 24;
  let connection: Connection;
  let engine: TestEngine;
  const live: number[] = [];
  const order: string[] = [];

  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection, {
      findProblems,
      pipeline: {
        run: async (issue, world) => {
          if (issue.status === "detected") return detection({ ...issue, status: "detected" }, world);
          order.push(issue.severity);
          const [row] = await connection.rows(
            z.object({ live: z.number() }),
            sql`SELECT count(*)::int AS live FROM agent_issues WHERE status IN ('diagnosing', 'fixing', 'testing')`,
          );
          live.push(row?.live ?? 0);
          return move("failed", "the storm is over");
        },
      },
    });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });

  it("makes one issue of each and tells the gravest, works on three at a time, and drops none", async () => {
    const events = Array.from({ length: kinds }, (_, n) =>
      anEvent({
        id: `e${n}`,
        at: new Date(),
        message: `Cannot read properties of undefined (reading '${name(n)}')`,
        level: n === kinds - 1 ? "fatal" : "error",
      }),
    );
    await ingest(engine, { events, traffic: [] });
    while ((await detect(engine)) > kinds);
    await detect(engine);
    await drain(engine, ["notify"], () => true);
    expect(engine.told).toHaveLength(21);
    expect(engine.told.map(({ severity }) => severity)).toContain("P1");
    for (let n = 0; n < 2; n++) {
      await Promise.all([1, 2, 3, 4].map(() => drain(engine, ["detected", "diagnosing"], () => true)));
      await connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL WHERE status = 'detected'`);
      await sweep(engine);
    }
    const rows = await connection.rows(
      z.object({ status: z.string(), count: z.number() }),
      sql`SELECT status, count(*)::int AS count FROM agent_issues GROUP BY status ORDER BY status`,
    );
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(kinds);
    expect(rows.map(({ status }) => status)).toEqual(["detected", "failed"]);
    expect(Math.max(...live)).toBeLessThanOrEqual(3);
    // Four workers at once: which of the first begins a moment earlier is nobody's promise.
    expect(order).toContain("P1");
    expect(engine.seen.filter((event) => event.kind === "queue_error")).toEqual([]);
  });
});
