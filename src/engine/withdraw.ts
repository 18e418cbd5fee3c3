import { eq } from "drizzle-orm";
import { withdrawalText } from "#policy/proposal-text.ts";
import { type EndedFix, fixesToWithdraw } from "#store/read/ended-fixes.ts";
import { readsOf } from "#store/read/stage-reads.ts";
import { actions, projects } from "#store/schema.ts";
import { action, appendActions, type NewAction } from "#store/write/actions.ts";
import { noteWithdrawn } from "#store/write/fixes.ts";
import { claimRound } from "#store/write/rounds.ts";
import type { Engine } from "./engine.ts";

const everyMs = 60_000;
/** A handful of calls each, of which GitHub wants a second between those that write. */
const fixesMax = 3;

/**
 * Clears away what ended fixes left with people: their open pull requests are closed with the reason, and their branches
 * removed. What a person committed to stays, and is said once. Nothing happens while the agent is paused.
 */
export async function withdrawEndedFixes(engine: Engine): Promise<void> {
  const { connection, projectId } = engine;
  const due = await fixesToWithdraw(connection.db, projectId, fixesMax);
  if (due.length === 0 || !(await claimRound(connection.db, projectId, "withdraw", everyMs))) return;
  for (const fix of due) await withdraw(engine, fix);
}

async function withdraw(engine: Engine, fix: EndedFix): Promise<void> {
  const { id: fixId, issueId, branch } = fix;
  const effectKey = `repository.withdraw:${branch}:${fixId}`;
  const row = { issueId, fixId, actor: "agent", action: "repository.withdraw", subject: branch, effectKey };
  if (!(await intend(engine, action({ ...row, outcome: "intended" })))) return;
  const placed = await readsOf(engine.connection, engine.projectId).placedOn(issueId, branch);
  const ours = [...new Set([...fix.commits, ...placed])];
  const comment = withdrawalText(fix);
  const result = await engine.ports.repository.withdraw({ branch, into: "main", ours, comment });
  const isDone = result.kind === "withdrawn";
  const ending = action({ ...row, outcome: isDone ? "done" : "refused", because: isDone ? "" : left(result) });
  await engine.connection.db.transaction(async (tx) => {
    await noteWithdrawn(tx, fixId);
    await appendActions(tx, [ending]);
  });
}

/**
 * On record before anything happens outside, once however often it is tried. `false`: the agent is paused; a pause waits for
 * this intent, or this intent sees it (reliability D22).
 */
async function intend({ connection, projectId }: Engine, intent: NewAction): Promise<boolean> {
  return connection.db.transaction(async (tx) => {
    const project = eq(projects.id, projectId);
    const [now] = await tx.select({ paused: projects.paused }).from(projects).where(project).for("share");
    if (now?.paused !== false) return false;
    const same = eq(actions.effectKey, intent.effectKey ?? "");
    const [known] = await tx.select({ seq: actions.seq }).from(actions).where(same).limit(1);
    if (known === undefined) await appendActions(tx, [intent]);
    return true;
  });
}

function left(result: { kind: "theirs"; head: string } | { kind: "refused"; why: string }): string {
  if (result.kind === "refused") return `the remote keeps the branch: ${result.why}`;
  return `a person committed ${result.head.slice(0, 12)} to it: the branch and its pull request are theirs`;
}
