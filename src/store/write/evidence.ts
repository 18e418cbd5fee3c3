import { and, eq, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import type { Evidence } from "#domain/evidence.ts";
import type { IssueId } from "#domain/ids.ts";
import type { Transaction } from "../connect.ts";
import { approvals, deployments, fixes, healthChecks } from "../schema.ts";

/** Which rows a piece of evidence belongs to. `fixId` is the attempt at hand; a new attempt replaces it. */
export interface Place {
  projectId: string;
  issueId: IssueId;
  fixId: string | null;
}

/** Writes what a stage found and returns the attempt that is current afterwards. */
export async function writeEvidence(tx: Transaction, place: Place, evidence: Evidence[]): Promise<string | null> {
  let { fixId } = place;
  for (const item of evidence) fixId = await writeOne(tx, { ...place, fixId }, item);
  return fixId;
}

async function writeOne(tx: Transaction, place: Place, item: Evidence): Promise<string | null> {
  const { fixId } = place;
  switch (item.kind) {
    case "diagnosis":
    case "next_attempt":
      return insertAttempt(tx, place, item);
    case "written_fix": {
      const { kind: _, base, commit, ...columns } = item;
      await updateFix(tx, fixId, { ...columns, baseCommit: base, fixCommit: commit });
      return fixId;
    }
    case "attempt_failed":
      await updateFix(tx, fixId, {
        outcome: "failed",
        outcomeReason: item.because,
        // A diff that Git made stays; this one is of an attempt that came to no commit.
        ...(item.diff === null ? {} : { diff: sql`coalesce(${fixes.diff}, ${item.diff})` }),
      });
      return fixId;
    case "candidate": {
      const { commit, tree, base, diffHash } = item.candidate;
      const rebuilds = item.rebuilt ? sql`${fixes.rebuilds} + 1` : sql`${fixes.rebuilds}`;
      const candidate = { candidateCommit: commit, candidateTree: tree, candidateBase: base, diffHash };
      await updateFix(tx, fixId, { ...candidate, testReport: null, rebuilds });
      return fixId;
    }
    case "pull_request": {
      const { url, number, head, mergeAskedAt } = item.pullRequest;
      const columns = { pullRequestUrl: url, pullRequestNumber: number, pullRequestHead: head, mergeAskedAt };
      await updateFix(tx, fixId, columns);
      return fixId;
    }
    case "landed":
      await recordLanding(tx, fixId, item);
      return fixId;
    case "tests":
      await updateFix(tx, fixId, { testReport: item.report, redBeforeGreen: item.redBeforeGreen });
      return fixId;
    case "deployment":
      await upsertDeployment(tx, place, item.deployment);
      return fixId;
    case "health": {
      const { deploymentId, sample } = item;
      await tx
        .insert(healthChecks)
        .values({ deploymentId, ...sample })
        .onConflictDoNothing();
      return fixId;
    }
    case "verdict":
      await recordVerdict(tx, item);
      return fixId;
    case "approval_requested":
      await askApproval(tx, place, item.approval);
      return fixId;
    case "approval_ended":
      await tx
        .update(approvals)
        .set({ state: item.state, decisionReason: item.because, decidedAt: sql`clock_timestamp()` })
        .where(and(eq(approvals.issueId, place.issueId), sql`${approvals.state} IN ('pending', 'approved')`));
      return fixId;
    case "opinion":
    case "freeze":
    case "note":
      return fixId;
  }
}

async function insertAttempt(
  tx: Transaction,
  { issueId }: Place,
  { diagnosis, feedback }: Extract<Evidence, { kind: "diagnosis" | "next_attempt" }>,
): Promise<string> {
  const [row] = await tx
    .insert(fixes)
    .values({
      issueId,
      attempt: sql`(SELECT coalesce(max(f.attempt), 0) + 1 FROM agent_fixes f WHERE f.issue_id = ${issueId})`,
      engineer: diagnosis.engineer,
      causeClass: diagnosis.causeClass,
      diagnosis,
      claim: diagnosis.claim,
      confidence: diagnosis.confidence,
      estimatedMinutes: diagnosis.estimatedMinutes,
      feedback,
    })
    .returning({ id: fixes.id });
  if (row === undefined) throw new Error("the attempt was not inserted");
  return row.id;
}

async function updateFix(tx: Transaction, fixId: string | null, columns: Record<string, unknown>): Promise<void> {
  if (fixId === null) throw new Error("evidence about a fix that does not exist");
  await tx
    .update(fixes)
    .set({ ...columns, updatedAt: sql`clock_timestamp()` })
    .where(eq(fixes.id, fixId));
}

async function upsertDeployment(
  tx: Transaction,
  { issueId, fixId }: Place,
  deployment: Extract<Evidence, { kind: "deployment" }>["deployment"],
): Promise<void> {
  if (fixId === null) throw new Error("a deployment without a fix");
  const { commit, verdict: _, lastRisePct: __, ...columns } = deployment;
  const { startedAt, baseline, previousCommit, environment, ...later } = columns;
  // A release that was given up and is prepared again begins anew.
  const anew = (was: AnyPgColumn, given: string) =>
    sql`CASE WHEN ${deployments.state} = 'failed' THEN ${sql.raw(`excluded.${given}`)} ELSE ${was} END`;
  await tx
    .insert(deployments)
    .values({ issueId, fixId, commitSha: commit, startedAt, baseline, previousCommit, environment, ...later })
    .onConflictDoUpdate({
      target: [deployments.fixId, deployments.environment, deployments.commitSha],
      set: {
        ...later,
        startedAt: anew(deployments.startedAt, "started_at"),
        baseline: anew(deployments.baseline, "baseline"),
        previousCommit: anew(deployments.previousCommit, "previous_commit"),
        updatedAt: sql`clock_timestamp()`,
      },
    });
}

/** The prepared release is one of what landed: the same tree under another commit. */
async function recordLanding(
  tx: Transaction,
  fixId: string | null,
  { commit, startedAt, previousCommit, baseline }: Extract<Evidence, { kind: "landed" }>,
): Promise<void> {
  if (fixId === null) throw new Error("evidence about a fix that does not exist");
  const candidate = sql`(SELECT f.candidate_commit FROM agent_fixes f WHERE f.id = ${fixId})`;
  await tx
    .update(deployments)
    .set({ commitSha: commit, startedAt, previousCommit, baseline, updatedAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(deployments.fixId, fixId),
        eq(deployments.environment, "production"),
        eq(deployments.commitSha, candidate),
        eq(deployments.state, "pending"),
      ),
    );
  await updateFix(tx, fixId, { candidateCommit: commit });
}

async function recordVerdict(tx: Transaction, item: Extract<Evidence, { kind: "verdict" }>): Promise<void> {
  const { verdict, claim, risePct } = item;
  await tx
    .update(deployments)
    .set({
      verdict: verdict.kind,
      verdictReason: verdict.because,
      claimVerdict: claim?.kind ?? null,
      claimReason: claim?.because ?? null,
      lastRisePct: risePct,
      updatedAt: sql`clock_timestamp()`,
    })
    .where(eq(deployments.id, item.deploymentId));
}

async function askApproval(
  tx: Transaction,
  { issueId, fixId }: Place,
  approval: Extract<Evidence, { kind: "approval_requested" }>["approval"],
): Promise<void> {
  if (fixId === null) throw new Error("an approval without a fix");
  const { candidate, policyHash, environment, expiresAt, reasons } = approval;
  await tx.insert(approvals).values({
    issueId,
    fixId,
    environment,
    candidateCommit: candidate.commit,
    candidateTree: candidate.tree,
    candidateBase: candidate.base,
    diffHash: candidate.diffHash,
    policyHash,
    reasons,
    expiresAt,
  });
}
