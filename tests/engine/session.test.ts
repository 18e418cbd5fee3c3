import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { ModelCall } from "#domain/evidence.ts";
import type { Failure } from "#domain/failure.ts";
import { move, wait } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { changeSettings, pause } from "#engine/settings.ts";
import type { World } from "#pipeline/stage.ts";
import type { Connection } from "#store/connect.ts";
import { usageOf } from "#store/read/projects.ts";
import { aSha } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, auditOf, insertIssue, issueRow, type TestEngine } from "./an-engine.ts";

const request = "a".repeat(64);
const call: ModelCall = {
  ...{ model: "claude-test", stage: "diagnose", inputTokens: 900, outputTokens: 80, cacheReadTokens: 10 },
  ...{ cacheWriteTokens: 20, costUsd: 0.4, latencyMs: 120 },
};
const planned = (usdMax: number, digest = request) => ({
  request: digest,
  model: call.model,
  stage: call.stage,
  usdMax,
});

describe.each(databases())("an engineer's session on $name", ({ open }) => {
  let connection: Connection;
  const engines: TestEngine[] = [];
  beforeAll(async () => {
    connection = await open();
  });
  afterAll(() => connection.close());
  beforeEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.queue.stop()));
    await empty(connection);
  });

  /** Runs `step` as the diagnosis of one issue, in a real claim, and answers what it returned. */
  async function diagnosing<T>(
    step: (world: World, engine: TestEngine) => Promise<T>,
    parts: { stepMs?: number } = {},
  ) {
    const results: T[] = [];
    const engine: TestEngine = await anEngine(connection, {
      ...parts,
      pipeline: {
        run: straight({
          diagnosing: async (_, world) => {
            results.push(await step(world, engine));
            return move("failed", "done");
          },
        }),
      },
    });
    engines.push(engine);
    const id = await insertIssue(connection);
    await detect(engine);
    await drain(engine, queueNames, () => true);
    return { engine, id, results };
  }

  const calls = () =>
    connection.rows(
      z.object({ state: z.string(), cost: z.coerce.number(), model: z.string() }),
      sql`SELECT state, cost_usd AS cost, model FROM agent_model_calls ORDER BY id`,
    );

  it("tells people who watch what the tests print, and forgets it when the stage is over", async () => {
    const id = await insertIssue(connection);
    const engine = await anEngine(connection, {
      ports: {
        testBench: {
          run: async (_, what, tell) => {
            tell?.("ok 41 - \u001b[31mbooks\nan appointment");
            const word = what === "tests" ? "Tests" : "Type check";
            await expect
              .poll(async () => (await issueRow(connection, id)).progress)
              .toBe(`${word}: ok 41 - books an appointment`);
            return { kind: "none", why: "seen" };
          },
        },
      },
      pipeline: {
        run: straight({
          diagnosing: async (_, { testBench }) => {
            await testBench.run(aSha("a"), "tests");
            return move("failed", "done");
          },
        }),
      },
    });
    engines.push(engine);
    await detect(engine);
    await drain(engine, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed", progress: null });
  });

  it("books what a call really cost and gives its answer again, so that nothing is paid twice", async () => {
    const { id } = await diagnosing(async ({ session }) => {
      expect(await session.recall(request)).toBeUndefined();
      const granted = await session.reserve(planned(1));
      if (granted.kind !== "granted") throw new Error(granted.because);
      expect(await calls()).toEqual([{ state: "reserved", cost: 1, model: "claude-test" }]);
      await session.book(granted.id, call, { content: ["the answer"] });
      await expect(session.book(granted.id, call, {})).rejects.toThrow("booked already");
      expect(await session.recall(request)).toEqual({ content: ["the answer"] });
      expect(await session.recall("b".repeat(64))).toBeUndefined();
    });
    expect(await calls()).toEqual([{ state: "booked", cost: 0.4, model: "claude-test" }]);
    expect((await usageOf(connection.db, "default")).spendTodayUsd).toBeCloseTo(0.4);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
  });

  it("gives the money back when no answer came", async () => {
    await diagnosing(async ({ session }) => {
      const granted = await session.reserve(planned(4));
      if (granted.kind === "granted") await session.release(granted.id);
      expect((await session.reserve(planned(4))).kind).toBe("granted");
    });
  });

  it("never overdraws a budget, however many ask at once", async () => {
    const { results } = await diagnosing(async ({ session }) => {
      const asked = Array.from({ length: 16 }, (_, n) => session.reserve(planned(1, String(n).padStart(64, "0"))));
      return (await Promise.all(asked)).filter(({ kind }) => kind === "granted").length;
    });
    expect(results).toEqual([5]);
  });

  it("makes no call past a budget, tells people once, and names the budget", async () => {
    const { engine, results } = await diagnosing(async ({ session }) => {
      const spent = await session.reserve(planned(4.5));
      if (spent.kind === "granted") await session.book(spent.id, { ...call, costUsd: 4.5 }, {});
      return [await session.reserve(planned(0.6)), await session.reserve(planned(0.6))];
    });
    const because = expect.stringMatching(/^the budget of \$5 for one issue is used up \(\$4\.50/);
    expect(results[0]).toEqual([
      { kind: "refused", because },
      { kind: "refused", because },
    ]);
    expect(engine.told.filter(({ kind }) => kind === "limit_reached")).toHaveLength(1);
    expect((await auditOf(connection)).filter((line) => line.includes("limit.reached"))).toHaveLength(1);
  });

  it("lets an issue that waits for money go on when an operator raises the budget", async () => {
    const steps: string[] = [];
    const engine = await anEngine(connection, {
      pipeline: {
        run: straight({
          diagnosing: async (_, { session, clock }) => {
            const granted = await session.reserve(planned(7));
            steps.push(granted.kind);
            if (granted.kind === "granted") return move("failed", "done");
            return wait(new Date(clock.now().getTime() + 600_000), granted.because);
          },
        }),
      },
    });
    engines.push(engine);
    const id = await insertIssue(connection);
    await detect(engine);
    await drain(engine, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "diagnosing", attempts: 0 });
    await changeSettings(engine, { budget: { issueUsd: 10 } }, "operator:maria");
    await drain(engine, queueNames, () => true);
    expect(steps).toEqual(["refused", "granted"]);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
  });

  it("grants nothing while the agent is paused, and nothing to a run that lost its claim", async () => {
    const { results } = await diagnosing(async ({ session }, engine) => {
      await pause(engine, { reason: "a drill", resumeAt: null }, "operator:maria");
      const paused = await session.reserve(planned(1)).catch((error: Failure) => error.code);
      await connection.db.execute(sql`UPDATE agent_projects SET paused = false`);
      await connection.db.execute(sql`UPDATE agent_issues SET version = version + 1`);
      const lost = await session.reserve(planned(1)).catch((error: Failure) => error.code);
      return [paused, lost];
    });
    expect(results[0]).toEqual(["paused", "stale"]);
    expect(await calls()).toEqual([]);
  });

  it("tells how far it is on the issue, on one line and bounded", async () => {
    const { results } = await diagnosing(async ({ session }) => {
      session.tell(`turn 1:\nreads ${"x".repeat(500)}`);
      session.tell("turn 2, too soon to be told");
      await expect.poll(async () => (await progressOf(connection)).startsWith("turn 1: reads xxx")).toBe(true);
      return progressOf(connection);
    });
    expect(results[0]?.length).toBe(200);
  });

  it("asks a step that takes too long to stop, and gives one up that never does", async () => {
    const { results } = await diagnosing(
      async ({ session }) => {
        await new Promise((done) => session.signal.addEventListener("abort", done));
        return "stopped when asked";
      },
      { stepMs: 50 },
    );
    expect(results).toEqual(["stopped when asked"]);

    const hanging = await anEngine(connection, {
      stepMs: 30,
      pipeline: { run: straight({ diagnosing: () => new Promise(() => undefined) }) },
    });
    engines.push(hanging);
    await changeSettings(hanging, { limits: { jobAttempts: 1 } }, "operator:maria");
    const id = await insertIssue(connection);
    await detect(hanging);
    await drain(hanging, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(hanging.told.at(-1)?.text).toContain("The step did not end within");
  });
});

async function progressOf({ rows }: Connection): Promise<string> {
  const [row] = await rows(z.object({ progress: z.string().nullable() }), sql`SELECT progress FROM agent_issues`);
  return row?.progress ?? "";
}
