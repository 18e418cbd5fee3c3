import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { type Approval, Candidate } from "#domain/fix.ts";
import { Environment } from "#domain/ids.ts";
import type { Transaction } from "../connect.ts";
import { approvals } from "../schema.ts";

/** The open question of an issue, with the database's time to judge its expiry by. */
export async function pendingApproval(
  tx: Transaction,
  issueId: string,
): Promise<(Approval & { id: string; databaseNow: Date }) | undefined> {
  const [row] = await tx
    .select({ approval: approvals, now: sql<string>`clock_timestamp()::text` })
    .from(approvals)
    .where(and(eq(approvals.issueId, issueId), eq(approvals.state, "pending")));
  if (row === undefined) return undefined;
  const {
    id,
    candidateCommit: commit,
    candidateTree: tree,
    candidateBase: base,
    diffHash,
    policyHash,
    ...rest
  } = row.approval;
  return {
    id,
    candidate: Candidate.parse({ commit, tree, base, diffHash }),
    policyHash,
    environment: Environment.parse(rest.environment),
    expiresAt: rest.expiresAt,
    state: "pending",
    reasons: z.array(z.string()).parse(rest.reasons),
    decidedBy: null,
    databaseNow: new Date(row.now),
  };
}

/** An issue that leaves without an answer takes its question along: an open one would stand in the way of the next. */
export async function withdrawApproval(tx: Transaction, issueId: string, because: string): Promise<void> {
  await tx
    .update(approvals)
    .set({ state: "void", decisionReason: because, decidedAt: sql`clock_timestamp()` })
    .where(and(eq(approvals.issueId, issueId), eq(approvals.state, "pending")));
}

export async function decideApproval(
  tx: Transaction,
  id: string,
  decision: { state: "approved" | "rejected"; by: string; reason: string | null },
): Promise<void> {
  await tx
    .update(approvals)
    .set({
      state: decision.state,
      decidedBy: decision.by,
      decisionReason: decision.reason,
      decidedAt: sql`clock_timestamp()`,
    })
    .where(eq(approvals.id, id));
}
