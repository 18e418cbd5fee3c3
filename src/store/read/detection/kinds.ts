import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { ErrorEvent } from "#domain/event.ts";
import type { Connection } from "../../connect.ts";
import { knownIssues } from "./known-issue.ts";
import type { Count, UnseenFingerprint } from "./reads.ts";

const servedWindowMs = 5 * 60_000;

const StoredEvent = ErrorEvent.extend({ at: z.coerce.date() });
const UnseenRow = z.object({
  fingerprint: z.string(),
  state: z.enum(["candidate", "issue", "muted", "noise", "dismissed"]),
  cause_key: z.string().nullable(),
  title: z.string(),
  issue_type: z.string(),
  sample: StoredEvent,
  first_seen: z.coerce.date(),
  last_seen: z.coerce.date(),
  own_events: z.coerce.number(),
  issue_id: z.string().nullable(),
});
type UnseenRow = z.infer<typeof UnseenRow>;

/**
 * Where new events change no more than counts: a kind that nobody wants to hear of, or an issue that is open for a while.
 * How grave a young one is shows in its first minute, and decides whether a person is asked.
 */
const onlyCounts = (at: Date) =>
  sql`(f.state IN ('muted', 'noise') OR (i.status NOT IN ('resolved', 'failed', 'rejected', 'dismissed')
    AND i.status_since <= ${iso(new Date(at.getTime() - youngMs))}))`;
const youngMs = 60_000;

/**
 * Kinds of errors with events that detection has not looked at, with everything there is to judge them by. Those whose events
 * only count are left out for `restMs` after each look: a storm of known errors must not keep detection busy.
 */
export async function unseenFingerprints(
  connection: Connection,
  projectId: string,
  { at, restMs }: { at: Date; restMs: number },
  limit: number,
  windowsMs: readonly number[],
): Promise<UnseenFingerprint[]> {
  const found = await connection.rows(
    UnseenRow,
    sql`SELECT f.fingerprint, f.state, f.cause_key, f.title, f.issue_type, f.sample, f.first_seen, f.last_seen,
          f.event_count AS own_events, i.id AS issue_id
        FROM agent_fingerprints f
        LEFT JOIN agent_issues i ON i.id = f.issue_id OR (f.issue_id IS NULL AND i.project_id = f.project_id AND i.fingerprint = f.fingerprint)
        -- A crash may leave a kind without its sample: the next event brings it, and until then it holds up no other.
        WHERE f.project_id = ${projectId} AND f.unseen_count > 0 AND jsonb_typeof(f.sample) = 'object'
          AND (f.looked_at IS NULL OR f.looked_at <= ${iso(new Date(at.getTime() - restMs))} OR ${onlyCounts(at)} IS NOT TRUE)
        ORDER BY f.looked_at NULLS FIRST, f.first_seen LIMIT ${limit}`,
  );
  if (found.length === 0) return [];
  const asked = found.map(({ fingerprint }) => fingerprint);
  const issueIds = found.flatMap(({ issue_id: id }) => id ?? []);
  const [totals, events, users, served, issues] = await Promise.all([
    familyTotals(connection, projectId, asked),
    eventsWithin(connection, projectId, asked, startsOf(at, windowsMs)),
    usersWithin(connection, projectId, asked, startsOf(at, windowsMs)),
    servedLately(connection, projectId, at),
    knownIssues(connection.db, [...new Set(issueIds)]),
  ]);
  return found.map((row) => {
    const own = { events: events.get(row.fingerprint), users: users.get(row.fingerprint) };
    const total = totals.get(row.fingerprint);
    return {
      ...kindOf(row),
      firstSeen: total?.firstSeen ?? row.first_seen,
      lastSeen: total?.lastSeen ?? row.last_seen,
      events: total?.events ?? row.own_events,
      users: own.users?.ever ?? 0,
      recent: new Map(
        windowsMs.map((ms, n): [number, Count] => [
          ms,
          { events: own.events?.[n] ?? 0, users: own.users?.within[n] ?? 0 },
        ]),
      ),
      served: { whole: served.whole, operation: served.of(row.sample.operation) },
      issue: (row.issue_id === null ? undefined : issues.get(row.issue_id)) ?? null,
    };
  });
}

function kindOf({ fingerprint, state, cause_key, title, issue_type, sample, own_events }: UnseenRow) {
  return {
    ...{ fingerprint, state, title, sample },
    causeKey: cause_key ?? fingerprint,
    issueType: issue_type,
    ownEvents: own_events,
  };
}

/** Whether anything is left that detection has not looked at. */
export async function isAnythingUnseen({ rows }: Connection, projectId: string): Promise<boolean> {
  const [row] = await rows(
    z.object({ any: z.boolean() }),
    sql`SELECT EXISTS (SELECT FROM agent_fingerprints WHERE project_id = ${projectId} AND unseen_count > 0
          AND jsonb_typeof(sample) = 'object') AS any`,
  );
  return row?.any === true;
}

function startsOf(at: Date, windowsMs: readonly number[]): Date[] {
  return windowsMs.map((ms) => new Date(at.getTime() - ms));
}

/** Each asked kind with all kinds that belong to the same issue: an issue's counts are the sum over its groups. */
function family(projectId: string, asked: string[]): SQL {
  return sql`asked AS (
      SELECT fingerprint, issue_id, event_count, first_seen, last_seen FROM agent_fingerprints
      WHERE project_id = ${projectId} AND fingerprint = ANY(${sql.param(asked)}::text[])),
    family AS (
      SELECT fingerprint AS asked, fingerprint, event_count, first_seen, last_seen FROM asked WHERE issue_id IS NULL
      UNION ALL
      SELECT a.fingerprint, k.fingerprint, k.event_count, k.first_seen, k.last_seen
      FROM asked a JOIN agent_fingerprints k ON k.issue_id = a.issue_id)`;
}

async function familyTotals({ rows }: Connection, projectId: string, asked: string[]) {
  const found = await rows(
    z.object({ asked: z.string(), events: z.coerce.number(), first: z.coerce.date(), last: z.coerce.date() }),
    sql`WITH ${family(projectId, asked)}
        SELECT asked, sum(event_count) AS events, min(first_seen) AS first, max(last_seen) AS last FROM family GROUP BY asked`,
  );
  return new Map(found.map(({ asked: of, events, first, last }) => [of, { events, firstSeen: first, lastSeen: last }]));
}

async function eventsWithin({ rows }: Connection, projectId: string, asked: string[], starts: Date[]) {
  if (starts.length === 0) return new Map<string, number[]>();
  const columns = starts.map((start) => sql`coalesce(sum(m.events) FILTER (WHERE m.minute > ${iso(start)}), 0)`);
  const found = await rows(
    z.object({ asked: z.string(), counts: z.array(z.coerce.number()) }),
    sql`WITH ${family(projectId, asked)}
        SELECT f.asked, jsonb_build_array(${sql.join(columns, sql`, `)}) AS counts
        FROM family f JOIN agent_event_minutes m ON m.project_id = ${projectId} AND m.environment = 'production'
          AND m.fingerprint = f.fingerprint AND m.minute > ${iso(earliest(starts))}
        GROUP BY f.asked`,
  );
  return new Map(found.map(({ asked: of, counts }) => [of, counts]));
}

async function usersWithin({ rows }: Connection, projectId: string, asked: string[], starts: Date[]) {
  const columns = starts.map((start) => sql`count(*) FILTER (WHERE last_at > ${iso(start)})`);
  const found = await rows(
    z.object({ asked: z.string(), ever: z.coerce.number(), within: z.array(z.coerce.number()) }),
    sql`WITH ${family(projectId, asked)},
          sized AS (SELECT *, count(*) OVER (PARTITION BY asked) AS size FROM family),
          reached AS (
            SELECT f.asked, u.user_hash, u.last_at FROM sized f
            JOIN agent_issue_users u ON u.project_id = ${projectId} AND u.fingerprint = f.fingerprint),
          -- Only of several kinds together can a user be one of each.
          together AS (SELECT asked FROM sized WHERE size > 1)
        SELECT asked, count(*) AS ever, jsonb_build_array(${sql.join(columns, sql`, `)}) AS within
        FROM (
          SELECT asked, last_at FROM reached WHERE asked NOT IN (SELECT asked FROM together)
          UNION ALL
          SELECT asked, max(last_at) FROM reached WHERE asked IN (SELECT asked FROM together) GROUP BY asked, user_hash
        ) AS counted GROUP BY asked`,
  );
  return new Map(found.map(({ asked: of, ever, within }) => [of, { ever, within }]));
}

/** Of the last five minutes' requests in production. */
async function servedLately({ rows }: Connection, projectId: string, at: Date) {
  const since = iso(new Date(at.getTime() - servedWindowMs));
  const [found, errors] = await Promise.all([
    rows(
      z.object({ operation: z.string(), requests: z.coerce.number(), failures: z.coerce.number() }),
      sql`SELECT operation, sum(requests) AS requests, sum(failures) AS failures FROM agent_traffic_minutes
          WHERE project_id = ${projectId} AND environment = 'production' AND minute > ${since} AND minute <= ${iso(at)}
          GROUP BY operation ORDER BY requests DESC LIMIT 5000`,
    ),
    rows(
      z.object({ operation: z.string().nullable(), errors: z.coerce.number() }),
      sql`SELECT f.sample->>'operation' AS operation, sum(m.events) AS errors
          FROM agent_event_minutes m JOIN agent_fingerprints f USING (project_id, fingerprint)
          WHERE m.project_id = ${projectId} AND m.environment = 'production' AND m.minute > ${since} AND f.state <> 'noise'
          GROUP BY 1 ORDER BY 2 DESC LIMIT 5000`,
    ),
  ]);
  // A source that reports the application as a whole may stand beside one that reports each route: never count both.
  const whole = found.find(({ operation }) => operation === "");
  const routes = found
    .filter(({ operation }) => operation !== "")
    .reduce(
      (sum, { requests, failures }) => ({ requests: sum.requests + requests, failures: sum.failures + failures }),
      none,
    );
  const served = whole !== undefined && whole.requests > routes.requests ? whole : routes;
  return {
    whole: { ...served, errors: errors.reduce((sum, row) => sum + row.errors, 0) },
    of: (operation: string | null) => ({
      ...(found.find((row) => operation !== null && row.operation === operation) ?? none),
      errors: errors.find((row) => row.operation === operation)?.errors ?? 0,
    }),
  };
}

const none = { requests: 0, failures: 0 };

function earliest(starts: readonly Date[]): Date {
  return new Date(Math.min(...starts.map((start) => start.getTime())));
}

function iso(at: Date): SQL {
  return sql`${at.toISOString()}::timestamptz`;
}
