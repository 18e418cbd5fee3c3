import { and, eq, gt, inArray, sql } from "drizzle-orm";
import { laneStatuses, type Status } from "#domain/lifecycle.ts";
import type { Database, Transaction } from "../connect.ts";
import { deployments, issues, projects, reservations } from "../schema.ts";

/**
 * Takes the lane for `issueId`; answers who holds it when it is someone else (design.md §3, reliability C8). A worker that
 * lost its claim may take it for an issue that has left meanwhile: such a holder does not count. Its status is read
 * after the lock, so that nobody who holds the lane rightly is ever passed.
 */
export async function takeLane(
  db: Database,
  projectId: string,
  issue: { id: string; status: Status },
): Promise<string | undefined> {
  const issueId = issue.id;
  return db.transaction(async (tx) => {
    const [row] = await tx
      .select({ holder: projects.laneIssueId })
      .from(projects)
      .where(eq(projects.id, projectId))
      .for("update");
    const holder = row?.holder ?? null;
    if (holder === issueId) return undefined;
    if (holder !== null && (await blocks(tx, holder, issue.status))) return holder;
    await tx
      .update(projects)
      .set({ laneIssueId: issueId, updatedAt: sql`clock_timestamp()` })
      .where(eq(projects.id, projectId));
    return undefined;
  });
}

/** A rollback has the right of way: only a promotion that has begun, or another rollback, is let through first. */
async function blocks(tx: Transaction, holder: string, status: Status): Promise<boolean> {
  const [row] = await tx
    .select({ status: issues.status, fixId: issues.fixId })
    .from(issues)
    .where(and(eq(issues.id, holder), inArray(issues.status, laneStatuses)));
  if (row === undefined) return false;
  if (status !== "rolling_back" || row.status === "rolling_back") return true;
  if (row.status !== "deploying" || row.fixId === null) return false;
  const begun = and(eq(deployments.fixId, row.fixId), eq(deployments.environment, "production"));
  return (await tx.select({ id: deployments.id }).from(deployments).where(begun).limit(1)).length > 0;
}

/** Gives the lane back if `issueId` holds it. */
export async function releaseLane(tx: Transaction, projectId: string, issueId: string): Promise<void> {
  await tx
    .update(projects)
    .set({ laneIssueId: null, updatedAt: sql`clock_timestamp()` })
    .where(and(eq(projects.id, projectId), eq(projects.laneIssueId, issueId)));
}

/**
 * Takes one unit of a budget for `key`, once: asked again for the same key it is still taken. Under the project's row
 * lock, so that two workers can never take the last unit together. Answers when each unit in the window was taken.
 */
export async function reserve(
  db: Database,
  budget: { projectId: string; kind: string; key: string; windowMs: number; max: number },
): Promise<{ kind: "taken"; first: boolean } | { kind: "full"; oldest: Date; count: number }> {
  const { projectId, kind, key, windowMs, max } = budget;
  return db.transaction(async (tx) => {
    await tx.select({ id: projects.id }).from(projects).where(eq(projects.id, projectId)).for("update");
    const since = sql`clock_timestamp() - ${windowMs} * interval '1 millisecond'`;
    const mine = and(eq(reservations.projectId, projectId), eq(reservations.kind, kind));
    const [already] = await tx
      .select({ key: reservations.key })
      .from(reservations)
      .where(and(mine, eq(reservations.key, key)));
    if (already !== undefined) return { kind: "taken", first: false };
    const taken = await tx
      .select({ at: reservations.at })
      .from(reservations)
      .where(and(mine, gt(reservations.at, since)))
      .orderBy(reservations.at)
      .limit(max);
    const [oldest] = taken;
    if (taken.length >= max && oldest !== undefined) return { kind: "full", oldest: oldest.at, count: taken.length };
    await tx.insert(reservations).values({ projectId, kind, key });
    return { kind: "taken", first: true };
  });
}

/** Stops the agent; `false`: it was paused already, for as long or longer, and keeps its first reason. */
export async function pauseProject(
  tx: Transaction,
  projectId: string,
  pause: { reason: string; by: string; resumeAt: Date | null },
): Promise<boolean> {
  const paused = await tx
    .update(projects)
    .set({
      paused: true,
      pausedReason: pause.reason,
      pausedBy: pause.by,
      pausedAt: sql`clock_timestamp()`,
      resumeAt: pause.resumeAt,
      updatedAt: sql`clock_timestamp()`,
    })
    .where(
      and(
        eq(projects.id, projectId),
        // A pause without an end outlasts one with an end: a freeze must never be lifted by a timer set before it.
        pause.resumeAt === null
          ? sql`(NOT ${projects.paused} OR ${projects.resumeAt} IS NOT NULL)`
          : eq(projects.paused, false),
      ),
    )
    .returning({ id: projects.id });
  return paused.length > 0;
}

/** Lets the agent go on; `false`: it was not paused. */
export async function resumeProject(tx: Transaction, projectId: string): Promise<boolean> {
  const resumed = await tx
    .update(projects)
    .set({
      paused: false,
      pausedReason: null,
      pausedBy: null,
      pausedAt: null,
      resumeAt: null,
      updatedAt: sql`clock_timestamp()`,
    })
    .where(and(eq(projects.id, projectId), eq(projects.paused, true)))
    .returning({ id: projects.id });
  return resumed.length > 0;
}

/** Stores the settings that differ from the defaults. */
export async function writeSettings(
  tx: Transaction,
  projectId: string,
  autonomyLevel: number,
  settings: Record<string, unknown>,
): Promise<void> {
  await tx
    .update(projects)
    .set({ autonomyLevel, settings, updatedAt: sql`clock_timestamp()` })
    .where(eq(projects.id, projectId));
}

/** Notes that detection ran. */
export async function noteDetection(db: Database, projectId: string): Promise<void> {
  await db.update(projects).set({ detectedAt: sql`clock_timestamp()` }).where(eq(projects.id, projectId));
}

/** Whoever changes settings from what they read waits for whoever is doing so already. */
export async function lockProject(tx: Transaction, projectId: string): Promise<void> {
  await tx.select({ id: projects.id }).from(projects).where(eq(projects.id, projectId)).for("update");
}
