import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { EngineEvent } from "#engine/observe.ts";
import { changeSettings, pause, resume } from "#engine/settings.ts";
import type { Connection } from "#store/connect.ts";
import { unreachableHumanCommits } from "#tests/support/git.ts";
import { anAgent } from "./an-agent.ts";
import { approve, drive, firstTimeAt, type Standing } from "./drive.ts";
import { aSceneHere, deploy, type Scene, type SceneOptions } from "./scene.ts";

const open: Scene[] = [];
afterEach(async () => {
  for (const scene of open.splice(0)) await scene.dispose();
});

async function anAgentHere(options: SceneOptions, observe: (event: EngineEvent) => void = () => undefined) {
  const { scene, connection } = await aSceneHere(options);
  open.push(scene);
  const engine = await anAgent(scene.order, connection, observe, scene.platform);
  const run = async (between: (standing: Standing) => Promise<void>) => {
    await drive(engine, { between, production: scene.order.ports.production });
    await engine.queue.stop();
    return scene.end();
  };
  return { scene, connection, engine, run };
}

const ApprovalRow = z.object({ state: z.string(), base: z.string(), shipped: z.boolean() });

function approvalsOf({ rows }: Connection) {
  return rows(
    ApprovalRow,
    sql`SELECT a.state, a.candidate_base AS base, EXISTS (SELECT 1 FROM agent_deployments d WHERE d.commit_sha = a.candidate_commit
          AND d.environment = 'production') AS shipped FROM agent_approvals a ORDER BY a.requested_at`,
  );
}

describe("an agent among people", () => {
  it("loses no commit that lands on main at any status, and carries no approval over to what it builds anew (reliability C4)", async () => {
    const { scene, connection, engine, run } = await anAgentHere({ approves: true });
    const pushed: Awaited<ReturnType<Scene["world"]["person"]["commit"]>>[] = [];
    const pushAt = firstTimeAt(async ({ status }) => {
      pushed.push(await scene.world.person.commit("main", { [`people/${status}.txt`]: `${status}\n` }));
    });
    const ledger = await run(async (standing) => {
      // Approved first: at the next step the approved candidate stands on a main that moved.
      const asked = standing.status === "awaiting_approval";
      if (asked && pushed.length > 5) await approve(engine, standing);
      await pushAt(standing);
    });
    const approvals = await approvalsOf(connection);
    expect(approvals.slice(0, -1).every(({ state, shipped }) => state === "void" && !shipped)).toBe(true);
    expect(approvals.length).toBeGreaterThanOrEqual(2);
    expect(approvals.at(-1)).toMatchObject({ state: "approved", shipped: true });
    expect(await unreachableHumanCommits(scene.world.remote, pushed)).toEqual([]);
    expect(pushed.length).toBeGreaterThanOrEqual(8);
    expect(ledger).toMatchObject({ status: "resolved", fixCommits: 1, merges: 1, violations: [] });
  });

  it("starts nothing after a pause was committed, before whichever step it comes, and goes on where it was (reliability D25)", async () => {
    const flips = new Set<string>();
    let pausing: Promise<void> | undefined;
    const { connection, engine, run } = await anAgentHere({ change: "breaks" }, (event) => {
      const step = event.kind === "claimed" ? event.status : event.kind === "effect_recorded" ? event.key : undefined;
      // A pause is a message as well.
      if (step === undefined || step.startsWith("notice") || flips.has(step)) return;
      flips.add(step);
      pausing = pause(engine, { reason: `before ${step}`, resumeAt: null }, "operator:ada");
    });
    const ledger = await run(async ({ status, progress }) => {
      await pausing;
      const waits = progress?.toLowerCase().startsWith("the agent is paused") || status === "rolling_back";
      const safe = ["deploying", "monitoring", "rolling_back", "failed"].includes(status);
      if (waits || safe) await resume(engine, "operator:ada");
    });
    expect(flips.size).toBeGreaterThanOrEqual(12);
    expect(await intentsWhilePaused(connection)).toEqual([]);
    expect(ledger).toMatchObject({ status: "failed", fixCommits: 1, merges: 1, reverts: 1, violations: [] });
  });

  it.each([
    ["before its first look", "cures", ({ status }: Standing) => status === "monitoring"],
    ["during the watch", "cures", ({ status, progress }: Standing) => status === "monitoring" && progress !== null],
    ["when it is about to roll back", "breaks", ({ status }: Standing) => status === "rolling_back"],
  ] as const)("leaves a version alone that a person deploys %s (reliability A14)", async (_, change, isTheMoment) => {
    const { scene, connection, engine, run } = await anAgentHere({ change });
    // A person's deployment takes its time: the watch must not be over before.
    await changeSettings(engine, { production: { windowMs: 10_000 } }, "operator:person");
    let theirs: string | undefined;
    const ledger = await run(async (standing) => {
      if (theirs !== undefined || !isTheMoment(standing)) return;
      // From a branch of their own: main does not hold it.
      const commit = await scene.world.person.commit("hotfix", { "hotfix.txt": "now\n" });
      await deploy(scene.platform, commit);
      theirs = commit;
      scene.deployedByPeople.push(commit);
    });
    expect(ledger).toMatchObject({ status: "failed", served: theirs, violations: [] });
    expect(ledger.reason).toContain("left alone");
    const [row] = await connection.rows(
      z.object({ restores: z.number() }),
      sql`SELECT count(*)::int AS restores FROM agent_actions WHERE action = 'platform.restore'`,
    );
    expect(row?.restores).toBe(0);
  });
});

/** What was begun between a pause and its end, but for what keeps production safe. */
async function intentsWhilePaused({ rows }: Connection): Promise<string[]> {
  const trail = await rows(
    z.object({ action: z.string(), subject: z.string(), outcome: z.string(), status: z.string().nullable() }),
    sql`SELECT a.action, a.subject, a.outcome, (SELECT s.detail->>'to' FROM agent_actions s WHERE s.action = 'status.changed'
          AND s.issue_id = a.issue_id AND s.seq < a.seq ORDER BY s.seq DESC LIMIT 1) AS status
        FROM agent_actions a ORDER BY a.seq`,
  );
  let paused = false;
  const found: string[] = [];
  for (const { action, subject, outcome, status } of trail) {
    if (action === "agent.paused") paused = true;
    if (action === "agent.resumed") paused = false;
    const outside = outcome === "intended" && /^(repository|platform)\./.test(action);
    const safety = status === "rolling_back" || (action === "platform.deploy" && subject === "production");
    if (paused && outside && !safety) found.push(`${action} ${subject} at ${status}`);
  }
  return found;
}
