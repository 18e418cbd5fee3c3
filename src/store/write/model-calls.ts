import { and, eq, sql } from "drizzle-orm";
import type { ModelCall } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { Database, Transaction } from "../connect.ts";
import { spentOnUsd, spentTodayUsd } from "../read/spending.ts";
import { fixes, issues, modelCalls, projects } from "../schema.ts";
import type { Claim } from "./issues.ts";

/** Whose money it is, and under which claim. */
export interface Purse {
  projectId: string;
  claim: Claim;
  fixId: string | null;
}

export type Granted = { kind: "granted"; id: number } | { kind: "refused"; budget: "day" | "issue"; spentUsd: number };

/**
 * Sets money aside under the project's row lock: two workers can never take the last dollar together, and a pause is
 * seen. What a killed process had set aside stays counted at its most: the call may have been charged.
 */
export async function setAside(
  tx: Transaction,
  { projectId, claim, fixId }: Purse,
  call: { request: string; model: string; stage: string; usdMax: number },
  budget: { dailyUsd: number; issueUsd: number },
): Promise<Granted> {
  const [project] = await tx
    .select({ paused: projects.paused, reason: projects.pausedReason })
    .from(projects)
    .where(eq(projects.id, projectId))
    .for("update");
  if (project?.paused) throw new Failure("paused", `The agent is paused: ${project.reason ?? "no reason was given"}`);
  const held = and(eq(issues.id, claim.issueId), eq(issues.version, claim.version));
  const [mine] = await tx.select({ id: issues.id }).from(issues).where(held);
  if (mine === undefined) throw new Failure("stale", "Another worker took over this issue.");
  const day = await spentTodayUsd(tx, projectId);
  if (!(day + call.usdMax <= budget.dailyUsd)) return { kind: "refused", budget: "day", spentUsd: day };
  const issue = await spentOnUsd(tx, claim.issueId);
  if (!(issue + call.usdMax <= budget.issueUsd)) return { kind: "refused", budget: "issue", spentUsd: issue };
  const { request, model, stage, usdMax } = call;
  const tokens = { inputTokens: 0, outputTokens: 0, latencyMs: 0 };
  const row = { projectId, issueId: claim.issueId, fixId, stage, model, request, state: "reserved", costUsd: usdMax };
  const [inserted] = await tx
    .insert(modelCalls)
    .values({ ...row, ...tokens })
    .returning({ id: modelCalls.id });
  if (inserted === undefined) throw new Error("the call was not inserted");
  return { kind: "granted", id: inserted.id };
}

/** What a call really cost, with its answer. Money that was spent is booked whatever became of the claim. */
export async function bookCall(tx: Transaction, id: number, call: ModelCall, answer: unknown): Promise<void> {
  const [booked] = await tx
    .update(modelCalls)
    .set({ ...call, state: "booked", answer })
    .where(and(eq(modelCalls.id, id), eq(modelCalls.state, "reserved")))
    .returning({ fixId: modelCalls.fixId });
  if (booked === undefined) throw new Error(`call ${id} was not reserved, or is booked already`);
  if (booked.fixId === null) return;
  await tx
    .update(fixes)
    .set({ costUsd: sql`${fixes.costUsd} + ${call.costUsd}` })
    .where(eq(fixes.id, booked.fixId));
}

/** No answer came and nothing is charged. */
export async function giveBack(db: Database, id: number): Promise<void> {
  await db.delete(modelCalls).where(and(eq(modelCalls.id, id), eq(modelCalls.state, "reserved")));
}
