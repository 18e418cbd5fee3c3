import { and, asc, eq } from "drizzle-orm";
import { Severity } from "#domain/issue.ts";
import type { ApprovalView } from "#domain/view.ts";
import type { Database } from "../../connect.ts";
import { approvals, fixes, issues } from "../../schema.ts";
import { fixView, releasesOf } from "./fixes.ts";
import type { Watched } from "./views.ts";

const shownMax = 20;

/** What waits for a person, with everything there is to decide by; of one issue where it is named. */
export async function approvalViews(
  db: Database,
  { projectId, repositoryUrl }: Watched,
  issueId?: string,
): Promise<ApprovalView[]> {
  const rows = await db
    .select({ approval: approvals, issue: issues, fix: fixes })
    .from(approvals)
    .innerJoin(issues, eq(issues.id, approvals.issueId))
    .innerJoin(fixes, eq(fixes.id, approvals.fixId))
    .where(
      and(
        eq(issues.projectId, projectId),
        eq(approvals.state, "pending"),
        eq(issues.status, "awaiting_approval"),
        issueId === undefined ? undefined : eq(issues.id, issueId),
      ),
    )
    .orderBy(asc(issues.severity), asc(approvals.requestedAt))
    .limit(shownMax);
  const releases = await releasesOf(
    db,
    rows.map(({ issue }) => issue.id),
  );
  return rows.map(({ approval, issue, fix }) => {
    const { title, issueType, operation, affectedUsers, eventCount } = issue;
    const ofThisFix = releases.get(issue.id)?.findLast(({ commit }) => commit === approval.candidateCommit);
    return {
      ...{ issueId: issue.id, title, issueType, operation, affectedUsers, eventCount },
      severity: Severity.parse(issue.severity),
      firstSeen: issue.firstSeen.toISOString(),
      requestedAt: approval.requestedAt.toISOString(),
      expiresAt: approval.expiresAt.toISOString(),
      reasons: approval.reasons,
      effect: afterReasons(issue.statusReason ?? "", approval.reasons),
      fix: { ...fixView(fix), diffHash: approval.diffHash },
      staging: ofThisFix?.environment === "staging" ? ofThisFix : null,
      repositoryUrl,
    };
  });
}

/** The status' reason names the rules first and then what the watch could notice. */
function afterReasons(statusReason: string, reasons: string[]): string {
  const first = reasons.join(" ");
  return statusReason.startsWith(first) ? statusReason.slice(first.length).trim() : "";
}
