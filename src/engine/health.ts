import { sql } from "drizzle-orm";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { databaseNow } from "#store/read/clock.ts";
import { waitingNotices } from "#store/read/notices.ts";
import { loadProject } from "#store/read/projects.ts";
import type { Engine } from "./engine.ts";

export type CheckStatus = "ok" | "degraded" | "down";
export interface Check {
  status: CheckStatus;
  message: string;
  hint?: string;
}

export interface HealthReport {
  status: CheckStatus;
  version: string;
  checks: Record<string, Check>;
}

/** An agent whose detection has not run for this long watches nothing any more (detection.md §2.4.8). */
const tickLateMs = 15 * 60_000;
/** Application and database may disagree about the time by this much before anyone is told (reliability B6). */
const skewWarnMs = 5_000;

/** How the agent itself is: without its database or its schedule it is down; anything else that is missing degrades it. */
export async function healthOf(
  engine: Engine,
  version: string,
  configured: Record<string, Check>,
): Promise<HealthReport> {
  const checks: Record<string, Check> = { ...configured, ...(await ownChecks(engine)) };
  const worst = (["down", "degraded"] as const).find((status) =>
    Object.values(checks).some((check) => check.status === status),
  );
  return { status: worst ?? "ok", version, checks };
}

async function ownChecks(engine: Engine): Promise<Record<string, Check>> {
  const database = await databaseCheck(engine);
  if (database.status === "down") return { database };
  return {
    database,
    repository: await repositoryCheck(engine),
    schedule: await scheduleCheck(engine),
    ...(await messagesCheck(engine)),
  };
}

async function databaseCheck(engine: Engine): Promise<Check> {
  try {
    const [row] = await engine.connection.rows(
      z.object({ now: z.coerce.date() }),
      sql`SELECT clock_timestamp() AS now`,
    );
    const skewMs = Math.abs((row?.now.getTime() ?? Number.NaN) - engine.wallClock().getTime());
    if (skewMs <= skewWarnMs) return { status: "ok", message: "connected" };
    const message = `this machine's clock and the database's differ by ${Math.round(skewMs / 1000)} s`;
    return { status: "degraded", message, hint: "Synchronise the clock of this machine." };
  } catch (error) {
    return { status: "down", message: "the database does not answer", hint: hintOf(error) };
  }
}

async function repositoryCheck(engine: Engine): Promise<Check> {
  try {
    const main = await engine.ports.repository.head("main");
    if (main !== undefined) return { status: "ok", message: `main is at ${main.slice(0, 8)}` };
    return { status: "degraded", message: "the repository has no branch main", hint: "main is production: create it." };
  } catch (error) {
    const message = error instanceof Failure ? error.message : "the repository cannot be reached";
    return { status: "degraded", message, hint: hintOf(error) };
  }
}

async function scheduleCheck(engine: Engine): Promise<Check> {
  const { detectedAt, createdAt } = await loadProject(engine.connection.db, engine.projectId);
  // One that never ran is late as well, once it had the time to.
  const lateMs = (await databaseNow(engine.connection)).getTime() - (detectedAt ?? createdAt).getTime();
  if (lateMs <= tickLateMs) return { status: "ok", message: "detection runs on schedule" };
  const message = `detection has not run for ${Math.round(lateMs / 60_000)} minutes`;
  return { status: "down", message, hint: "Check that the cron routes are called with CRON_SECRET." };
}

/** Says nothing while messages go out: whom they reach is a matter of configuration. */
async function messagesCheck({ connection }: Engine): Promise<Record<string, Check>> {
  const { count, oldestMs, because } = await waitingNotices(connection);
  if (count === 0 || because === null) return {};
  const waiting = count === 1 ? "1 message waits" : `${count} messages wait`;
  const message = `${waiting} to be sent, the first one for ${Math.round(oldestMs / 60_000)} minutes: ${because}`;
  return { notifications: { status: "degraded", message, hint: "They go out in order as soon as this is mended." } };
}

function hintOf(error: unknown): string {
  return (error instanceof Failure ? error.hint : undefined) ?? "See the log of the server.";
}
