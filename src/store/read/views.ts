import { and, asc, desc, eq, gt, lt, sql } from "drizzle-orm";
import { type Status, statuses } from "#domain/lifecycle.ts";
import type { Database } from "../connect.ts";
import { actions, approvals, deployments, fingerprints, fixes, healthChecks, issues, modelCalls } from "../schema.ts";
import { textCondition } from "./dashboard/search.ts";

const timelineMax = 1_000;
const attemptsMax = 50;
const checksMax = 500;
const groupsMax = 100;

export interface IssueFilter {
  status?: Status | undefined;
  /** Words that stand in title, message or operation, or the beginning of an id or commit. */
  text?: string | undefined;
  limit: number;
  /** `createdAt` of the last issue of the page before. */
  before?: string | undefined;
}

/** A page of issues for a list, newest first, each with what is known of its current fix. */
export async function listIssues(
  db: Database,
  projectId: string,
  filter: IssueFilter,
): Promise<Record<string, unknown>[]> {
  const rows = await db
    .select({ issue: issues, fix: fixes })
    .from(issues)
    .leftJoin(fixes, eq(fixes.id, issues.fixId))
    .where(
      and(
        eq(issues.projectId, projectId),
        filter.status === undefined ? undefined : eq(issues.status, filter.status),
        filter.text === undefined ? undefined : textCondition(filter.text, "agent_issues"),
        filter.before === undefined ? undefined : lt(issues.createdAt, new Date(filter.before)),
      ),
    )
    .orderBy(desc(issues.createdAt), desc(issues.id))
    .limit(filter.limit);
  return rows.map(({ issue, fix }) => summary(issue, fix));
}

/** One issue with its timeline, attempts, deployments and checks; `undefined`: there is none. */
export async function showIssue(db: Database, issueId: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await db
    .select({ issue: issues, fix: fixes })
    .from(issues)
    .leftJoin(fixes, eq(fixes.id, issues.fixId))
    .where(eq(issues.id, issueId));
  if (row === undefined) return undefined;
  const [timeline, attempts, releases, asked, cost, groups] = await Promise.all([
    timelineOf(db, issueId),
    db.select().from(fixes).where(eq(fixes.issueId, issueId)).orderBy(asc(fixes.attempt)).limit(attemptsMax),
    deploymentsOf(db, issueId),
    db
      .select()
      .from(approvals)
      .where(eq(approvals.issueId, issueId))
      .orderBy(desc(approvals.requestedAt))
      .limit(attemptsMax),
    db
      .select({ usd: sql<number>`coalesce(sum(${modelCalls.costUsd}), 0)::float8`, calls: sql<number>`count(*)::int` })
      .from(modelCalls)
      .where(eq(modelCalls.issueId, issueId)),
    groupsOf(db, issueId),
  ]);
  return {
    ...summary(row.issue, row.fix),
    stack: row.issue.stack,
    frames: row.issue.frames,
    groups,
    diagnosis: row.fix?.diagnosis ?? null,
    timeline: timeline.statuses(row.issue.createdAt),
    actions: timeline.actions,
    attempts,
    deployments: releases,
    approvals: asked,
    cost: cost[0] ?? { usd: 0, calls: 0 },
  };
}

/** The kinds of errors that belong to an issue, the most frequent first; `assignedBy`: who said so, if no rule did. */
async function groupsOf(db: Database, issueId: string) {
  const { fingerprint, title, causeKey, eventCount, firstSeen, lastSeen, assignedBy } = fingerprints;
  return db
    .select({ fingerprint, title, causeKey, events: eventCount, firstSeen, lastSeen, assignedBy })
    .from(fingerprints)
    .where(eq(fingerprints.issueId, issueId))
    .orderBy(desc(eventCount))
    .limit(groupsMax);
}

function summary(issue: typeof issues.$inferSelect, fix: typeof fixes.$inferSelect | null): Record<string, unknown> {
  const { leaseOwner: _, leaseUntil: __, frames: ___, stack: ____, projectId: project, ...rest } = issue;
  return { ...rest, project, fix: fix === null ? null : fixSummary(fix) };
}

function fixSummary(fix: typeof fixes.$inferSelect) {
  const {
    id,
    attempt,
    engineer,
    confidence,
    estimatedMinutes,
    files,
    diff,
    branch,
    diffHash,
    risks,
    testReport,
    outcome,
    outcomeReason,
  } = fix;
  const { rootCause, fixStrategy } = fix.diagnosis;
  const commit = fix.candidateCommit ?? fix.fixCommit;
  const base = fix.candidateBase ?? fix.baseCommit;
  const claim = fix.claim;
  return {
    ...{ id, attempt, engineer, rootCause, fixStrategy, claim, confidence, estimatedMinutes, files, diff, diffHash },
    ...{ branch, commit, base, risks, tests: testReport, redBeforeGreen: fix.redBeforeGreen, outcome, outcomeReason },
  };
}

async function timelineOf(db: Database, issueId: string) {
  const rows = await db
    .select(actionColumns)
    .from(actions)
    .where(eq(actions.issueId, issueId))
    .orderBy(asc(actions.seq))
    .limit(timelineMax);
  return {
    actions: rows,
    /** The statuses that the issue went through; one that a person inserted starts with its creation. */
    statuses: (createdAt: Date) => {
      const moves = rows.flatMap(({ at, detail, because }) => {
        // Branches move as well, and say where to; only a status belongs here.
        const to = statuses.find((status) => status === detail.to);
        return to === undefined ? [] : [{ at, status: to, because }];
      });
      return moves[0]?.status === "detected" ? moves : [{ at: createdAt, status: "detected", because: "" }, ...moves];
    },
  };
}

async function deploymentsOf(db: Database, issueId: string) {
  const rows = await db
    .select()
    .from(deployments)
    .where(eq(deployments.issueId, issueId))
    .orderBy(asc(deployments.createdAt))
    .limit(attemptsMax);
  return Promise.all(
    rows.map(async (deployment) => ({
      ...deployment,
      checks: await db
        .select()
        .from(healthChecks)
        .where(eq(healthChecks.deploymentId, deployment.id))
        .orderBy(asc(healthChecks.slot), asc(healthChecks.repeat))
        .limit(checksMax),
    })),
  );
}

const actionColumns = {
  seq: actions.seq,
  at: actions.at,
  issueId: actions.issueId,
  actor: actions.actor,
  action: actions.action,
  subject: actions.subject,
  outcome: actions.outcome,
  because: actions.because,
  detail: actions.detail,
};

/** The audit trail after `seq`, oldest first: what a live view has not seen yet. */
export async function actionsAfter(db: Database, projectId: string, seq: number, limit: number) {
  return db
    .select(actionColumns)
    .from(actions)
    .where(and(eq(actions.projectId, projectId), gt(actions.seq, seq)))
    .orderBy(asc(actions.seq))
    .limit(limit);
}
