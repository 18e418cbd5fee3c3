import { and, asc, desc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { Diagnosis } from "#domain/diagnosis.ts";
import type { Deployment, HealthSample } from "#domain/evidence.ts";
import {
  type Approval,
  Candidate,
  Feedback,
  type PlannedFix,
  type PullRequest,
  Risk,
  type TestedFix,
  TestReport,
  type WrittenFix,
} from "#domain/fix.ts";
import { Environment, FixId, IssueId, Sha } from "#domain/ids.ts";
import { type Issue, type IssueFacts, Severity } from "#domain/issue.ts";
import { isActive, type Status } from "#domain/lifecycle.ts";
import type { Database, Transaction } from "../connect.ts";
import { approvals, deployments, fixes, healthChecks, issues } from "../schema.ts";

type Reader = Database | Transaction;
const samplesMax = 5_000;

/** An issue with everything its stage needs; `undefined`: there is none, or it has nothing to do. Rows are parsed, not trusted. */
export async function loadIssue(db: Reader, issueId: string): Promise<Issue | undefined> {
  const [row] = await db.select().from(issues).where(eq(issues.id, issueId));
  if (row === undefined) return undefined;
  const facts = factsOf(row);
  const status = row.status as Status;
  if (!isActive(status)) return undefined;
  switch (status) {
    case "detected":
    case "diagnosing":
      return { ...facts, status };
    case "fixing":
      return { ...facts, status, fix: plannedFix(await fixRow(db, row.fixId)) };
    case "testing":
      return { ...facts, status, fix: writtenFix(await fixRow(db, row.fixId)) };
    case "staging": {
      const fix = testedFix(await fixRow(db, row.fixId));
      const deployment = await deploymentOf(db, fix, "staging");
      return { ...facts, status, fix, deployment, samples: await samplesOf(db, deployment) };
    }
    case "awaiting_approval": {
      const fix = testedFix(await fixRow(db, row.fixId));
      const approval = await approvalOf(db, fix, "pending");
      if (approval === null) throw new Error(`issue ${issueId} waits for an approval that was never asked for`);
      return { ...facts, status, fix, approval };
    }
    case "deploying": {
      const fix = testedFix(await fixRow(db, row.fixId));
      const deployment = await deploymentOf(db, fix, "production");
      return { ...facts, status, fix, approval: await approvalOf(db, fix, "approved"), deployment };
    }
    case "monitoring":
    case "rolling_back": {
      const fix = testedFix(await fixRow(db, row.fixId));
      const deployment = await deploymentOf(db, fix, "production");
      if (deployment === null) throw new Error(`issue ${issueId} is ${status} without a deployment`);
      if (status === "rolling_back") return { ...facts, status, fix, deployment, because: row.statusReason ?? "" };
      return { ...facts, status, fix, deployment, samples: await samplesOf(db, deployment) };
    }
  }
}

/** What an issue row says, whatever its status. */
export function factsOf(row: typeof issues.$inferSelect): IssueFacts {
  return {
    id: IssueId.parse(row.id),
    project: row.projectId,
    severity: Severity.parse(row.severity),
    issueType: row.issueType,
    title: row.title,
    message: row.message,
    affectedUsers: row.affectedUsers,
    fingerprint: row.fingerprint,
    causeKey: row.causeKey,
    environment: Environment.parse(row.environment),
    release: row.release,
    errorType: row.errorType,
    stack: row.stack,
    operation: row.operation,
    eventCount: row.eventCount,
    unverified: row.unverified,
    firstSeen: row.firstSeen,
    lastSeen: row.lastSeen,
    createdAt: row.createdAt,
    version: row.version,
    attempts: row.attempts,
    statusSince: row.statusSince,
  };
}

async function fixRow(db: Reader, fixId: string | null): Promise<typeof fixes.$inferSelect> {
  const [row] = fixId === null ? [] : await db.select().from(fixes).where(eq(fixes.id, fixId));
  if (row === undefined) throw new Error("the issue has no fix at a status that needs one");
  return row;
}

function plannedFix(row: typeof fixes.$inferSelect): PlannedFix {
  return {
    id: FixId.parse(row.id),
    attempt: row.attempt,
    diagnosis: Diagnosis.parse(row.diagnosis),
    feedback: z.array(Feedback).parse(row.feedback),
    createdAt: row.createdAt,
  };
}

function writtenFix(row: typeof fixes.$inferSelect): WrittenFix {
  const { candidateCommit: commit, candidateTree: tree, candidateBase: base, diffHash } = row;
  return {
    ...plannedFix(row),
    branch: z.string().parse(row.branch),
    base: Sha.parse(row.baseCommit),
    commit: Sha.parse(row.fixCommit),
    files: z.array(z.string()).parse(row.files),
    diff: row.diff ?? "",
    risks: z.array(Risk).parse(row.risks),
    approvalFiles: z.array(z.string()).parse(row.approvalFiles),
    rebuilds: row.rebuilds,
    pullRequest: pullRequestOf(row),
    candidate: commit === null ? null : Candidate.parse({ commit, tree, base, diffHash }),
  };
}

function pullRequestOf(row: typeof fixes.$inferSelect): PullRequest | null {
  const { pullRequestUrl: url, pullRequestNumber: number, mergeAskedAt } = row;
  const head = Sha.parse(row.pullRequestHead ?? row.fixCommit);
  return url === null || number === null ? null : { url, number, head, mergeAskedAt };
}

function testedFix(row: typeof fixes.$inferSelect): TestedFix {
  const fix = writtenFix(row);
  if (fix.candidate === null) throw new Error("the fix has no candidate at a status that needs one");
  return { ...fix, candidate: fix.candidate, tests: TestReport.parse(row.testReport) };
}

async function deploymentOf(db: Reader, fix: TestedFix, environment: Environment): Promise<Deployment | null> {
  const [row] = await db
    .select()
    .from(deployments)
    .where(
      and(
        eq(deployments.fixId, fix.id),
        eq(deployments.environment, environment),
        eq(deployments.commitSha, fix.candidate.commit),
      ),
    );
  if (row === undefined) return null;
  const { id, providerId, url, state, baseline, startedAt, watchFrom, watchUntil, extended, verdict, lastRisePct } =
    row;
  return {
    id,
    environment,
    commit: Sha.parse(row.commitSha),
    previousCommit: row.previousCommit === null ? null : Sha.parse(row.previousCommit),
    providerId,
    url,
    state: z.enum(["pending", "ready", "failed", "taken_back"]).parse(state),
    baseline: baseline ?? null,
    startedAt,
    watchFrom,
    watchUntil,
    extended,
    verdict: z.enum(["watching", "passed", "failed", "inconclusive"]).nullable().parse(verdict),
    lastRisePct,
  };
}

/** The looks of a watch in the order in which they were due. */
async function samplesOf(db: Reader, deployment: Deployment | null): Promise<HealthSample[]> {
  if (deployment === null) return [];
  const rows = await db
    .select()
    .from(healthChecks)
    .where(eq(healthChecks.deploymentId, deployment.id))
    .orderBy(asc(healthChecks.slot), asc(healthChecks.repeat))
    .limit(samplesMax);
  return rows.map(({ slot, repeat, scheduledAt, outcome, because, servedCommit, httpStatus, latencyMs }) => ({
    slot,
    repeat,
    scheduledAt,
    outcome: z.enum(["healthy", "unhealthy", "no_data"]).parse(outcome),
    because,
    servedCommit,
    httpStatus,
    latencyMs,
  }));
}

/** The question about this very fix: an answer that an earlier run of the issue got says nothing about it. */
async function approvalOf(db: Reader, fix: TestedFix, state: "pending" | "approved"): Promise<Approval | null> {
  const [row] = await db
    .select()
    .from(approvals)
    .where(and(eq(approvals.fixId, fix.id), eq(approvals.state, state)))
    .orderBy(desc(approvals.requestedAt))
    .limit(1);
  if (row === undefined) return null;
  const { candidateCommit: commit, candidateTree: tree, candidateBase: base, diffHash } = row;
  return {
    candidate: Candidate.parse({ commit, tree, base, diffHash }),
    policyHash: row.policyHash,
    environment: Environment.parse(row.environment),
    expiresAt: row.expiresAt,
    state,
    reasons: z.array(z.string()).parse(row.reasons),
    decidedBy: row.decidedBy,
  };
}

/** Issues with something due and nobody at work: what the sweep gives a job again. Oldest first. */
export async function dueIssues(
  db: Reader,
  projectId: string,
  limit: number,
): Promise<{ id: string; status: string }[]> {
  return db
    .select({ id: issues.id, status: issues.status })
    .from(issues)
    .where(
      and(
        eq(issues.projectId, projectId),
        sql`${issues.status} NOT IN ('resolved', 'failed', 'rejected', 'dismissed')`,
        sql`(${issues.leaseUntil} IS NULL OR ${issues.leaseUntil} < clock_timestamp())`,
        sql`(${issues.nextRunAt} IS NULL OR ${issues.nextRunAt} <= clock_timestamp())`,
      ),
    )
    .orderBy(asc(issues.nextRunAt), asc(issues.createdAt))
    .limit(limit);
}
