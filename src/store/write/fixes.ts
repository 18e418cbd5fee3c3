import { and, eq, sql } from "drizzle-orm";
import type { Transaction } from "../connect.ts";
import { fixes } from "../schema.ts";

/** The branch and the pull request of an ended attempt need no further look. */
export async function noteWithdrawn(tx: Transaction, fixId: string): Promise<void> {
  await tx.update(fixes).set({ withdrawnAt: sql`clock_timestamp()` }).where(eq(fixes.id, fixId));
}

/** How an attempt ended, with the sentence that ended it. One that ended before keeps its end; only a rollback outranks it. */
export async function endFix(
  tx: Transaction,
  fixId: string,
  outcome: "resolved" | "failed" | "rejected" | "rolled_back" | "dismissed",
  because: string,
): Promise<void> {
  const replaceable =
    outcome === "rolled_back" ? sql`${fixes.outcome} IN ('open', 'resolved', 'failed')` : eq(fixes.outcome, "open");
  await tx
    .update(fixes)
    .set({ outcome, outcomeReason: because, updatedAt: sql`clock_timestamp()` })
    .where(and(eq(fixes.id, fixId), replaceable));
}
