import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { Severity } from "#domain/issue.ts";
import { type Status, statuses } from "#domain/lifecycle.ts";
import type { FiguresView, HistoryView } from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { storable, textCondition } from "./search.ts";
import type { Watched } from "./views.ts";

export interface HistoryFilter {
  /** Words that stand in title, message or operation, or the beginning of an id or commit. */
  text?: string | undefined;
  status?: Status | undefined;
  severity?: Severity | undefined;
  issueType?: string | undefined;
  /** Created since so many days. */
  days?: number | undefined;
  /** `next` of the page before. */
  after?: string | undefined;
  limit: number;
}

const HistoryRow = z.object({
  id: z.string(),
  title: z.string(),
  severity: Severity,
  status: z.enum(statuses as [Status, ...Status[]]),
  issueType: z.string(),
  reason: z.string().nullable(),
  createdAt: z.date(),
  position: z.string(),
  durationMs: z.coerce.number().nullable(),
  commit: z.string().nullable(),
  branch: z.string().nullable(),
  pullRequestUrl: z.string().nullable(),
  costUsd: z.coerce.number(),
});

/** Microseconds since 1970, as far as the database's calendar goes, and an id. */
const position = /^(\d{1,18})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** A page of issues. Two issues of the same moment have an order as well, so none is left out between two pages. */
export async function historyView(
  { rows }: Connection,
  { projectId, repositoryUrl }: Watched,
  filter: HistoryFilter,
): Promise<HistoryView> {
  const where = conditionOf(projectId, filter);
  const after = position.exec(filter.after ?? "");
  const later =
    after === null
      ? sql``
      : sql` AND (i.created_at, i.id) < (to_timestamp(${after[1]}::numeric / 1000000), ${after[2]}::uuid)`;
  const found = await rows(
    HistoryRow,
    sql`SELECT i.id, i.title, i.severity, i.status, i.issue_type AS "issueType", i.status_reason AS reason,
          i.created_at AS "createdAt", (extract(epoch FROM i.created_at) * 1000000)::int8::text || '.' || i.id AS position,
          CASE WHEN i.status IN ('resolved', 'failed', 'rejected', 'dismissed')
            THEN extract(epoch FROM i.status_since - i.created_at) * 1000 END::float8 AS "durationMs",
          i.commit_sha AS "commit", i.branch_name AS branch,
          (SELECT f.pull_request_url FROM agent_fixes f WHERE f.id = i.fix_id) AS "pullRequestUrl",
          (SELECT coalesce(sum(c.cost_usd), 0)::float8 FROM agent_model_calls c WHERE c.issue_id = i.id) AS "costUsd"
        FROM agent_issues i WHERE ${where}${later}
        ORDER BY i.created_at DESC, i.id DESC LIMIT ${filter.limit + 1}`,
  );
  const [counted] = await rows(
    z.object({ count: z.coerce.number() }),
    sql`SELECT count(*)::int AS count FROM agent_issues i WHERE ${where}`,
  );
  const page = found.slice(0, filter.limit);
  return {
    rows: page.map(({ position: _, createdAt, ...row }) => ({ ...row, createdAt: createdAt.toISOString() })),
    inAll: counted?.count ?? 0,
    next: found.length > filter.limit ? (page.at(-1)?.position ?? null) : null,
    repositoryUrl,
  };
}

const typesMax = 100;

export async function issueTypes({ rows }: Connection, projectId: string): Promise<string[]> {
  const found = await rows(
    z.object({ type: z.string() }),
    sql`SELECT DISTINCT issue_type AS type FROM agent_issues WHERE project_id = ${projectId} ORDER BY 1 LIMIT ${typesMax}`,
  );
  return found.map(({ type }) => type);
}

function conditionOf(projectId: string, { text, status, severity, issueType, days }: HistoryFilter): SQL {
  const parts = [sql`i.project_id = ${projectId}`];
  if (status !== undefined) parts.push(sql`i.status = ${status}`);
  if (severity !== undefined) parts.push(sql`i.severity = ${severity}`);
  if (issueType !== undefined) parts.push(sql`i.issue_type = ${storable(issueType)}`);
  if (days !== undefined) parts.push(sql`i.created_at > clock_timestamp() - ${days} * interval '1 day'`);
  if (text !== undefined && text !== "") parts.push(textCondition(text, "i"));
  return sql.join(parts, sql` AND `);
}

const Figures = z.object({
  created: z.coerce.number(),
  resolved: z.coerce.number(),
  failed: z.coerce.number(),
  dismissed: z.coerce.number(),
  rolledBack: z.coerce.number(),
  deployed: z.coerce.number(),
  minor: z.coerce.number(),
  minorAlone: z.coerce.number(),
  medianToStagingMs: z.coerce.number().nullable(),
  meanFixMs: z.coerce.number().nullable(),
  medianFixMs: z.coerce.number().nullable(),
  spendUsd: z.coerce.number(),
});

/** The figures of the last days, by the definitions of spec.md §16. */
export async function figuresView({ rows }: Connection, projectId: string, days: number): Promise<FiguresView> {
  const since = sql`clock_timestamp() - ${days} * interval '1 day'`;
  const [figures] = await rows(
    Figures,
    // Joined once, not looked up for each issue: deployments and approvals have no index by issue.
    sql`WITH recent AS (
          SELECT i.*, extract(epoch FROM i.resolved_at - i.created_at) * 1000 AS fix_ms,
            extract(epoch FROM d.staged_at - i.created_at) * 1000 AS staging_ms, coalesce(d.deployed, false) AS deployed,
            f.issue_id IS NOT NULL AS rolled_back, a.issue_id IS NOT NULL AS asked
          FROM agent_issues i
          LEFT JOIN (SELECT issue_id, bool_or(environment = 'production') AS deployed,
              min(watch_from) FILTER (WHERE environment = 'staging') AS staged_at
            FROM agent_deployments GROUP BY issue_id) d ON d.issue_id = i.id
          LEFT JOIN (SELECT DISTINCT issue_id FROM agent_fixes WHERE outcome = 'rolled_back') f ON f.issue_id = i.id
          LEFT JOIN (SELECT DISTINCT issue_id FROM agent_approvals) a ON a.issue_id = i.id
          WHERE i.project_id = ${projectId} AND i.created_at > ${since})
        SELECT count(*)::int AS created,
          count(*) FILTER (WHERE status = 'resolved')::int AS resolved,
          count(*) FILTER (WHERE status IN ('failed', 'rejected'))::int AS failed,
          count(*) FILTER (WHERE status = 'dismissed')::int AS dismissed,
          count(*) FILTER (WHERE rolled_back)::int AS "rolledBack",
          count(*) FILTER (WHERE deployed)::int AS deployed,
          count(*) FILTER (WHERE severity >= 'P2' AND status IN ('resolved', 'failed', 'rejected'))::int AS minor,
          count(*) FILTER (WHERE severity >= 'P2' AND status = 'resolved' AND NOT asked)::int AS "minorAlone",
          percentile_cont(0.5) WITHIN GROUP (ORDER BY staging_ms)::float8 AS "medianToStagingMs",
          avg(fix_ms)::float8 AS "meanFixMs",
          percentile_cont(0.5) WITHIN GROUP (ORDER BY fix_ms)::float8 AS "medianFixMs",
          (SELECT coalesce(sum(cost_usd), 0)::float8 FROM agent_model_calls WHERE project_id = ${projectId} AND at > ${since}) AS "spendUsd"
        FROM recent`,
  );
  if (figures === undefined) throw new Error("the figures were not counted");
  const { deployed, minor, minorAlone, ...shown } = figures;
  return {
    days,
    ...shown,
    successPct: percent(shown.resolved, shown.resolved + shown.failed),
    withoutPersonPct: percent(minorAlone, minor),
    keptPct: percent(deployed - shown.rolledBack, deployed),
    falsePositivePct: percent(shown.dismissed, shown.created),
    perDay: await perDay(rows, projectId, days),
  };
}

function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : (100 * part) / whole;
}

async function perDay(rows: Connection["rows"], projectId: string, days: number): Promise<FiguresView["perDay"]> {
  return rows(
    z.object({
      day: z.string(),
      created: z.coerce.number(),
      resolved: z.coerce.number(),
      failed: z.coerce.number(),
      rolledBack: z.coerce.number(),
      spendUsd: z.coerce.number(),
    }),
    // Each table is read once, however many days there are.
    sql`WITH bounds AS (SELECT date_trunc('day', clock_timestamp()) AS today,
            date_trunc('day', clock_timestamp()) - (${days}::int - 1) * interval '1 day' AS since),
          told AS (
            SELECT created_at AS at, 1 AS created, 0 AS resolved, 0 AS failed, 0 AS rolled, 0 AS usd
              FROM agent_issues WHERE project_id = ${projectId}
            UNION ALL SELECT resolved_at, 0, 1, 0, 0, 0 FROM agent_issues WHERE project_id = ${projectId}
            UNION ALL SELECT status_since, 0, 0, 1, 0, 0 FROM agent_issues
              WHERE project_id = ${projectId} AND status IN ('failed', 'rejected')
            UNION ALL SELECT f.updated_at, 0, 0, 0, 1, 0 FROM agent_fixes f JOIN agent_issues i ON i.id = f.issue_id
              WHERE i.project_id = ${projectId} AND f.outcome = 'rolled_back'
            UNION ALL SELECT at, 0, 0, 0, 0, cost_usd FROM agent_model_calls
              WHERE project_id = ${projectId} AND at > now() - ${days} * interval '1 day'),
          counted AS (
            SELECT date_trunc('day', at) AS day, sum(created)::int AS created, sum(resolved)::int AS resolved,
              sum(failed)::int AS failed, sum(rolled)::int AS rolled, sum(usd)::float8 AS usd
            FROM told, bounds WHERE at >= since GROUP BY 1)
        SELECT to_char(d.day, 'YYYY-MM-DD') AS day, coalesce(created, 0) AS created, coalesce(resolved, 0) AS resolved,
          coalesce(failed, 0) AS failed, coalesce(rolled, 0) AS "rolledBack", coalesce(usd, 0) AS "spendUsd"
        FROM bounds CROSS JOIN generate_series(since, today, interval '1 day') AS d (day) LEFT JOIN counted USING (day) ORDER BY d.day`,
  );
}
