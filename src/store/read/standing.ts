import { and, eq } from "drizzle-orm";
import { Diagnosis } from "#domain/diagnosis.ts";
import type { AnyIssue } from "#domain/issue.ts";
import type { Status } from "#domain/lifecycle.ts";
import type { Database, Transaction } from "../connect.ts";
import { deployments, fixes, issues } from "../schema.ts";
import { factsOf } from "./issues.ts";

/** An issue in any status, with the attempt at hand: what a command and its notices need. */
export async function standingOf(
  db: Database | Transaction,
  issueId: string,
): Promise<AnyIssue & { fixId: string | null; diagnosis: Diagnosis | null }> {
  const [row] = await db
    .select({ issue: issues, diagnosis: fixes.diagnosis })
    .from(issues)
    .leftJoin(fixes, eq(fixes.id, issues.fixId))
    .where(eq(issues.id, issueId));
  if (row === undefined) throw new Error(`issue ${issueId} vanished under its lock`);
  const diagnosis = row.diagnosis === null ? null : Diagnosis.parse(row.diagnosis);
  return { ...factsOf(row.issue), status: row.issue.status as Status, fixId: row.issue.fixId, diagnosis };
}

/** Whether this attempt was brought to production and not taken back since; `null`: there is no attempt at hand. */
export async function isLive(db: Database | Transaction, fixId: string | null): Promise<boolean> {
  if (fixId === null) return false;
  const { fixId: ofFix, environment, state } = deployments;
  const [row] = await db
    .select({ id: deployments.id })
    .from(deployments)
    .where(and(eq(ofFix, fixId), eq(environment, "production"), eq(state, "ready")))
    .limit(1);
  return row !== undefined;
}
