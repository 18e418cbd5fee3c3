import { asc, inArray } from "drizzle-orm";
import type { FixView, ReleaseView } from "#domain/view.ts";
import type { Database } from "../../connect.ts";
import { deployments, type fixes, healthChecks } from "../../schema.ts";

const releasesMax = 50;
const checksMax = 2_000;

export function fixView(row: typeof fixes.$inferSelect): FixView {
  const { id, attempt, diagnosis, files, diff, risks, branch, diffHash, outcome, outcomeReason, feedback, costUsd } =
    row;
  return {
    ...{ id, attempt, diagnosis, files, diff, risks, branch, diffHash, outcome, outcomeReason, feedback, costUsd },
    commit: row.candidateCommit ?? row.fixCommit,
    base: row.candidateBase ?? row.baseCommit,
    tests: row.testReport,
    redBeforeGreen: row.redBeforeGreen,
    pullRequestUrl: row.pullRequestUrl,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** The releases of these issues with every look at them, oldest first. */
export async function releasesOf(db: Database, issueIds: string[]): Promise<Map<string, ReleaseView[]>> {
  const byIssue = new Map<string, ReleaseView[]>();
  if (issueIds.length === 0) return byIssue;
  const rows = await db
    .select()
    .from(deployments)
    .where(inArray(deployments.issueId, issueIds))
    .orderBy(asc(deployments.createdAt))
    .limit(releasesMax * issueIds.length);
  const looks = await looksAt(
    db,
    rows.map(({ id }) => id),
  );
  for (const row of rows) {
    const release = { ...releaseView(row), checks: looks.get(row.id) ?? [] };
    byIssue.set(row.issueId, [...(byIssue.get(row.issueId) ?? []), release]);
  }
  return byIssue;
}

function releaseView(row: typeof deployments.$inferSelect): Omit<ReleaseView, "checks"> {
  const { id, url, state, verdict, verdictReason, claimVerdict, claimReason, baseline, lastRisePct } = row;
  return {
    ...{ id, url, state, verdict, verdictReason, claimVerdict, claimReason, baseline, lastRisePct },
    environment: row.environment === "production" ? "production" : "staging",
    commit: row.commitSha,
    from: row.watchFrom?.toISOString() ?? null,
    until: row.watchUntil?.toISOString() ?? null,
    errors: null,
  };
}

async function looksAt(db: Database, deploymentIds: string[]): Promise<Map<string, ReleaseView["checks"]>> {
  const byRelease = new Map<string, ReleaseView["checks"]>();
  if (deploymentIds.length === 0) return byRelease;
  const rows = await db
    .select()
    .from(healthChecks)
    .where(inArray(healthChecks.deploymentId, deploymentIds))
    .orderBy(asc(healthChecks.slot), asc(healthChecks.repeat))
    .limit(checksMax);
  for (const { deploymentId, slot, repeat, outcome, because, httpStatus, latencyMs, servedCommit, checkedAt } of rows) {
    const known = outcome === "healthy" || outcome === "unhealthy" ? outcome : "no_data";
    const at = checkedAt.toISOString();
    const look = { slot, repeat, outcome: known, at, because, httpStatus, latencyMs, servedCommit } as const;
    byRelease.set(deploymentId, [...(byRelease.get(deploymentId) ?? []), look]);
  }
  return byRelease;
}
