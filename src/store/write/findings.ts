import { and, eq, sql } from "drizzle-orm";
import type { AnyIssue, Severity } from "#domain/issue.ts";
import type { Transaction } from "../connect.ts";
import { factsOf } from "../read/issues.ts";
import type { UnseenFingerprint } from "../read/reads.ts";
import { fingerprints, issues } from "../schema.ts";

interface Impact {
  severity: Severity;
  affectedUsers: number;
}

/** Opens the issue of a fingerprint. */
export async function insertIssue(
  tx: Transaction,
  projectId: string,
  group: UnseenFingerprint,
  impact: Impact,
): Promise<AnyIssue> {
  const { sample } = group;
  const [row] = await tx
    .insert(issues)
    .values({
      projectId,
      ...impact,
      issueType: group.issueType,
      title: group.title,
      message: sample.message,
      fingerprint: group.fingerprint,
      causeKey: group.causeKey,
      environment: sample.environment,
      release: sample.release,
      errorType: sample.errorType,
      stack: sample.stack,
      frames: sample.frames,
      operation: sample.operation,
      eventCount: group.events,
      unverified: sample.trust === "browser",
      firstSeen: group.firstSeen,
      lastSeen: group.lastSeen,
    })
    .returning();
  if (row === undefined) throw new Error("the issue was not inserted");
  return { ...factsOf(row), status: "detected" };
}

/** Brings counts and impact up to date. The severity of an open issue only rises (detection.md §2.4.5). */
export async function updateImpact(
  tx: Transaction,
  issueId: string,
  group: UnseenFingerprint,
  impact: Impact,
): Promise<void> {
  await tx
    .update(issues)
    .set({
      eventCount: group.events,
      lastSeen: group.lastSeen,
      affectedUsers: sql`CASE WHEN ${issues.affectedUsers} = -1 THEN -1 ELSE ${impact.affectedUsers} END`,
      severity: sql`least(${issues.severity}, ${impact.severity})`,
    })
    .where(eq(issues.id, issueId));
}

/** A resolved issue whose error returned in a release that holds the fix starts again, with the new facts. */
export async function reopenIssue(
  tx: Transaction,
  issue: AnyIssue,
  group: UnseenFingerprint,
  impact: Impact,
): Promise<AnyIssue> {
  const { sample } = group;
  const [row] = await tx
    .update(issues)
    .set({
      ...impact,
      status: "detected",
      statusReason: "regression",
      regressions: sql`${issues.regressions} + 1`,
      release: sample.release,
      stack: sample.stack,
      frames: sample.frames,
      message: sample.message,
      unverified: sample.trust === "browser",
      eventCount: group.events,
      lastSeen: group.lastSeen,
      fixId: null,
      resolvedAt: null,
      deployedAt: null,
      attempts: 0,
      nextRunAt: null,
      version: sql`${issues.version} + 1`,
    })
    .where(and(eq(issues.id, issue.id), eq(issues.version, issue.version), eq(issues.status, "resolved")))
    .returning();
  if (row === undefined) throw new Error("the issue was changed by someone else");
  return { ...factsOf(row), status: "detected" };
}

/** Takes what was looked at off the unseen count, and links the group to its issue. */
export async function markSeen(
  tx: Transaction,
  projectId: string,
  { fingerprint }: UnseenFingerprint,
  count: number,
  issueId: string | null,
): Promise<void> {
  await tx
    .update(fingerprints)
    .set({
      unseenCount: sql`greatest(0, ${fingerprints.unseenCount} - ${count})`,
      ...(issueId === null ? {} : { issueId, state: "issue" }),
    })
    .where(and(eq(fingerprints.projectId, projectId), eq(fingerprints.fingerprint, fingerprint)));
}
