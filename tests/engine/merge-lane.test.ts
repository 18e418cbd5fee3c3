import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Evidence } from "#domain/evidence.ts";
import type { Issue } from "#domain/issue.ts";
import { move, type Outcome, wait } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { pause } from "#engine/settings.ts";
import type { World } from "#pipeline/stage.ts";
import { anApproval, candidateCommit } from "#tests/support/builders.ts";
import { databases } from "#tests/support/databases.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, insertIssue, issueRow } from "./an-engine.ts";

const hourMs = 60 * 60_000;

/** What the stages of a protected main do, as far as the lane is concerned. */
function protectedMain(merged: Set<string>) {
  const asked = (issue: Issue, world: World): Evidence[] => {
    const now = world.clock.now();
    const { state: _, decidedBy: __, ...approval } = anApproval({ expiresAt: new Date(now.getTime() + hourMs) });
    const url = `https://github.com/acme/clinic/pull/${issue.id}`;
    const pullRequest = { url, number: 7, head: candidateCommit, mergeAskedAt: now };
    return [
      { kind: "pull_request", pullRequest },
      { kind: "approval_requested", approval },
    ];
  };
  const anHour = (world: World, because: string): Outcome =>
    wait(new Date(world.clock.now().getTime() + hourMs), because);
  return straight({
    staging: async () => move("deploying", "no rule asks for a person"),
    deploying: async (issue, world) =>
      merged.has(issue.id)
        ? anHour(world, "being deployed")
        : move("awaiting_approval", "main is protected", asked(issue, world)),
    awaiting_approval: async (issue, world) =>
      merged.has(issue.id) ? move("deploying", "merged") : anHour(world, "waiting for a person to merge"),
  });
}

describe.each(databases())("a fix that waits to be merged on $name", { timeout: 240_000 }, ({ open }) => {
  it("holds up nobody, asks for the merge and no approval, and takes the lane again, also while the agent is paused", async () => {
    const connection = await open();
    const merged = new Set<string>();
    const engine = await anEngine(connection, { pipeline: { run: protectedMain(merged) } });
    const runAll = async () => {
      await connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL`);
      await detect(engine);
      await drain(engine, queueNames, () => true);
    };
    const holder = async () => {
      const Row = z.object({ id: z.string().nullable() });
      const [row] = await connection.rows(Row, sql`SELECT lane_issue_id AS id FROM agent_projects`);
      return row?.id ?? null;
    };
    try {
      const [first, second] = [await insertIssue(connection), await insertIssue(connection)];
      await runAll();
      for (const id of [first, second])
        expect(await issueRow(connection, id)).toMatchObject({ progress: "waiting for a person to merge" });
      expect(await holder()).toBeNull();
      const questions = engine.told.filter(({ kind }) => kind === "approval_needed");
      expect(questions.map(({ approval }) => approval)).toEqual([undefined, undefined]);
      for (const id of [first, second])
        expect(questions.filter(({ text }) => text.includes(`/pull/${id}`))).toHaveLength(1);
      await pause(engine, { reason: "maintenance", resumeAt: null }, "operator:ann");
      merged.add(second);
      await runAll();
      expect(await issueRow(connection, second)).toMatchObject({ status: "deploying", progress: "being deployed" });
      expect(await holder()).toBe(second);
      merged.add(first);
      await runAll();
      expect(await issueRow(connection, first)).toMatchObject({
        status: "deploying",
        progress: `another fix is on its way to production (issue ${second})`,
      });
    } finally {
      await engine.queue.stop();
      await connection.close();
    }
  });
});
