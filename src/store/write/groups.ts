import { and, eq, isNull, or, sql } from "drizzle-orm";
import type { ErrorEvent } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import type { AnyIssue, Severity } from "#domain/issue.ts";
import type { Status } from "#domain/lifecycle.ts";
import type { Transaction } from "../connect.ts";
import { fingerprints, issues } from "../schema.ts";
import { insertIssue } from "./findings.ts";

/** An issue as merging and splitting see it, held until the transaction ends. */
export interface GroupedIssue {
  id: string;
  title: string;
  status: Status;
  fingerprint: string | null;
  mergedInto: string | null;
}

/** Takes the row's lock: of two operators who regroup the same issue one comes after the other. */
export async function lockGrouped(
  tx: Transaction,
  projectId: string,
  issueId: string,
): Promise<GroupedIssue | undefined> {
  const { id, title, status, fingerprint, mergedInto } = issues;
  const [row] = await tx
    .select({ id, title, status, fingerprint, mergedInto })
    .from(issues)
    .where(and(eq(id, issueId), eq(issues.projectId, projectId)))
    .for("update");
  return row === undefined ? undefined : { ...row, status: row.status as Status };
}

/** One kind of error, as far as splitting needs it. */
export interface Group {
  fingerprint: string;
  issueId: string | null;
  causeKey: string;
  title: string;
  issueType: string;
  sample: ErrorEvent;
  events: number;
  users: number;
  firstSeen: Date;
  lastSeen: Date;
}

/** The group of a fingerprint, locked; `undefined`: nobody ever saw it. */
export async function lockGroup(tx: Transaction, projectId: string, fingerprint: string): Promise<Group | undefined> {
  const [row] = await tx.select().from(fingerprints).where(isGroup(projectId, fingerprint)).for("update");
  if (row === undefined) return undefined;
  const counted = await tx.execute(
    sql`SELECT count(*)::int AS users FROM agent_issue_users WHERE project_id = ${projectId} AND fingerprint = ${fingerprint}`,
  );
  const { issueId, title, issueType, sample, firstSeen, lastSeen } = row;
  const users = Number(Object(counted).rows[0]?.users ?? 0);
  return {
    ...{ fingerprint, issueId, title, issueType, sample, firstSeen, lastSeen, users },
    causeKey: row.causeKey ?? "",
    events: row.eventCount,
  };
}

function isGroup(projectId: string, fingerprint: string) {
  return and(eq(fingerprints.projectId, projectId), eq(fingerprints.fingerprint, fingerprint));
}

/** Everything that belonged to `from` belongs to `into` from now on, and what comes later as well. */
export async function joinGroups(
  tx: Transaction,
  projectId: string,
  { from, into, by }: { from: GroupedIssue; into: GroupedIssue; by: string },
): Promise<void> {
  const own =
    from.fingerprint === null
      ? undefined
      : and(eq(fingerprints.fingerprint, from.fingerprint), isNull(fingerprints.issueId));
  await tx
    .update(fingerprints)
    .set({ issueId: into.id, state: "issue", assignedBy: by })
    .where(and(eq(fingerprints.projectId, projectId), or(eq(fingerprints.issueId, from.id), own)));
  await tx.update(issues).set({ mergedInto: into.id }).where(eq(issues.id, from.id));
  // Whatever was merged into it before goes along.
  await tx.update(issues).set({ mergedInto: into.id }).where(eq(issues.mergedInto, from.id));
  await recount(tx, into.id);
}

/** How many groups an issue has. */
export async function groupsOf(tx: Transaction, issueId: string): Promise<number> {
  const rows = await tx
    .select({ fingerprint: fingerprints.fingerprint })
    .from(fingerprints)
    .where(eq(fingerprints.issueId, issueId));
  return rows.length;
}

/** The issue that the group had opened before it was merged away; `undefined`: it never had one of its own. */
export async function formerIssue(
  tx: Transaction,
  projectId: string,
  fingerprint: string,
): Promise<string | undefined> {
  const [row] = await tx
    .select({ id: issues.id })
    .from(issues)
    .where(and(eq(issues.projectId, projectId), eq(issues.fingerprint, fingerprint)));
  return row?.id;
}

/** Gives a group back to the issue that it opened. */
export async function returnGroup(
  tx: Transaction,
  projectId: string,
  { group, to, by }: { group: Group; to: string; by: string },
): Promise<void> {
  await assign(tx, projectId, group, to, by);
  await tx.update(issues).set({ mergedInto: null }).where(eq(issues.id, to));
  await recount(tx, to);
  if (group.issueId !== null) await recount(tx, group.issueId);
}

/** Opens an issue for a group that had none of its own. */
export async function openForGroup(
  tx: Transaction,
  projectId: string,
  { group, severity, by }: { group: Group; severity: Severity; by: string },
): Promise<AnyIssue> {
  const issue = await insertIssue(tx, projectId, group, { severity, affectedUsers: group.users });
  if (issue === undefined) throw new Failure("stale", "Somebody else opened an issue for this group just now.");
  await assign(tx, projectId, group, issue.id, by);
  if (group.issueId !== null) await recount(tx, group.issueId);
  return issue;
}

async function assign(tx: Transaction, projectId: string, group: Group, issueId: string, by: string): Promise<void> {
  await tx
    .update(fingerprints)
    .set({ issueId, state: "issue", assignedBy: by })
    .where(isGroup(projectId, group.fingerprint));
}

/** An issue's counts are those of all its groups; a user who met two of them is one user. -1 stays: everyone. */
async function recount(tx: Transaction, issueId: string): Promise<void> {
  await tx.execute(sql`
    UPDATE agent_issues i SET
      event_count = (SELECT coalesce(sum(f.event_count), 0) FROM agent_fingerprints f WHERE f.issue_id = i.id),
      affected_users = CASE WHEN i.affected_users = -1 THEN -1 ELSE (
        SELECT count(DISTINCT u.user_hash) FROM agent_issue_users u JOIN agent_fingerprints f USING (project_id, fingerprint)
        WHERE f.issue_id = i.id) END,
      first_seen = coalesce((SELECT min(f.first_seen) FROM agent_fingerprints f WHERE f.issue_id = i.id), i.first_seen),
      last_seen = coalesce((SELECT max(f.last_seen) FROM agent_fingerprints f WHERE f.issue_id = i.id), i.last_seen)
    WHERE i.id = ${issueId}`);
}
