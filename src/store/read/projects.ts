import { and, eq, gte, sql } from "drizzle-orm";
import { Settings } from "#domain/settings.ts";
import type { Database, Transaction } from "../connect.ts";
import { projects, reservations } from "../schema.ts";
import { spentTodayUsd } from "./spending.ts";

type Reader = Database | Transaction;
const hourMs = 60 * 60_000;

export interface Project {
  id: string;
  settings: Settings;
  /** What is stored: only the differences from the defaults. */
  stored: Record<string, unknown>;
  paused: boolean;
  pausedReason: string | null;
  pausedBy: string | null;
  resumeAt: Date | null;
  laneIssueId: string | null;
  detectedAt: Date | null;
  createdAt: Date;
}

/** The project's settings and state, or an error when the row is missing: the migration makes it. */
export async function loadProject(db: Reader, projectId: string): Promise<Project> {
  const [row] = await db.select().from(projects).where(eq(projects.id, projectId));
  if (row === undefined) throw new Error(`there is no project ${projectId}`);
  const { id, paused, pausedReason, pausedBy, resumeAt, laneIssueId, detectedAt, createdAt } = row;
  const stored = row.settings as Record<string, unknown>;
  const settings = Settings.parse({ ...stored, autonomyLevel: row.autonomyLevel });
  return { id, settings, stored, paused, pausedReason, pausedBy, resumeAt, laneIssueId, detectedAt, createdAt };
}

/** What of the budgets is used: fixes in the last hour, deployments in the last 24 hours, money since midnight UTC. */
export async function usageOf(db: Reader, projectId: string) {
  const taken = async (kind: string, windowMs: number) => {
    const since = sql`clock_timestamp() - ${windowMs} * interval '1 millisecond'`;
    const [row] = await db
      .select({ count: sql<number>`count(*)::int` })
      .from(reservations)
      .where(and(eq(reservations.projectId, projectId), eq(reservations.kind, kind), gte(reservations.at, since)));
    return row?.count ?? 0;
  };
  return {
    fixesThisHour: await taken("fix", hourMs),
    deploymentsToday: await taken("deployment", 24 * hourMs),
    spendTodayUsd: await spentTodayUsd(db, projectId),
  };
}
