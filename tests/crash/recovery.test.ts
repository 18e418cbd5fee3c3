import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { IssueId } from "#domain/ids.ts";
import type { Issue } from "#domain/issue.ts";
import { move, type Outcome, wait } from "#domain/outcome.ts";
import { give } from "#engine/command.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { pause, resume } from "#engine/settings.ts";
import { pipeline } from "#pipeline/index.ts";
import { newDeployment } from "#pipeline/watching.ts";
import type { Connection } from "#store/connect.ts";
import { claimIssue, releaseAllLeases } from "#store/write/issues.ts";
import { straight } from "#tests/engine/a-pipeline.ts";
import { anEngine, insertIssue, issueRow, type TestEngine } from "#tests/engine/an-engine.ts";
import { base, candidateCommit } from "#tests/support/builders.ts";
import { databases, empty, openPglite } from "#tests/support/databases.ts";
import { checkInvariants } from "#tests/support/invariants.ts";
import { aWorld } from "#tests/support/world.ts";

/** Resolved, with the verdict that the real watch would leave. */
function held(issue: Issue): Outcome {
  const verdict = { kind: "passed" as const, because: "held" };
  const deploymentId = issue.status === "monitoring" ? issue.deployment.id : "";
  return move("resolved", "held", [{ kind: "verdict", deploymentId, verdict, claim: null, risePct: null }]);
}

describe.each(databases())("after trouble on $name", ({ open }) => {
  let connection: Connection;
  const engines: TestEngine[] = [];
  beforeAll(async () => {
    connection = await open();
  });
  afterAll(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.queue.stop()));
    await connection.close();
  });
  beforeEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.queue.stop()));
    await empty(connection);
  });

  async function engineWith(stops: Parameters<typeof straight>[0], parts: Parameters<typeof anEngine>[1] = {}) {
    const engine = await anEngine(connection, {
      ...parts,
      pipeline: { run: straight(stops), giveUp: pipeline.giveUp },
    });
    engines.push(engine);
    return engine;
  }
  async function runAll(engine: TestEngine): Promise<void> {
    await detect(engine);
    await drain(engine, queueNames, () => true);
  }
  const makeDue = () => connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL`);
  const reasonOf = async (id: string) => {
    const [row] = await connection.rows(
      z.object({ status: z.string(), why: z.string().nullable() }),
      sql`SELECT status, status_reason AS why FROM agent_issues WHERE id = ${id}`,
    );
    return row;
  };

  it("a step that ends its process each time is ended with the reason, and the others get through (reliability B9)", async () => {
    const deadly = await insertIssue(connection);
    for (let n = 0; n < 5; n++) {
      await connection.db.execute(sql`UPDATE agent_issues SET lease_until = NULL`);
      // All that a process does which dies in the step.
      await claimIssue(connection.db, { issueId: deadly, status: "detected", owner: "dead", leaseMs: 60_000 });
    }
    await connection.db.execute(sql`UPDATE agent_issues SET lease_until = NULL`);
    const other = await insertIssue(connection);
    const engine = await engineWith({
      detected: async (issue) => {
        if (issue.id === deadly) throw new Error("it must not run again");
        return move("dismissed", "noise");
      },
    });
    await runAll(engine);
    expect(await reasonOf(deadly)).toEqual({ status: "failed", why: "the step ended its process 5 times" });
    expect(await reasonOf(other)).toEqual({ status: "dismissed", why: "noise" });
  });

  it("a rollback that cannot be carried out is never told as one that was", async () => {
    const id = await insertIssue(connection);
    const engine = await engineWith({
      staging: async () => move("deploying", "passed"),
      monitoring: async () => move("rolling_back", "errors rose"),
      rolling_back: async () => {
        throw new Failure("forbidden", "The remote refuses the revert: protected");
      },
    });
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    const told = engine.told.map(({ kind: what, text }) => ({ what, text }));
    expect(told).toContainEqual({
      what: "rollback_failed",
      text: "ROLLBACK FAILED: The remote refuses the revert: protected",
    });
    expect(told.map(({ what }) => what)).toContain("agent_paused");
    expect(told.map(({ what }) => what)).not.toContain("rolled_back");
  });

  it("an issue that failed while it waited for a person can be tried again and asks anew", async () => {
    let broken = true;
    const id = await insertIssue(connection, "P0");
    const engine = await engineWith({
      awaiting_approval: async (_, world) => {
        if (broken) throw new Failure("misconfigured", "The repository has no branch main.");
        return wait(new Date(world.clock.now().getTime() + 60_000), "waiting for a person");
      },
    });
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(await checkInvariants({ connection })).toEqual([]);
    broken = false;
    await give(engine, { command: "retry", issueId: id, actor: "operator:ada" });
    await runAll(engine);
    await give(engine, { command: "approve", issueId: id, actor: "operator:ada" });
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "resolved" });
  });

  it("an issue that was dismissed while a worker took the lane for it does not block the lane", async () => {
    const gone = await insertIssue(connection);
    const id = await insertIssue(connection);
    const engine = await engineWith({
      staging: async () => move("deploying", "passed"),
      monitoring: async (issue) => held(issue),
    });
    await give(engine, { command: "dismiss", issueId: gone, actor: "operator:ada" });
    await connection.db.execute(sql`UPDATE agent_projects SET lane_issue_id = ${gone}`);
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "resolved" });
    expect(await checkInvariants({ connection })).toEqual([]);
  });

  it("a step that the pause stopped in its middle goes on as soon as the agent is resumed", async () => {
    const id = await insertIssue(connection);
    let paused = false;
    const engine = await engineWith(
      {
        detected: async (_, world) => {
          if (!paused) await pause(engine, { reason: "look first", resumeAt: null }, "operator:ada");
          paused = true;
          await world.repository.publish("agent/fix-1", base);
          return move("dismissed", "noise");
        },
      },
      { ports: { repository: { ...aWorld().repository, publish: async () => "published" } } },
    );
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ progress: "The agent is paused: look first" });
    await resume(engine, "operator:ada");
    await drain(engine, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "dismissed" });
  });

  it("a push that a dead worker made is on record when the next one finds it", async () => {
    let dies = true;
    const staged = "d".repeat(40);
    const id = IssueId.parse(await insertIssue(connection));
    const repository = {
      ...aWorld().repository,
      head: async () => (dies ? base : (staged as typeof base)),
      advance: async () => {
        if (dies) throw new Error("the process ends between the push and its record");
        return { kind: "advanced" as const };
      },
    };
    const engine = await engineWith(
      {
        detected: async (_, world) => {
          const head = await world.repository.head("main");
          if (head === base) await world.repository.advance("main", { from: base, to: staged as typeof base });
          return move("dismissed", "noise");
        },
      },
      { ports: { repository } },
    );
    await runAll(engine);
    dies = false;
    await makeDue();
    await runAll(engine);
    const trail = await connection.rows(
      z.object({ line: z.string() }),
      sql`SELECT action || ' ' || outcome AS line FROM agent_actions WHERE issue_id = ${id} AND action LIKE 'repository.%' ORDER BY seq`,
    );
    expect(trail.map(({ line }) => line)).toEqual(["repository.advance intended", "repository.advance done"]);
    expect(await checkInvariants({ connection })).toEqual([]);
  });

  it("two engines let one candidate at a time travel to the end of its watch (reliability C8)", async () => {
    const inLane = new Set<string>();
    let most = 0;
    const enter = async ({ id }: Issue) => {
      inLane.add(id);
      most = Math.max(most, inLane.size);
      await new Promise((done) => setImmediate(done));
    };
    const stops: Parameters<typeof straight>[0] = {
      staging: async (issue) => {
        await enter(issue);
        return move("deploying", "passed");
      },
      deploying: async (_, { clock }) => {
        const before = { previousCommit: base, baseline: null };
        const deployment = newDeployment("production", candidateCommit, before, clock.now());
        return move("monitoring", "deployed", [{ kind: "deployment", deployment }]);
      },
      monitoring: async (issue) => {
        await enter(issue);
        inLane.delete(issue.id);
        return held(issue);
      },
    };
    const both = [await engineWith(stops), await engineWith(stops)];
    const ids = await Promise.all(Array.from({ length: 20 }, () => insertIssue(connection)));
    for (let n = 0; n < 60; n++) {
      await makeDue();
      await Promise.all(both.map(runAll));
    }
    const states = await Promise.all(ids.map(reasonOf));
    expect(states).toEqual(ids.map(() => ({ status: "resolved", why: "held" })));
    expect(most).toBe(1);
    expect(await checkInvariants({ connection })).toEqual([]);
  });
});

it("a message that a dead process was sending goes out at the next start of the embedded database", async () => {
  const connection = await openPglite();
  const engine = await anEngine(connection);
  await pause(engine, { reason: "look first", resumeAt: null }, "operator:ada");
  // Taken, and never ended.
  expect(await engine.queue.next("notify")).toBeDefined();
  await drain(engine, ["notify"], () => true);
  expect(engine.told).toEqual([]);
  await releaseAllLeases(connection.db);
  await drain(engine, ["notify"], () => true);
  expect(engine.told.map(({ kind }) => kind)).toEqual(["agent_paused"]);
  await engine.queue.stop();
  await connection.close();
});
