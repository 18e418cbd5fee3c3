import { and, eq, sql } from "drizzle-orm";
import { Failure } from "#domain/failure.ts";
import type { Severity } from "#domain/issue.ts";
import type { ActiveStatus, Status } from "#domain/lifecycle.ts";
import type { Database, Transaction } from "../connect.ts";
import { issues } from "../schema.ts";

/** What a worker holds after a claim. Whoever writes later names this version; a newer claim makes it worthless. */
export interface Claim {
  issueId: string;
  version: number;
  /** The database's clock at the claim: all decisions of this run count from it. */
  at: Date;
}

/**
 * Takes a due issue for one run of its stage. The attempt is counted here, not at the end: a run that kills its process
 * has used one up (reliability B9). `undefined`: another worker holds it, it has moved on, or it is not due.
 */
export async function claimIssue(
  db: Database,
  wanted: { issueId: string; status: ActiveStatus; owner: string; leaseMs: number },
): Promise<Claim | undefined> {
  const [row] = await db
    .update(issues)
    .set({
      version: sql`${issues.version} + 1`,
      attempts: sql`${issues.attempts} + 1`,
      leaseOwner: wanted.owner,
      leaseUntil: sql`clock_timestamp() + ${wanted.leaseMs} * interval '1 millisecond'`,
    })
    .where(
      and(
        eq(issues.id, wanted.issueId),
        eq(issues.status, wanted.status),
        sql`(${issues.leaseUntil} IS NULL OR ${issues.leaseUntil} < clock_timestamp())`,
        sql`(${issues.nextRunAt} IS NULL OR ${issues.nextRunAt} <= clock_timestamp())`,
      ),
    )
    .returning({ version: issues.version, at: sql<string>`clock_timestamp()::text` });
  return row === undefined ? undefined : { issueId: wanted.issueId, version: row.version, at: new Date(row.at) };
}

/** Prolongs a claim; `false`: it was lost. */
export async function renewLease(db: Database, claim: Claim, leaseMs: number): Promise<boolean> {
  const kept = await db
    .update(issues)
    .set({ leaseUntil: sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'` })
    .where(and(eq(issues.id, claim.issueId), eq(issues.version, claim.version)))
    .returning({ id: issues.id });
  return kept.length > 0;
}

/**
 * Leases, and jobs that were taken, of a process that is known to be dead: the embedded database has exactly one owner at
 * a time. A message that it was sending goes out now, not when its job expires.
 */
export async function releaseAllLeases(db: Database): Promise<void> {
  await db.update(issues).set({ leaseUntil: null, leaseOwner: null }).where(sql`${issues.leaseUntil} IS NOT NULL`);
  await db.execute(sql`UPDATE vigil_queue.job SET state = 'retry', start_after = now() WHERE state = 'active'`);
}

export interface IssueChange {
  title?: string;
  severity?: Severity;
  status?: Status;
  statusReason?: string;
  progress?: string | null;
  attempts?: number;
  nextRunAt?: Date | null;
  fixId?: string | null;
  commitSha?: string | null;
  branchName?: string | null;
  /** `true`: now, by the database's clock. */
  deployed?: boolean;
  resolved?: boolean | "cleared";
}

/** Changes an issue unless someone changed it since it was read; the loser's job runs again and reads afresh. */
export async function changeIssue(
  tx: Transaction,
  issue: { id: string; version: number },
  change: IssueChange,
): Promise<void> {
  const { deployed, resolved, ...columns } = change;
  const changed = await tx
    .update(issues)
    .set({
      ...columns,
      ...(deployed ? { deployedAt: sql`clock_timestamp()` } : {}),
      ...(resolved === true ? { resolvedAt: sql`clock_timestamp()` } : {}),
      ...(resolved === "cleared" ? { resolvedAt: null, deployedAt: null } : {}),
      leaseUntil: null,
      leaseOwner: null,
      version: sql`${issues.version} + 1`,
    })
    .where(and(eq(issues.id, issue.id), eq(issues.version, issue.version)))
    .returning({ id: issues.id });
  if (changed.length === 0) throw new Failure("stale", `Issue ${issue.id} was changed by someone else.`);
}

/** Locks an issue for a command and returns where it stands. */
export async function lockIssue(
  tx: Transaction,
  issueId: string,
): Promise<{ id: string; version: number; status: Status; fixId: string | null } | undefined> {
  const [row] = await tx
    .select({ id: issues.id, version: issues.version, status: issues.status, fixId: issues.fixId })
    .from(issues)
    .where(eq(issues.id, issueId))
    .for("update");
  return row === undefined ? undefined : { ...row, status: row.status as Status };
}

/** Leaves the issue where it is, to be run again after `delayMs`; the used attempt stays counted. Answers when. */
export async function retryIssue(
  tx: Transaction,
  issue: { id: string; version: number },
  retry: { delayMs: number; progress: string },
): Promise<Date> {
  const [row] = await tx
    .update(issues)
    .set({
      nextRunAt: sql`clock_timestamp() + ${retry.delayMs} * interval '1 millisecond'`,
      progress: retry.progress,
      leaseUntil: null,
      leaseOwner: null,
      version: sql`${issues.version} + 1`,
    })
    .where(and(eq(issues.id, issue.id), eq(issues.version, issue.version)))
    .returning({ at: issues.nextRunAt });
  if (!row?.at) throw new Failure("stale", `Issue ${issue.id} was changed by someone else.`);
  return row.at;
}

/** Makes issues due whose progress says that they waited for this, as a sentence of its own or within one. */
export async function wakeWaiting(tx: Transaction, projectId: string, progress: string): Promise<void> {
  await tx
    .update(issues)
    .set({ nextRunAt: null })
    .where(and(eq(issues.projectId, projectId), sql`starts_with(lower(${issues.progress}), lower(${progress}))`));
}
