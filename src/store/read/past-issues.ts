import { sql } from "drizzle-orm";
import { z } from "zod";
import { Sha } from "#domain/ids.ts";
import type { IssueFacts } from "#domain/issue.ts";
import type { Connection } from "../connect.ts";
import type { PastIssue } from "./reads.ts";

const pastMax = 5;

const PastRow = z.object({
  title: z.string(),
  likeness: z.enum(["same_error", "same_place", "same_kind"]),
  status: z.string(),
  because: z.string(),
  rootCause: z.string().nullable(),
  commit: Sha.nullable().catch(null),
  endedAt: z.date(),
});

/** What became of problems like this one: the same error before, then the same place, then the same kind on the same route. */
export async function pastIssues(
  { rows }: Pick<Connection, "rows">,
  projectId: string,
  { id, causeKey, issueType, errorType, operation }: IssueFacts,
): Promise<PastIssue[]> {
  return rows(
    PastRow,
    sql`SELECT i.title, i.status, coalesce(f.outcome_reason, i.status_reason, '') AS because, i.status_since AS "endedAt",
          f.diagnosis->>'rootCause' AS "rootCause", coalesce(f.candidate_commit, f.fix_commit) AS "commit",
          CASE WHEN i.id = ${id} THEN 'same_error' WHEN i.cause_key = ${causeKey} THEN 'same_place' ELSE 'same_kind' END AS likeness
        FROM agent_issues i LEFT JOIN agent_fixes f ON f.issue_id = i.id AND (i.id = ${id} OR f.id = i.fix_id)
        WHERE i.project_id = ${projectId}
          AND (i.id = ${id} AND f.outcome <> 'open'
            OR i.id <> ${id} AND i.status IN ('resolved', 'failed', 'rejected', 'dismissed')
              AND (i.cause_key = ${causeKey} OR i.issue_type = ${issueType} AND i.error_type = ${errorType} AND i.operation = ${operation}))
        ORDER BY i.id = ${id} DESC, i.cause_key = ${causeKey} DESC NULLS LAST, i.status_since DESC LIMIT ${pastMax}`,
  );
}
