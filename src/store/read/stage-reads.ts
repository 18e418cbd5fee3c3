import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { ErrorEvent, Frame } from "#domain/event.ts";
import type { Measurement } from "#domain/evidence.ts";
import { Sha } from "#domain/ids.ts";
import type { Status } from "#domain/lifecycle.ts";
import type { Connection } from "../connect.ts";
import { issues } from "../schema.ts";
import { factsOf } from "./issues.ts";
import { pastIssues } from "./past-issues.ts";
import type { Reads, Rival, UnseenFingerprint } from "./reads.ts";
import { watchReads } from "./watch.ts";

/** Below so many requests a share of failures means nothing (detection.md §3 vector 32). */
const requestsMin = 20;
const RivalRow = z.object({ id: z.string(), title: z.string() });
const Count = z.object({ count: z.coerce.number() });
const StoredEvent = ErrorEvent.extend({ at: z.coerce.date() });

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
    unseenFingerprints: (limit) => unseenFingerprints(connection, projectId, limit),
  };
}

const UnseenRow = z.object({
  fingerprint: z.string(),
  state: z.enum(["candidate", "issue", "muted", "noise", "dismissed"]),
  cause_key: z.string(),
  title: z.string(),
  issue_type: z.string(),
  sample: StoredEvent,
  first_seen: z.coerce.date(),
  last_seen: z.coerce.date(),
  events: z.coerce.number(),
  unseen: z.coerce.number(),
  users: z.coerce.number(),
  users_last_hour: z.coerce.number(),
  events_last_hour: z.coerce.number(),
  issue_id: z.string().nullable(),
  fix_commit: z.string().nullable(),
});

async function unseenFingerprints(
  connection: Connection,
  projectId: string,
  limit: number,
): Promise<UnseenFingerprint[]> {
  const found = await connection.rows(
    UnseenRow,
    sql`SELECT f.fingerprint, f.state, f.cause_key, f.title, f.issue_type, f.sample, f.first_seen, f.last_seen,
          f.event_count AS events, f.unseen_count AS unseen, i.id AS issue_id, x.fix_commit,
          (SELECT count(*) FROM agent_issue_users u WHERE u.project_id = f.project_id AND u.fingerprint = f.fingerprint) AS users,
          (SELECT count(*) FROM agent_issue_users u WHERE u.project_id = f.project_id AND u.fingerprint = f.fingerprint
            AND u.last_at >= clock_timestamp() - interval '1 hour') AS users_last_hour,
          (SELECT coalesce(sum(m.events), 0) FROM agent_event_minutes m WHERE m.project_id = f.project_id AND m.environment = 'production'
            AND m.fingerprint = f.fingerprint AND m.minute >= clock_timestamp() - interval '1 hour') AS events_last_hour
        FROM agent_fingerprints f
        LEFT JOIN agent_issues i ON i.id = f.issue_id OR (f.issue_id IS NULL AND i.project_id = f.project_id AND i.fingerprint = f.fingerprint)
        LEFT JOIN agent_fixes x ON x.id = i.fix_id
        WHERE f.project_id = ${projectId} AND f.unseen_count > 0 ORDER BY f.first_seen LIMIT ${limit}`,
  );
  const failedShare = found.length === 0 ? undefined : await failedShareOf(connection, projectId);
  return Promise.all(
    found.map(async (row) => ({
      fingerprint: row.fingerprint,
      state: row.state,
      causeKey: row.cause_key,
      title: row.title,
      issueType: row.issue_type,
      sample: row.sample,
      firstSeen: row.first_seen,
      lastSeen: row.last_seen,
      events: row.events,
      eventsUnseen: row.unseen,
      eventsLastHour: row.events_last_hour,
      users: row.users,
      usersLastHour: row.users_last_hour,
      failedShare: failedShare ?? { kind: "unmeasured", why: "not asked" },
      issue: row.issue_id === null ? null : await issueOf(connection, row.issue_id, row.fix_commit),
    })),
  );
}

async function issueOf(
  { db }: Connection,
  issueId: string,
  fixCommit: string | null,
): Promise<UnseenFingerprint["issue"]> {
  const [row] = await db
    .select()
    .from(issues)
    .where(and(eq(issues.id, issueId)));
  if (row === undefined) return null;
  const commit = fixCommit === null ? null : Sha.parse(fixCommit);
  return { ...factsOf(row), status: row.status as Status, fixCommit: commit, resolvedAt: row.resolvedAt };
}

async function failedShareOf({ rows }: Connection, projectId: string): Promise<Measurement> {
  const [row] = await rows(
    z.object({ requests: z.coerce.number(), failures: z.coerce.number() }),
    sql`SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(failures), 0) AS failures FROM agent_traffic_minutes
        WHERE project_id = ${projectId} AND environment = 'production' AND minute >= clock_timestamp() - interval '5 minutes'`,
  );
  if (row === undefined || row.requests < requestsMin) {
    return { kind: "unmeasured", why: `fewer than ${requestsMin} requests in 5 minutes` };
  }
  return { kind: "measured", value: row.failures / row.requests };
}
