import { and, eq, sql } from "drizzle-orm";
import type { AnyIssue, IssueState, Severity } from "#domain/issue.ts";
import type { Mute } from "#domain/mute.ts";
import type { Transaction } from "../connect.ts";
import type { KnownIssue, UnseenFingerprint } from "../read/detection/reads.ts";
import { factsOf } from "../read/issues.ts";
import { issues } from "../schema.ts";
import { counts, texts } from "./columns.ts";

interface Impact {
  severity: Severity;
  affectedUsers: number;
}

/** What an issue takes over from the kind of error that opens it. */
type Opening = Pick<
  UnseenFingerprint,
  "fingerprint" | "causeKey" | "title" | "issueType" | "sample" | "events" | "firstSeen" | "lastSeen"
>;

/** Which rule opened it, and in a sentence each why it is an issue and why it is so grave. */
interface Reasons {
  rule: string;
  stateReason: string;
  severityReason: string;
}

/** Opens the issue of a fingerprint. `undefined`: somebody else did at the same moment. */
export async function insertIssue(
  tx: Transaction,
  projectId: string,
  group: Opening,
  impact: Impact & Partial<Reasons>,
): Promise<AnyIssue | undefined> {
  const { sample } = group;
  return insert(tx, {
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
  });
}

/** What an issue says of a problem that no single event tells of. */
export interface ConditionFacts extends Impact {
  key: string;
  issueType: string;
  title: string;
  message: string;
  operation: string | null;
}

/** Opens the issue of a condition. `undefined`: somebody else did at the same moment. */
export async function insertCondition(
  tx: Transaction,
  projectId: string,
  { key, ...facts }: ConditionFacts & Reasons,
): Promise<AnyIssue | undefined> {
  return insert(tx, { projectId, ...facts, fingerprint: key, eventCount: 1 });
}

async function insert(tx: Transaction, values: typeof issues.$inferInsert): Promise<AnyIssue | undefined> {
  const [row] = await tx
    .insert(issues)
    .values(values)
    .onConflictDoNothing({ target: [issues.projectId, issues.fingerprint], where: sql`fingerprint IS NOT NULL` })
    .returning();
  return row === undefined ? undefined : { ...factsOf(row), status: "detected" };
}

/** How the problem goes on, and since when. */
export interface StateChange {
  state: IssueState;
  because: string;
}

function stateColumns({ state, because }: StateChange) {
  return { state, stateReason: because, stateSince: sql`clock_timestamp()` };
}

/**
 * An issue that had ended or was ignored starts again, with the new facts. `undefined`: it was changed since it was read,
 * and the next pass looks again.
 */
export async function reopenIssue(
  tx: Transaction,
  issue: Pick<KnownIssue, "id" | "version" | "status">,
  facts: Partial<typeof issues.$inferInsert> & Impact & Pick<Reasons, "severityReason">,
  change: StateChange,
): Promise<AnyIssue | undefined> {
  const [row] = await tx
    .update(issues)
    .set({
      lastSeen: sql`clock_timestamp()`,
      ...facts,
      ...stateColumns(change),
      status: "detected",
      statusReason: change.because,
      regressions: sql`${issues.regressions} + ${change.state === "regressed" ? 1 : 0}`,
      fixId: null,
      resolvedAt: null,
      deployedAt: null,
      mute: null,
      dismissedVolume: null,
      falseAlarm: false,
      attempts: 0,
      nextRunAt: null,
      version: sql`${issues.version} + 1`,
    })
    .where(and(eq(issues.id, issue.id), eq(issues.version, issue.version), eq(issues.status, issue.status)))
    .returning();
  return row === undefined ? undefined : { ...factsOf(row), status: "detected" };
}

/** The columns of a sample that a returned issue shows. */
export function sampleColumns({ sample, events, lastSeen }: UnseenFingerprint) {
  const { release, stack, frames, message, trust } = sample;
  return { release, stack, frames, message, unverified: trust === "browser", eventCount: events, lastSeen };
}

/** Notes how a problem goes on; whoever works on it is not disturbed. */
export async function noteState(
  tx: Transaction,
  issueId: string,
  change: StateChange & { severity?: Severity; severityReason?: string; isSpike?: boolean },
): Promise<void> {
  const { severity, severityReason, isSpike = false } = change;
  await tx
    .update(issues)
    .set({
      ...stateColumns(change),
      ...(isSpike ? { spikedAt: sql`clock_timestamp()` } : {}),
      ...(severity === undefined ? {} : { severity: sql`least(${issues.severity}, ${severity})`, severityReason }),
    })
    .where(eq(issues.id, issueId));
}

/** Ignored until it gets worse (`policy/coming-back.ts`). */
export async function setMute(tx: Transaction, issueId: string, mute: Mute): Promise<void> {
  await tx.update(issues).set({ mute }).where(eq(issues.id, issueId));
}

/** A person says that it never was a problem: its rule is to blame. */
export async function noteFalseAlarm(tx: Transaction, issueId: string): Promise<void> {
  await tx.update(issues).set({ falseAlarm: true }).where(eq(issues.id, issueId));
}

/** Notes that a problem stopped by itself; `false`: somebody noted it already. Holds the row until the transaction ends. */
export async function noteRecovery(tx: Transaction, issueId: string, because: string): Promise<boolean> {
  const noted = await tx
    .update(issues)
    .set(stateColumns({ state: "recovered", because }))
    .where(and(eq(issues.id, issueId), sql`${issues.state} <> 'recovered'`))
    .returning({ id: issues.id });
  return noted.length > 0;
}

/** A condition that still holds. The severity of an open issue only rises. */
export async function noteCondition(
  tx: Transaction,
  issueId: string,
  { severity, severityReason, message }: Pick<ConditionFacts, "severity" | "message"> & Pick<Reasons, "severityReason">,
): Promise<void> {
  const isGraver = sql`${severity} < ${issues.severity}`;
  await tx
    .update(issues)
    .set({
      message,
      lastSeen: sql`clock_timestamp()`,
      eventCount: sql`${issues.eventCount} + 1`,
      severityReason: sql`CASE WHEN ${isGraver} THEN ${severityReason} ELSE ${issues.severityReason} END`,
      severity: sql`least(${issues.severity}, ${severity})`,
    })
    .where(eq(issues.id, issueId));
}

/** Counts and impact of an open issue. */
export interface Update extends Impact {
  issueId: string;
  events: number;
  firstSeen: Date;
  lastSeen: Date;
  severityReason: string;
}

/**
 * Brings many issues up to date in one statement. The severity of an open issue only rises, and its reason with it; -1
 * (everyone) stays (detection.md §2.4.5).
 */
export async function updateImpacts(tx: Transaction, updates: readonly Update[]): Promise<void> {
  if (updates.length === 0) return;
  const column = <Value>(of: (update: Update) => Value) => updates.map(of);
  await tx.execute(sql`
    UPDATE agent_issues AS i SET
      event_count = given.events,
      first_seen = least(i.first_seen, given.first_seen::timestamptz),
      last_seen = greatest(i.last_seen, given.last_seen::timestamptz),
      affected_users = CASE WHEN i.affected_users = -1 THEN -1 ELSE given.users END,
      severity_reason = CASE WHEN given.severity < i.severity THEN given.reason ELSE i.severity_reason END,
      severity = least(i.severity, given.severity)
    FROM unnest(
      ${texts(column(({ issueId }) => issueId))}, ${counts(column(({ events }) => events))},
      ${texts(column(({ firstSeen }) => firstSeen.toISOString()))}, ${texts(column(({ lastSeen }) => lastSeen.toISOString()))},
      ${counts(column(({ affectedUsers }) => affectedUsers))}, ${texts(column(({ severity }) => severity))},
      ${texts(column(({ severityReason }) => severityReason))})
      AS given (id, events, first_seen, last_seen, users, severity, reason)
    WHERE i.id = given.id::uuid`);
}

/** Who was looked at: what arrived since it was read stays unseen, for the next pass. */
export interface Seen {
  fingerprint: string;
  ownEvents: number;
  /** The issue it belongs to from now on; `null`: none yet. */
  issueId: string | null;
}

/** Marks many kinds as looked at in one statement. Rows are locked in the order in which the intake locks them. */
export async function markSeen(tx: Transaction, projectId: string, seen: readonly Seen[]): Promise<void> {
  if (seen.length === 0) return;
  await tx.execute(sql`
    WITH locked AS (
      SELECT fingerprint FROM agent_fingerprints WHERE project_id = ${projectId}
        AND fingerprint = ANY(${texts(seen.map(({ fingerprint }) => fingerprint))}) ORDER BY fingerprint FOR UPDATE)
    UPDATE agent_fingerprints AS f SET
      unseen_count = greatest(0, f.event_count - given.events),
      looked_at = clock_timestamp(),
      issue_id = coalesce(f.issue_id, given.issue_id::uuid),
      state = CASE WHEN given.issue_id IS NULL THEN f.state ELSE 'issue' END
    FROM locked, unnest(
      ${texts(seen.map(({ fingerprint }) => fingerprint))}, ${counts(seen.map(({ ownEvents }) => ownEvents))},
      ${texts(seen.map(({ issueId }) => issueId))}) AS given (fingerprint, events, issue_id)
    WHERE f.project_id = ${projectId} AND f.fingerprint = given.fingerprint AND locked.fingerprint = given.fingerprint`);
}
