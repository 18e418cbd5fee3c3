import { eq } from "drizzle-orm";
import { Diagnosis } from "#domain/diagnosis.ts";
import type { AnyIssue } from "#domain/issue.ts";
import type { Status } from "#domain/lifecycle.ts";
import type { Database, Transaction } from "../connect.ts";
import { fixes, issues } from "../schema.ts";
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
