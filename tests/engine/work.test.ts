import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { move, wait } from "#domain/outcome.ts";
import { give } from "#engine/command.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { changeSettings, pause, resume } from "#engine/settings.ts";
import type { Connection } from "#store/connect.ts";
import { verifyActions } from "#store/read/audit.ts";
import { aSha, base } from "#tests/support/builders.ts";
import { databasesAndPooler, empty } from "#tests/support/databases.ts";
import { aWorld } from "#tests/support/world.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, auditOf, insertIssue, issueRow, type TestEngine } from "./an-engine.ts";

describe.each(databasesAndPooler())("the engine on $name", ({ open }) => {
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

  async function engineWith(parts: Parameters<typeof anEngine>[1]): Promise<TestEngine> {
    const engine = await anEngine(connection, parts);
    engines.push(engine);
    return engine;
  }
  const runAll = (engine: TestEngine) => drain(engine, queueNames, () => true);
  const makeDue = () =>
    connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL WHERE next_run_at IS NOT NULL`);

  it("picks a row up that a person inserted, and tells once how it ended", async () => {
    const engine = await engineWith({
      pipeline: { run: straight({ diagnosing: async () => move("failed", "no cause") }) },
    });
    const id = await insertIssue(connection);
    await detect(engine);
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed", attempts: 0 });
    expect(engine.told.map(({ kind }) => kind)).toEqual(["issue_detected", "failed"]);
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole" });
  });

  it("gives each step of each issue to exactly one of many workers", async () => {
    const steps: string[] = [];
    const engine = await engineWith({
      pipeline: {
        run: straight({
          detected: async (issue) => {
            steps.push(`${issue.id} detected`);
            return move("diagnosing", "go");
          },
          diagnosing: async (issue) => {
            steps.push(`${issue.id} diagnosing`);
            return move("failed", "no cause");
          },
        }),
      },
    });
    const ids = await Promise.all(Array.from({ length: 20 }, () => insertIssue(connection)));
    await detect(engine);
    // Every job twice: delivery is only a hint.
    for (const id of ids) await engine.queue.sendIssue(null, "detected", id, null);
    await Promise.all(Array.from({ length: 8 }, () => runAll(engine)));
    await runAll(engine);
    expect(steps.toSorted()).toEqual(ids.flatMap((id) => [`${id} detected`, `${id} diagnosing`]).toSorted());
  });

  it("lets a worker that lost its claim neither act nor write", async () => {
    let release = () => {};
    const stuck = new Promise<void>((done) => {
      release = done;
    });
    let entered = () => {};
    const running = new Promise<void>((done) => {
      entered = done;
    });
    const pushes: string[] = [];
    const repository = {
      ...aWorld().repository,
      advance: async (branch: string) => {
        pushes.push(branch);
        return { kind: "advanced" as const };
      },
    };
    const slow = await engineWith({
      ports: { repository },
      pipeline: {
        run: straight({
          detected: async (_, world) => {
            entered();
            await stuck;
            await world.repository.advance("staging", { from: base, to: aSha("9") });
            return move("dismissed", "by the slow one");
          },
        }),
      },
    });
    const quick = await engineWith({
      pipeline: { run: straight({ diagnosing: async () => move("failed", "by the quick one") }) },
    });
    const id = await insertIssue(connection);
    await detect(slow);
    const slowRun = runAll(slow);
    await running;
    await connection.db.execute(sql`UPDATE agent_issues SET lease_until = clock_timestamp() - interval '1 second'`);
    await detect(quick);
    await runAll(quick);
    release();
    await slowRun;
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(pushes).toEqual([]);
    expect((await auditOf(connection)).filter((line) => line.includes("dismissed"))).toEqual([]);
  });

  it("gives a step that always breaks five tries, ends it with the reason, and lets the others through", async () => {
    const bad = await insertIssue(connection, "P1");
    const engine = await engineWith({
      pipeline: {
        run: straight({
          detected: async (issue) => {
            if (issue.id === bad) throw new Error("poison");
            return move("failed", "fine");
          },
        }),
      },
    });
    const good = await insertIssue(connection);
    for (let n = 0; n < 6; n++) {
      await makeDue();
      await detect(engine);
      await runAll(engine);
    }
    expect(await issueRow(connection, good)).toMatchObject({ status: "failed" });
    expect(await issueRow(connection, bad)).toMatchObject({ status: "failed" });
    const tries = (await auditOf(connection)).filter((line) => line === "step.failed detected failed");
    expect(tries).toHaveLength(4);
    const [row] = await connection.rows(
      z.object({ why: z.string() }),
      sql`SELECT status_reason AS why FROM agent_issues WHERE id = ${bad}`,
    );
    expect(row?.why).toBe("An unexpected error: poison (tried 5 times)");
  });

  it("counts the attempt when it begins, so that a step that kills its process ends as well", async () => {
    const engine = await engineWith({});
    const id = await insertIssue(connection);
    for (let n = 0; n < 3; n++) {
      await connection.db.execute(sql`UPDATE agent_issues SET lease_until = NULL`);
      // The claim alone, as by a process that dies right after it.
      const { claimIssue } = await import("#store/write/issues.ts");
      await claimIssue(connection.db, { issueId: id, status: "detected", owner: "dead", leaseMs: 1_000 });
    }
    expect(await issueRow(connection, id)).toMatchObject({ attempts: 3 });
    expect(engine.seen).toEqual([]);
  });

  it("ends an issue whose row no stage can use, with the reason, instead of trying for ever", async () => {
    const engine = await engineWith({ pipeline: { run: straight() } });
    const id = await insertIssue(connection);
    // Legal moves by hand, and no fix to go with them.
    await connection.db.execute(sql`UPDATE agent_issues SET status = 'diagnosing'`);
    await connection.db.execute(sql`UPDATE agent_issues SET status = 'fixing'`);
    await detect(engine);
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(engine.told.map(({ kind }) => kind)).toEqual(["failed"]);
  });

  it("lets a freeze outlast a pause with an end, and tells", async () => {
    const engine = await engineWith({
      pipeline: {
        run: straight({
          monitoring: async () => move("failed", "x", [{ kind: "freeze", because: "a rollback failed" }]),
        }),
      },
    });
    await insertIssue(connection);
    await connection.db.execute(sql`UPDATE agent_projects SET autonomy_level = 3`);
    await detect(engine);
    await runAll(engine);
    const [{ id } = { id: "" }] = await connection.rows(z.object({ id: z.string() }), sql`SELECT id FROM agent_issues`);
    await give(engine, { command: "approve", issueId: id, actor: "operator:ann" });
    await pause(engine, { reason: "lunch", resumeAt: new Date(Date.now() + 3_600_000) }, "operator:ann");
    await runAll(engine);
    const [project] = await connection.rows(
      z.object({ reason: z.string(), until: z.date().nullable() }),
      sql`SELECT paused_reason AS reason, resume_at AS until FROM agent_projects`,
    );
    expect(project).toEqual({ reason: "a rollback failed", until: null });
    expect(engine.told.filter(({ kind }) => kind === "agent_paused")).toHaveLength(2);
  });

  it("does not retry what cannot succeed, and says how to mend it", async () => {
    const engine = await engineWith({
      pipeline: {
        run: straight({
          detected: async () => {
            throw new Failure("misconfigured", "The repository has no branch main.", { hint: "Create it." });
          },
        }),
      },
    });
    const id = await insertIssue(connection);
    await detect(engine);
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(engine.told.at(-1)).toMatchObject({ text: "The repository has no branch main. Create it." });
  });

  it("waits as long as a stage asks, and an early job changes nothing", async () => {
    let runs = 0;
    const engine = await engineWith({
      pipeline: {
        run: straight({
          detected: async (_, world) => {
            runs++;
            return wait(new Date(world.clock.now().getTime() + 60_000), "not yet");
          },
        }),
      },
    });
    const id = await insertIssue(connection);
    await detect(engine);
    await runAll(engine);
    await engine.queue.sendIssue(null, "detected", id, null);
    await runAll(engine);
    expect(runs).toBe(1);
    expect(await issueRow(connection, id)).toMatchObject({ status: "detected", progress: "not yet", attempts: 0 });
  });

  it("starts nothing while paused but keeps watching production, and goes on when resumed", async () => {
    const engine = await engineWith({
      pipeline: { run: straight({ diagnosing: async () => move("failed", "no cause") }) },
    });
    await pause(engine, { reason: "maintenance", resumeAt: null }, "operator:ann");
    await pause(engine, { reason: "again", resumeAt: null }, "operator:bob");
    const id = await insertIssue(connection);
    await detect(engine);
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({
      status: "detected",
      progress: "the agent is paused: maintenance",
    });
    await resume(engine, "operator:ann");
    await runAll(engine);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(engine.told.map(({ kind }) => kind).filter((kind) => kind.startsWith("agent_"))).toEqual([
      "agent_paused",
      "agent_resumed",
    ]);
  });

  it("refuses an effect after the pause was committed, even in a step that began before it", async () => {
    const pushes: string[] = [];
    const repository = {
      ...aWorld().repository,
      publish: async (branch: string) => {
        pushes.push(branch);
        return "published" as const;
      },
    };
    const engine = await engineWith({
      ports: { repository },
      pipeline: {
        run: straight({
          detected: async (_, world) => {
            await pause(engine, { reason: "stop", resumeAt: null }, "operator:ann");
            await world.repository.publish("agent/fix-1", base);
            return move("diagnosing", "pushed");
          },
        }),
      },
    });
    const id = await insertIssue(connection);
    await detect(engine);
    await runAll(engine);
    expect(pushes).toEqual([]);
    expect(await issueRow(connection, id)).toMatchObject({ status: "detected", progress: "The agent is paused: stop" });
  });

  it("writes the intent before an effect and once that it was done", async () => {
    const order: string[] = [];
    const repository = {
      ...aWorld().repository,
      publish: async () => {
        order.push(...(await auditOf(connection)));
        return "published" as const;
      },
    };
    const engine = await engineWith({
      ports: { repository },
      pipeline: {
        run: straight({
          detected: async (_, world) => {
            await world.repository.publish("agent/fix-1", base);
            await world.repository.publish("agent/fix-1", base);
            return move("failed", "enough");
          },
        }),
      },
    });
    await insertIssue(connection);
    await detect(engine);
    await runAll(engine);
    expect(order[0]).toBe("repository.publish agent/fix-1 intended");
    const effects = (await auditOf(connection)).filter((line) => line.startsWith("repository."));
    expect(effects).toEqual(["repository.publish agent/fix-1 intended", "repository.publish agent/fix-1 done"]);
  });

  it("lets one candidate at a time travel from staging to the end of its watch", async () => {
    let inside = 0;
    let most = 0;
    const engine = await engineWith({
      pipeline: {
        run: straight({
          staging: async (_, world) => {
            inside++;
            most = Math.max(most, inside);
            await new Promise((done) => setImmediate(done));
            inside--;
            return wait(new Date(world.clock.now().getTime() + 60_000), "watching staging");
          },
        }),
      },
    });
    await Promise.all([insertIssue(connection), insertIssue(connection), insertIssue(connection)]);
    await detect(engine);
    await Promise.all([runAll(engine), runAll(engine), runAll(engine)]);
    await runAll(engine);
    const rows = await connection.rows(
      z.object({ progress: z.string().nullable() }),
      sql`SELECT progress FROM agent_issues ORDER BY progress`,
    );
    expect(rows.filter(({ progress }) => progress === "watching staging")).toHaveLength(1);
    expect(rows.filter(({ progress }) => progress?.startsWith("another fix is on its way"))).toHaveLength(2);
    expect(most).toBe(1);
  });

  it("takes the last unit of a budget once, and says once that the limit is reached", async () => {
    const engine = await engineWith({
      pipeline: {
        run: straight({
          detected: async (issue, world) => {
            const budget = await world.reserve("fix", issue.id);
            return budget.kind === "taken" ? move("failed", "fixed") : wait(budget.until, budget.because);
          },
        }),
      },
    });
    await changeSettings(engine, { limits: { fixesPerHour: 2 } }, "operator:ann");
    await Promise.all(Array.from({ length: 6 }, () => insertIssue(connection)));
    await detect(engine);
    await Promise.all([runAll(engine), runAll(engine), runAll(engine), runAll(engine)]);
    const rows = await connection.rows(z.object({ status: z.string() }), sql`SELECT status FROM agent_issues`);
    expect(rows.filter(({ status }) => status === "failed")).toHaveLength(2);
    expect(rows.filter(({ status }) => status === "detected")).toHaveLength(4);
    expect(engine.told.filter(({ kind }) => kind === "limit_reached")).toHaveLength(1);
  });

  it("marks a message that may have gone out before a crash, and sends none twice that did", async () => {
    const repeats: boolean[] = [];
    let broken = true;
    const engine = await engineWith({
      ports: {
        notifier: {
          send: async (_, { repeated }) => {
            repeats.push(repeated);
            return { kind: "delivered", place: null };
          },
        },
      },
      pipeline: { run: straight({ detected: async () => move("dismissed", "noise") }) },
    });
    const dying = {
      ...engine,
      observe: (event: (typeof engine.seen)[number]) => {
        if (event.kind === "effect_acted" && broken) {
          broken = false;
          throw new Error("the process dies here");
        }
      },
    };
    await pause(engine, { reason: "x", resumeAt: null }, "operator:ann");
    await drain(dying, ["notify"], () => true);
    await connection.db.execute(
      sql`UPDATE vigil_queue.job SET start_after = now() - interval '1 second' WHERE state = 'retry'`,
    );
    await runAll(engine);
    await runAll(engine);
    expect(repeats).toEqual([false, true]);
  });
});
