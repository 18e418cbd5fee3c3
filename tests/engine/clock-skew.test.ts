import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { move, wait } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { healthOf } from "#engine/health.ts";
import { queueNames } from "#engine/queue.ts";
import { pause, resumeWhenDue } from "#engine/settings.ts";
import type { Connection } from "#store/connect.ts";
import { loadProject } from "#store/read/projects.ts";
import { aSha, base } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { aWorld } from "#tests/support/world.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, insertIssue, issueRow, type TestEngine } from "./an-engine.ts";

const minute = 60_000;
const database = databases().at(-1);

/** Only the database's clock decides (reliability B6). */
describe.each([
  ["five minutes ahead", 5 * minute],
  ["five minutes behind", -5 * minute],
])("a machine whose clock is %s", (_, skewMs) => {
  let connection: Connection;
  let engine: TestEngine | undefined;
  beforeAll(async () => {
    if (database === undefined) throw new Error("there is no database");
    connection = await database.open();
  });
  beforeEach(async () => {
    await engine?.queue.stop();
    engine = undefined;
    await empty(connection);
  });
  afterAll(async () => {
    await engine?.queue.stop();
    await connection.close();
  });
  async function skewed(parts: Parameters<typeof anEngine>[1] = {}): Promise<TestEngine> {
    engine = await anEngine(connection, { wallClock: () => new Date(Date.now() + skewMs), ...parts });
    return engine;
  }
  const runAll = (of: TestEngine) => drain(of, queueNames, () => true);
  const secondsUntilDue = async (id: string) => {
    const [row] = await connection.rows(
      z.object({ seconds: z.number() }),
      sql`SELECT extract(epoch FROM next_run_at - clock_timestamp())::float8 AS seconds FROM agent_issues WHERE id = ${id}`,
    );
    return row?.seconds;
  };

  it("does its work, and waits as long as it means to", async () => {
    const issueAt = await skewed({
      pipeline: {
        run: straight({
          diagnosing: async (__, { clock }) => wait(new Date(clock.now().getTime() + 10 * minute), "later"),
        }),
      },
    });
    const id = await insertIssue(connection);
    await detect(issueAt);
    await runAll(issueAt);
    expect((await issueRow(connection, id)).status).toBe("diagnosing");
    const due = await secondsUntilDue(id);
    expect(due).toBeGreaterThan(8 * 60);
    expect(due).toBeLessThanOrEqual(10 * 60);
  });

  it("pushes nothing, says why, and tries again", async () => {
    const pushed: string[] = [];
    const repository = {
      ...aWorld().repository,
      advance: async (branch: string) => {
        pushed.push(branch);
        return { kind: "advanced" as const };
      },
    };
    const one = await skewed({
      ports: { repository },
      pipeline: {
        run: straight({
          diagnosing: async (__, world) => {
            await world.repository.advance("staging", { from: base, to: aSha("9") });
            return move("failed", "pushed");
          },
        }),
      },
    });
    const id = await insertIssue(connection);
    await detect(one);
    await runAll(one);
    expect(pushed).toEqual([]);
    const row = await issueRow(connection, id);
    expect(row).toMatchObject({ status: "diagnosing", attempts: 1 });
    expect(row.progress).toMatch(/clock and the database's differ by (299|300|301) s/);
  });

  it("ends a pause when its time is over, and not before", async () => {
    const one = await skewed();
    const isPaused = async () => (await loadProject(connection.db, "default")).paused;
    await pause(one, { reason: "lunch", resumeAt: new Date(Date.now() + 3 * minute) }, "operator:eva");
    await resumeWhenDue(one);
    expect(await isPaused()).toBe(true);
    await connection.db.execute(sql`UPDATE agent_projects SET resume_at = clock_timestamp() - interval '1 second'`);
    await resumeWhenDue(one);
    expect(await isPaused()).toBe(false);
  });

  it("looks again after half a minute when it was paused in the middle of a step", async () => {
    const one = await skewed({
      pipeline: {
        run: straight({
          detected: async () => {
            throw new Failure("paused", "The agent is paused: lunch");
          },
        }),
      },
    });
    const id = await insertIssue(connection);
    await detect(one);
    await runAll(one);
    const due = await secondsUntilDue(id);
    expect(due).toBeGreaterThan(0);
    expect(due).toBeLessThanOrEqual(30);
  });

  it("is told of in the health report, and is not taken for a schedule that stopped", async () => {
    const repository = { ...aWorld().repository, head: async () => aSha("a") };
    const one = await skewed({ ports: { repository } });
    await connection.db.execute(sql`UPDATE agent_projects SET detected_at = clock_timestamp() - interval '12 minutes'`);
    const { checks } = await healthOf(one, "1", {});
    expect(checks.schedule).toMatchObject({ status: "ok" });
    expect(checks.database).toMatchObject({ status: "degraded", hint: "Synchronise the clock of this machine." });
  });
});
