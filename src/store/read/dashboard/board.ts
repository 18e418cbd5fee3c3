import { and, asc, desc, eq, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import { Severity } from "#domain/issue.ts";
import { type ActiveStatus, activeStatuses } from "#domain/lifecycle.ts";
import type { BoardView, FlightView, UsageView } from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { actions, approvals, fixes, issues } from "../../schema.ts";
import { loadProject, type Project, usageOf } from "../projects.ts";
import type { StageLengths } from "./stage-lengths.ts";

const flightsMax = 100;
const waitingMax = 100;
/** The last looks of a watch that are drawn. */
const checksMax = 60;

/** Everything that moves on the dashboard, in one bounded reading. */
export async function boardView(
  connection: Connection,
  projectId: string,
  stageLengths: () => Promise<StageLengths>,
): Promise<BoardView> {
  const { db, rows } = connection;
  const [now] = await rows(
    z.object({ at: z.date(), seq: z.coerce.number() }),
    // The trail's end is read before the state: what is committed in between is told again, never left out.
    sql`SELECT clock_timestamp() AS at, coalesce((SELECT max(${actions.seq}) FROM ${actions}), 0) AS seq`,
  );
  const project = await loadProject(db, projectId);
  const [flights, counted, waiting, usage, usualMs] = await Promise.all([
    flightsOf(connection, projectId),
    countFlights(connection, projectId),
    waitingOf(connection, projectId),
    usageView(connection, project),
    stageLengths(),
  ]);
  return {
    seq: now?.seq ?? 0,
    at: (now?.at ?? new Date(0)).toISOString(),
    paused: pausedOf(project),
    autonomyLevel: project.settings.autonomyLevel,
    usage,
    flights,
    usualMs,
    flightsInAll: counted,
    waiting,
  };
}

function pausedOf({ paused, pausedReason, pausedBy, resumeAt }: Project): BoardView["paused"] {
  if (!paused) return null;
  return { because: pausedReason ?? "", by: pausedBy, until: resumeAt?.toISOString() ?? null };
}

async function usageView({ db }: Connection, { id, settings }: Project): Promise<UsageView> {
  const used = await usageOf(db, id);
  const { limits, budget } = settings;
  return {
    fixesThisHour: { used: used.fixesThisHour, limit: limits.fixesPerHour },
    deploymentsToday: { used: used.deploymentsToday, limit: limits.deploymentsPerDay },
    spendTodayUsd: { used: used.spendTodayUsd, limit: budget.dailyUsd },
  };
}

/** What waits for a person is no flight: it stands under the approvals. */
const flying = activeStatuses.filter((status) => status !== "awaiting_approval");

async function flightsOf({ db, rows }: Connection, projectId: string): Promise<FlightView[]> {
  const found = await db
    .select({ issue: issues, attempt: fixes.attempt })
    .from(issues)
    .leftJoin(fixes, eq(fixes.id, issues.fixId))
    .where(and(eq(issues.projectId, projectId), inArray(issues.status, [...flying])))
    .orderBy(desc(sql`array_position(${sql.raw(arrayOf(flying))}, ${issues.status})`), asc(issues.statusSince))
    .limit(flightsMax);
  const watches = await openWatches(
    rows,
    found.flatMap(({ issue }) => (isWatched(issue.status) ? [issue.id] : [])),
  );
  return found.map(({ issue, attempt }) => ({
    id: issue.id,
    title: issue.title,
    severity: Severity.parse(issue.severity),
    // The query asks for nothing else.
    status: flying.find((status) => status === issue.status) ?? "detected",
    statusSince: issue.statusSince.toISOString(),
    progress: issue.progress,
    nextRunAt: issue.nextRunAt?.toISOString() ?? null,
    attempt,
    affectedUsers: issue.affectedUsers,
    eventCount: issue.eventCount,
    watch: watches.get(issue.id) ?? null,
  }));
}

function arrayOf(statuses: readonly ActiveStatus[]): string {
  return `ARRAY[${statuses.map((status) => `'${status}'`).join(",")}]::text[]`;
}

function isWatched(status: string): boolean {
  return status === "staging" || status === "monitoring";
}

const WatchRow = z.object({
  issueId: z.string(),
  environment: z.enum(["staging", "production"]),
  from: z.date(),
  until: z.date(),
  checks: z.array(
    z.object({ slot: z.number(), repeat: z.number(), outcome: z.enum(["healthy", "unhealthy", "no_data"]) }),
  ),
});

async function openWatches(rows: Connection["rows"], issueIds: string[]) {
  const watches = new Map<string, NonNullable<FlightView["watch"]>>();
  if (issueIds.length === 0) return watches;
  const found = await rows(
    WatchRow,
    sql`SELECT DISTINCT ON (d.issue_id) d.issue_id AS "issueId", d.environment, d.watch_from AS "from", d.watch_until AS "until",
          (SELECT coalesce(jsonb_agg(jsonb_build_object('slot', c.slot, 'repeat', c.repeat, 'outcome', c.outcome) ORDER BY c.slot, c.repeat), '[]')
            FROM (SELECT slot, repeat, outcome FROM agent_health_checks WHERE deployment_id = d.id
              ORDER BY slot DESC, repeat DESC LIMIT ${checksMax}) c) AS checks
        FROM agent_deployments d
        WHERE d.issue_id = ANY (${sql.param(`{${issueIds.join(",")}}`)}::uuid[]) AND d.watch_from IS NOT NULL AND d.watch_until IS NOT NULL
        ORDER BY d.issue_id, d.created_at DESC`,
  );
  for (const { issueId, environment, from, until, checks } of found) {
    watches.set(issueId, { environment, from: from.toISOString(), until: until.toISOString(), checks });
  }
  return watches;
}

async function countFlights({ db }: Connection, projectId: string): Promise<number> {
  return db.$count(issues, and(eq(issues.projectId, projectId), inArray(issues.status, [...flying])));
}

async function waitingOf({ db }: Connection, projectId: string): Promise<BoardView["waiting"]> {
  return db
    .select({ issueId: approvals.issueId, diffHash: approvals.diffHash })
    .from(approvals)
    .innerJoin(issues, eq(issues.id, approvals.issueId))
    .where(and(eq(issues.projectId, projectId), eq(approvals.state, "pending"), eq(issues.status, "awaiting_approval")))
    .orderBy(asc(approvals.requestedAt))
    .limit(waitingMax);
}
