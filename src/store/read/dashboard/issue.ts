import { asc, desc, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { Severity } from "#domain/issue.ts";
import { statuses } from "#domain/lifecycle.ts";
import type { IssueView, TimelineEntry } from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { actions, fixes, issues } from "../../schema.ts";
import { loadProject } from "../projects.ts";
import { isLive } from "../standing.ts";
import { approvalViews } from "./approvals.ts";
import { errorSpans } from "./error-spans.ts";
import { fixView, releasesOf } from "./fixes.ts";
import type { Watched } from "./views.ts";

const timelineMax = 500;
const attemptsMax = 50;
const releasesMax = 20;
const hoursShown = sql`interval '7 days'`;

/** One issue with everything that is known of it; `undefined`: there is none. */
export async function issueView(connection: Connection, watched: Watched, id: string): Promise<IssueView | undefined> {
  const { db } = connection;
  const { projectId, repositoryUrl } = watched;
  const [row] = await db.select().from(issues).where(eq(issues.id, id));
  if (row === undefined) return undefined;
  const [timeline, attempts, releases, approvals, cost, hours, seenIn] = await Promise.all([
    timelineOf(connection, id),
    db.select().from(fixes).where(eq(fixes.issueId, id)).orderBy(asc(fixes.attempt)).limit(attemptsMax),
    releasesWithErrors(connection, projectId, id),
    row.status === "awaiting_approval" ? approvalViews(db, watched, id) : [],
    costOf(connection, id),
    hoursOf(connection, projectId, id),
    releasesSeen(connection, id),
  ]);
  return {
    ...columnsOf(row),
    timeline,
    attempts: attempts.map(fixView),
    ...releases,
    isLive: await isLive(db, row.fixId),
    approval: approvals[0] ?? null,
    cost,
    hours,
    seenIn,
    repositoryUrl,
  };
}

function columnsOf(row: typeof issues.$inferSelect) {
  const { id, title, message, statusReason, progress, issueType, environment, release, operation, errorType } = row;
  const { stack, frames, affectedUsers, eventCount, regressions, unverified } = row;
  return {
    ...{ id, title, message, statusReason, progress, issueType, environment, release, operation, errorType },
    ...{ stack, frames, affectedUsers, eventCount, regressions, unverified },
    severity: Severity.parse(row.severity),
    status: statuses.find((status) => status === row.status) ?? "detected",
    statusSince: row.statusSince.toISOString(),
    firstSeen: row.firstSeen.toISOString(),
    lastSeen: row.lastSeen.toISOString(),
    createdAt: row.createdAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
  };
}

/** Of what is judged by its errors, that is what went to production, with them. */
async function releasesWithErrors(connection: Connection, projectId: string, issueId: string) {
  const [{ settings }, found] = await Promise.all([
    loadProject(connection.db, projectId),
    releasesOf(connection.db, [issueId]),
  ]);
  const { production, retention } = settings;
  const releases = await Promise.all(
    (found.get(issueId) ?? []).map(async (release) =>
      release.environment === "production"
        ? { ...release, errors: await errorSpans(connection, { projectId, release, keptDays: retention.minutesDays }) }
        : release,
    ),
  );
  const { risePctRollback, risePctRepeated } = production;
  return { releases, rateLimits: { risePctRollback, risePctRepeated } };
}

async function timelineOf({ db }: Connection, issueId: string): Promise<TimelineEntry[]> {
  const rows = await db
    .select()
    .from(actions)
    .where(eq(actions.issueId, issueId))
    .orderBy(desc(actions.seq))
    .limit(timelineMax);
  return rows.map(timelineEntry);
}

export function timelineEntry(row: typeof actions.$inferSelect): TimelineEntry {
  const { seq, issueId, actor, action, subject, outcome, because, detail } = row;
  return { seq, at: row.at.toISOString(), issueId, actor, action, subject, outcome, because, detail };
}

async function costOf({ rows }: Connection, issueId: string): Promise<IssueView["cost"]> {
  const [cost] = await rows(
    z.object({ usd: z.number(), calls: z.number(), inputTokens: z.coerce.number(), outputTokens: z.coerce.number() }),
    sql`SELECT coalesce(sum(cost_usd), 0)::float8 AS usd, count(*)::int AS calls,
          coalesce(sum(input_tokens + cache_read_tokens + cache_write_tokens), 0)::int8 AS "inputTokens",
          coalesce(sum(output_tokens), 0)::int8 AS "outputTokens"
        FROM agent_model_calls WHERE issue_id = ${issueId}`,
  );
  return cost ?? { usd: 0, calls: 0, inputTokens: 0, outputTokens: 0 };
}

async function hoursOf({ rows }: Connection, projectId: string, issueId: string): Promise<IssueView["hours"]> {
  const found = await rows(
    z.object({ at: z.date(), events: z.coerce.number() }),
    // Before Vigil was there nobody counted: those hours are unknown, and not told as hours without events.
    sql`WITH counted AS (
            SELECT date_trunc('hour', m.minute) AS at, sum(m.events)::int8 AS events
            FROM agent_fingerprints f JOIN agent_event_minutes m USING (project_id, fingerprint)
            WHERE f.issue_id = ${issueId} AND m.environment = 'production' AND m.minute > clock_timestamp() - ${hoursShown}
            GROUP BY 1),
          bounds AS (
            SELECT greatest(clock_timestamp() - ${hoursShown}, least(p.created_at, (SELECT min(at) FROM counted))) AS since
            FROM agent_projects p WHERE p.id = ${projectId})
        SELECT h.at, coalesce(c.events, 0)::int8 AS events
        FROM bounds CROSS JOIN generate_series(date_trunc('hour', since), clock_timestamp(), interval '1 hour') AS h (at)
        LEFT JOIN counted c USING (at) ORDER BY h.at`,
  );
  return found.map(({ at, events }) => ({ at: at.toISOString(), events }));
}

async function releasesSeen({ rows }: Connection, issueId: string): Promise<IssueView["seenIn"]> {
  const found = await rows(
    z.object({ release: z.string(), events: z.coerce.number(), firstSeen: z.date(), lastSeen: z.date() }),
    sql`SELECT m.release, sum(m.events)::int8 AS events, min(m.minute) AS "firstSeen", max(m.minute) AS "lastSeen"
        FROM agent_fingerprints f JOIN agent_event_minutes m USING (project_id, fingerprint)
        WHERE f.issue_id = ${issueId} AND m.release <> ''
          -- All there are: the index begins with them.
          AND m.environment IN ('production', 'staging') GROUP BY m.release ORDER BY max(m.minute) DESC LIMIT ${releasesMax}`,
  );
  return found.map(({ firstSeen, lastSeen, ...seen }) => ({
    ...seen,
    firstSeen: firstSeen.toISOString(),
    lastSeen: lastSeen.toISOString(),
  }));
}
