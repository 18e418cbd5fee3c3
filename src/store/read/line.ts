import { sql } from "drizzle-orm";
import { z } from "zod";
import type { IssueFacts } from "#domain/issue.ts";
import type { Connection } from "../connect.ts";

/**
 * How many issues have a place before this one (see `Reads.issuesBefore`). Two workers that ask at the same moment both
 * hold their claims by then, and the order of the claims says who is first: a place is never taken twice.
 */
export async function issuesBefore(rows: Connection["rows"], projectId: string, { id }: IssueFacts): Promise<number> {
  const [row] = await rows(
    z.object({ before: z.coerce.number() }),
    sql`WITH me AS (SELECT * FROM agent_issues WHERE id = ${id}),
          lane AS (SELECT lane_issue_id AS id FROM agent_projects WHERE id = ${projectId})
        SELECT count(*) AS before FROM agent_issues i, me WHERE i.project_id = ${projectId} AND i.id <> me.id AND (
          i.status IN ('diagnosing', 'fixing', 'testing')
          OR i.status IN ('staging', 'deploying', 'monitoring', 'rolling_back') AND i.id = (SELECT id FROM lane)
          OR i.status = 'detected' AND i.lease_until > clock_timestamp() AND (i.lease_until, i.id) < (me.lease_until, me.id)
          OR i.status = 'detected' AND (i.lease_until IS NULL OR i.lease_until <= clock_timestamp())
            AND (i.severity, i.created_at, i.id) < (me.severity, me.created_at, me.id)
            -- One that has to wait for its rival keeps nobody else from going.
            AND NOT EXISTS (SELECT 1 FROM agent_issues r WHERE r.project_id = i.project_id AND r.cause_key = i.cause_key
              AND r.id <> i.id AND r.status IN ('diagnosing', 'fixing', 'testing', 'staging', 'awaiting_approval', 'deploying',
                'monitoring', 'rolling_back')))`,
  );
  return row?.before ?? 0;
}
