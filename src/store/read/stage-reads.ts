import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import { Frame } from "#domain/event.ts";
import { Sha } from "#domain/ids.ts";
import type { Connection } from "../connect.ts";
import { issues } from "../schema.ts";
import { trafficHistory } from "./detection/traffic.ts";
import { issuesBefore } from "./line.ts";
import { pastIssues } from "./past-issues.ts";
import type { Reads, Rival } from "./reads.ts";
import { watchReads } from "./watch.ts";

const RivalRow = z.object({ id: z.string(), title: z.string() });
const Placed = z.object({ commit: Sha });
const Count = z.object({ count: z.coerce.number() });

/** Everything that stages may ask, for one project. */
export function readsOf(connection: Connection, projectId: string): Reads {
  const { rows, db } = connection;
  return {
    ...watchReads(connection, projectId),
    frames: async (issueId) => {
      const [row] = await db.select({ frames: issues.frames }).from(issues).where(eq(issues.id, issueId));
      return z.array(Frame).parse(row?.frames ?? []);
    },
    pastIssues: (issue) => pastIssues(connection, projectId, issue),
    inFlightWithCause: async ({ id, causeKey }) => {
      if (causeKey === null) return undefined;
      const found = await rows(
        RivalRow,
        sql`SELECT id, title FROM agent_issues WHERE project_id = ${projectId} AND cause_key = ${causeKey} AND id <> ${id}
            AND status IN ('diagnosing', 'fixing', 'testing', 'staging', 'awaiting_approval', 'deploying', 'monitoring', 'rolling_back')
            ORDER BY created_at LIMIT 1`,
      );
      return found[0];
    },
    inFlightBefore: async ({ id, causeKey, createdAt }) => {
      if (causeKey === null) return undefined;
      const at = createdAt.toISOString();
      const found = await rows(
        RivalRow,
        sql`SELECT id, title FROM agent_issues WHERE project_id = ${projectId} AND cause_key = ${causeKey} AND id <> ${id}
            AND (status IN ('testing', 'staging', 'awaiting_approval', 'deploying', 'monitoring', 'rolling_back')
              OR status IN ('diagnosing', 'fixing') AND (date_trunc('milliseconds', created_at), id) < (${at}::timestamptz, ${id}::uuid))
            ORDER BY created_at LIMIT 1`,
      );
      return found[0];
    },
    inFlightTouching: async (issueId, files): Promise<Rival | undefined> => {
      const found = await rows(
        RivalRow,
        sql`SELECT i.id, i.title FROM agent_issues i JOIN agent_fixes f ON f.id = i.fix_id
            WHERE i.project_id = ${projectId} AND i.id <> ${issueId}
              AND i.status IN ('testing', 'staging', 'awaiting_approval', 'deploying', 'monitoring', 'rolling_back')
              AND EXISTS (SELECT 1 FROM jsonb_array_elements_text(f.files) AS file
                WHERE file IN (SELECT jsonb_array_elements_text(${JSON.stringify(files)}::jsonb)))
            ORDER BY i.created_at LIMIT 1`,
      );
      return found[0];
    },
    fixesWrittenSince: async (issueId, since, exceptFixId) => {
      const [row] = await rows(
        Count,
        sql`SELECT count(*)::int AS count FROM agent_fixes WHERE issue_id = ${issueId} AND fix_commit IS NOT NULL
            AND candidate_commit IS NOT NULL AND created_at >= ${since.toISOString()}::timestamptz
            AND (${exceptFixId}::uuid IS NULL OR id <> ${exceptFixId}::uuid)`,
      );
      return row?.count ?? 0;
    },
    placedOn: async (issueId, branch) => {
      const found = await rows(
        Placed,
        sql`SELECT coalesce(detail->>'to', detail->>'commit') AS commit FROM agent_actions
            WHERE issue_id = ${issueId} AND subject = ${branch} AND outcome = 'intended'
              AND action IN ('repository.publish', 'repository.advance', 'repository.replace')
            ORDER BY seq DESC LIMIT 100`,
      );
      return found.map(({ commit }) => commit);
    },
    patchTried: async (patchHash, exceptFixId) => {
      const [row] = await rows(
        Count,
        sql`SELECT count(*)::int AS count FROM agent_fixes f JOIN agent_issues i ON i.id = f.issue_id
            WHERE i.project_id = ${projectId} AND f.patch_hash = ${patchHash} AND f.id <> ${exceptFixId}
              AND (f.outcome = 'rolled_back' OR f.outcome = 'failed' AND (
                f.test_report->>'outcome' NOT IN ('passed', 'no_tests') AND f.test_report->>'baseline' IS NULL
                OR EXISTS (SELECT 1 FROM agent_deployments d WHERE d.fix_id = f.id AND d.verdict = 'failed')))`,
      );
      return (row?.count ?? 0) > 0;
    },
    rollbacksSince: async (since) => {
      const [row] = await rows(
        Count,
        sql`SELECT count(*)::int AS count FROM agent_fixes f JOIN agent_issues i ON i.id = f.issue_id
            WHERE i.project_id = ${projectId} AND f.outcome = 'rolled_back' AND f.updated_at >= ${since.toISOString()}::timestamptz`,
      );
      return row?.count ?? 0;
    },
    issuesBefore: async (issue) => issuesBefore(rows, projectId, issue),
    trafficHistory: (environment, at) => trafficHistory(rows, projectId, environment, at),
  };
}
