import { and, asc, eq, isNotNull, isNull, ne, notInArray, or, sql } from "drizzle-orm";
import { z } from "zod";
import { FixId, IssueId, Sha } from "#domain/ids.ts";
import { activeStatuses } from "#domain/lifecycle.ts";
import type { Database } from "../connect.ts";
import { fixes, issues } from "../schema.ts";

/** An attempt that is over and whose branch may still be there. */
export interface EndedFix {
  id: FixId;
  issueId: IssueId;
  branch: string;
  /** What the agent put on the branch, at one time or another. */
  commits: Sha[];
  outcome: "failed" | "rejected" | "rolled_back" | "dismissed" | "resolved";
  because: string;
  /** A later attempt at the same issue took its place. */
  isSuperseded: boolean;
}

/** Attempts that ended and were not cleared away, longest ended first. One that its issue still works with is left alone. */
export async function fixesToWithdraw(db: Database, projectId: string, limit: number): Promise<EndedFix[]> {
  const { fixCommit, candidateCommit, pullRequestHead } = fixes;
  const later = sql`SELECT 1 FROM agent_fixes later WHERE later.issue_id = ${fixes.issueId} AND later.attempt > ${fixes.attempt}`;
  const rows = await db
    .select({
      ...{ id: fixes.id, issueId: fixes.issueId, branch: fixes.branch, outcome: fixes.outcome },
      ...{ because: fixes.outcomeReason, fixCommit, candidateCommit, pullRequestHead },
      isSuperseded: sql<boolean>`EXISTS (${later})`,
    })
    .from(fixes)
    .innerJoin(issues, eq(issues.id, fixes.issueId))
    .where(
      and(
        eq(issues.projectId, projectId),
        isNotNull(fixes.branch),
        ne(fixes.outcome, "open"),
        isNull(fixes.withdrawnAt),
        or(isNull(issues.fixId), ne(issues.fixId, fixes.id), notInArray(issues.status, [...activeStatuses])),
      ),
    )
    .orderBy(asc(fixes.updatedAt))
    .limit(limit);
  return rows.map(({ id, issueId, branch, outcome, because, isSuperseded, ...row }) => ({
    id: FixId.parse(id),
    issueId: IssueId.parse(issueId),
    branch: z.string().parse(branch),
    commits: [row.fixCommit, row.candidateCommit, row.pullRequestHead].flatMap(
      (commit) => Sha.safeParse(commit).data ?? [],
    ),
    outcome: z.enum(["failed", "rejected", "rolled_back", "dismissed", "resolved"]).parse(outcome),
    because: because ?? "",
    isSuperseded,
  }));
}
