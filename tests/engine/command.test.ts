import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { move, wait } from "#domain/outcome.ts";
import { protectedByDefault } from "#domain/settings.ts";
import { give } from "#engine/command.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { changeSettings } from "#engine/settings.ts";
import type { Connection } from "#store/connect.ts";
import { loadIssue } from "#store/read/issues.ts";
import { aCandidate, aDeployment, previousCommit } from "#tests/support/builders.ts";
import { databasesAndPooler, empty } from "#tests/support/databases.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, auditOf, insertIssue, issueRow, type TestEngine } from "./an-engine.ts";

const ann = "operator:ann";

describe.each(databasesAndPooler())("operators' commands on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  let id: string;

  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection, {
      pipeline: {
        run: straight({
          deploying: async (_, world) => wait(new Date(world.clock.now().getTime() + 60_000), "deploying"),
        }),
      },
    });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(async () => {
    await empty(connection);
    engine.told.length = 0;
    id = await insertIssue(connection, "P0");
    await detect(engine);
    await drain(engine, queueNames, () => true);
  });

  const approvals = () =>
    connection.rows(
      z.object({ state: z.string(), by: z.string().nullable() }),
      sql`SELECT state, decided_by AS by FROM agent_approvals`,
    );
  async function refusalOf(request: Parameters<typeof give>[1]): Promise<string> {
    try {
      await give(engine, request);
      return "accepted";
    } catch (error) {
      if (error instanceof Failure) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  it("approves what was shown, names who did it, and goes on to production", async () => {
    await give(engine, { command: "approve", issueId: id, actor: ann, diffHash: aCandidate.diffHash });
    expect(await issueRow(connection, id)).toMatchObject({ status: "deploying" });
    expect(await approvals()).toEqual([{ state: "approved", by: ann }]);
    expect(await auditOf(connection)).toContain("command.approve Test issue done");
  });

  it("tells the second one that it was decided already", async () => {
    await give(engine, { command: "approve", issueId: id, actor: ann });
    expect(await refusalOf({ command: "approve", issueId: id, actor: "operator:bob" })).toBe(
      "conflict: This fix is not waiting for approval.",
    );
  });

  it("refuses to approve a diff that changed since the page was loaded", async () => {
    expect(await refusalOf({ command: "approve", issueId: id, actor: ann, diffHash: "0".repeat(64) })).toBe(
      "conflict: The fix changed since you looked at it.",
    );
    expect(await issueRow(connection, id)).toMatchObject({ status: "awaiting_approval" });
  });

  it("refuses an approval under rules that changed since it was asked for", async () => {
    await changeSettings(engine, { approval: { confidencePctMin: 95 } }, ann);
    expect(await refusalOf({ command: "approve", issueId: id, actor: ann })).toMatch(
      /^conflict: This approval is no longer valid/,
    );
  });

  it("refuses an approval that expired", async () => {
    await connection.db.execute(sql`UPDATE agent_approvals SET expires_at = clock_timestamp() - interval '1 second'`);
    expect(await refusalOf({ command: "approve", issueId: id, actor: ann })).toMatch(
      /^conflict: This approval is no longer valid/,
    );
  });

  it("lets exactly one of two operators decide, whoever is first", async () => {
    for (let n = 0; n < 10; n++) {
      await empty(connection);
      id = await insertIssue(connection, "P0");
      await detect(engine);
      await drain(engine, queueNames, () => true);
      const answers = await Promise.all([
        refusalOf({ command: "approve", issueId: id, actor: ann }),
        refusalOf({ command: "reject", issueId: id, actor: "operator:bob", reason: "not now" }),
        refusalOf({ command: "approve", issueId: id, actor: "operator:eve" }),
      ]);
      expect(answers.filter((answer) => answer === "accepted")).toHaveLength(1);
      expect(await approvals()).toHaveLength(1);
    }
  });

  it("rejects with a reason that is kept, and lets a person try again", async () => {
    await give(engine, { command: "reject", issueId: id, actor: ann, reason: "the guard hides the cause" });
    const [row] = await connection.rows(
      z.object({ status: z.string(), why: z.string(), fix: z.string() }),
      sql`SELECT i.status, i.status_reason AS why, f.outcome AS fix FROM agent_issues i JOIN agent_fixes f ON f.id = i.fix_id`,
    );
    expect(row).toEqual({ status: "rejected", why: "Rejected by ann: the guard hides the cause", fix: "rejected" });
    await give(engine, { command: "retry", issueId: id, actor: ann });
    expect(await issueRow(connection, id)).toMatchObject({ status: "detected" });
  });

  it("takes no approval of an earlier run for one of this run", async () => {
    await give(engine, { command: "approve", issueId: id, actor: ann });
    await connection.db.execute(sql`UPDATE agent_issues SET status = 'failed', lease_until = NULL`);
    await give(engine, { command: "retry", issueId: id, actor: ann });
    await drain(engine, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "awaiting_approval" });
    expect(await loadIssue(connection.db, id)).toMatchObject({ approval: { state: "pending", decidedBy: null } });
  });

  it("refuses what does not fit the status, in the words that the button shows", async () => {
    expect(await refusalOf({ command: "retry", issueId: id, actor: ann })).toBe(
      "conflict: Only an issue that failed or was rejected can be tried again.",
    );
    expect(await refusalOf({ command: "revert", issueId: id, actor: ann })).toBe(
      "conflict: Only a fix whose watch has ended can be taken back.",
    );
  });

  it("takes back a fix that was left in production without a verdict, once, and no fix that never came there", async () => {
    const onward = await anEngine(connection, {
      pipeline: {
        run: straight({
          monitoring: async () => move("failed", "Inconclusive: too few requests"),
          rolling_back: async (_, world) => {
            const { id: _id, ...live } = aDeployment({ previousCommit });
            const deployment = { ...live, state: "taken_back" as const, startedAt: world.clock.now() };
            return move("failed", "Rolled back", [{ kind: "deployment", deployment }]);
          },
        }),
      },
    });
    const revert = () => refusalOf({ command: "revert", issueId: id, actor: ann, reason: "nobody can tell" });
    await give(engine, { command: "reject", issueId: id, actor: ann });
    expect(await revert()).toBe("conflict: Only a fix whose watch has ended can be taken back.");
    await give(engine, { command: "retry", issueId: id, actor: ann });
    await drain(onward, queueNames, () => true);
    await give(engine, { command: "approve", issueId: id, actor: ann });
    await drain(onward, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    const answers = await Promise.all([revert(), revert()]);
    expect(answers.toSorted()).toEqual(["accepted", "conflict: Only a fix whose watch has ended can be taken back."]);
    await drain(onward, queueNames, () => true);
    expect(await issueRow(connection, id)).toMatchObject({ status: "failed" });
    expect(await revert()).toBe("conflict: No fix of this issue is in production.");
    const [fix] = await connection.rows(
      z.object({ outcome: z.string() }),
      sql`SELECT outcome FROM agent_fixes f JOIN agent_issues i ON i.fix_id = f.id`,
    );
    expect(fix).toEqual({ outcome: "rolled_back" });
    await onward.queue.stop();
  });

  it("does not know an issue that is not there, or that is no issue at all", async () => {
    expect(await refusalOf({ command: "approve", issueId: "99999999-9999-4999-8999-999999999999", actor: ann })).toBe(
      "not_found: There is no such issue.",
    );
    expect(await refusalOf({ command: "approve", issueId: "'; DROP TABLE agent_issues", actor: ann })).toBe(
      "not_found: There is no such issue.",
    );
  });

  it("overwrites no setting that changed since it was seen, and then changes nothing", async () => {
    const seen = { limits: { fixesPerHour: 5 }, files: { protected: protectedByDefault } };
    await changeSettings(engine, { limits: { fixesPerHour: 6 } }, ann, seen);
    await expect(
      changeSettings(engine, { limits: { fixesPerHour: 9, liveIssues: 2 } }, "operator:bob", seen),
    ).rejects.toMatchObject({
      code: "conflict",
      message: "limits.fixesPerHour was changed in the meantime; nothing was saved.",
    });
    // What somebody else changed beside it does not matter.
    await changeSettings(engine, { limits: { liveIssues: 2 } }, "operator:bob", { limits: { liveIssues: 3 } });
    await expect(changeSettings(engine, { autonomyLevel: 3 }, ann, { autonomyLevel: 2 })).rejects.toMatchObject({
      code: "conflict",
    });
    const [row] = await connection.rows(
      z.object({ level: z.number(), settings: z.unknown() }),
      sql`SELECT autonomy_level AS level, settings FROM agent_projects`,
    );
    expect(row).toEqual({ level: 1, settings: { limits: { fixesPerHour: 6, liveIssues: 2 } } });
  });

  it("keeps out settings that do not fit, and records who changed what", async () => {
    await changeSettings(engine, { autonomyLevel: 2, staging: { windowMs: 300_000 } }, ann);
    const [row] = await connection.rows(
      z.object({ level: z.number(), settings: z.unknown() }),
      sql`SELECT autonomy_level AS level, settings FROM agent_projects`,
    );
    expect(row).toEqual({ level: 2, settings: { staging: { windowMs: 300_000 } } });
    expect(await auditOf(connection)).toContain("settings.changed autonomyLevel, staging done");
    await expect(changeSettings(engine, { staging: { windowMs: 50 } }, ann)).rejects.toMatchObject({ code: "invalid" });
    await Promise.all([
      changeSettings(engine, { limits: { fixesPerHour: 7 } }, ann),
      changeSettings(engine, { limits: { deploymentsPerDay: 3 } }, "operator:bob"),
      changeSettings(engine, { autonomyLevel: 1 }, "operator:eve"),
    ]);
    const [after] = await connection.rows(
      z.object({ level: z.number(), settings: z.unknown() }),
      sql`SELECT autonomy_level AS level, settings FROM agent_projects`,
    );
    expect(after).toEqual({
      level: 1,
      settings: { staging: { windowMs: 300_000 }, limits: { fixesPerHour: 7, deploymentsPerDay: 3 } },
    });
  });
});
