import { and, asc, desc, eq, isNotNull, sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection, Database } from "../connect.ts";
import { actions } from "../schema.ts";

/** How far an earlier attempt at a message came: `intended` without an end, and nobody knows whether it went out. */
export async function lastAttempt(db: Database, effectKey: string): Promise<"none" | "intended" | "failed" | "done"> {
  const earlier = await db
    .select({ outcome: actions.outcome })
    .from(actions)
    .where(eq(actions.effectKey, effectKey))
    .orderBy(desc(actions.seq));
  if (earlier.some(({ outcome }) => outcome === "done")) return "done";
  const newest = earlier[0]?.outcome;
  return newest === "intended" ? "intended" : newest === undefined ? "none" : "failed";
}

/** Where the first message about an issue went, as its notifier put it; later ones answer there. */
export async function threadOf(db: Database, issueId: string): Promise<string | null> {
  const place = sql<string>`${actions.detail}->>'place'`;
  const [first] = await db
    .select({ place })
    .from(actions)
    .where(
      and(
        eq(actions.issueId, issueId),
        eq(actions.action, "notice.send"),
        eq(actions.outcome, "done"),
        isNotNull(place),
      ),
    )
    .orderBy(asc(actions.seq))
    .limit(1);
  return first?.place ?? null;
}

export interface WaitingNotices {
  /** Messages that have not gone out. */
  count: number;
  oldestMs: number;
  /** What the last attempt at the first of them met; `null`: there was none yet. */
  because: string | null;
}

const Waiting = z.object({ count: z.coerce.number(), oldest: z.coerce.number(), because: z.string().nullable() });

/** What still waits to be told to people, and why. */
export async function waitingNotices(connection: Connection): Promise<WaitingNotices> {
  const [row] = await connection.rows(
    Waiting,
    sql`SELECT count(*) AS count,
               coalesce(extract(epoch FROM clock_timestamp() - min(created_on)) * 1000, 0)::float8 AS oldest,
               (array_agg(coalesce(output->>'why', output#>>'{value,message}') ORDER BY state DESC, created_on)
                 FILTER (WHERE retry_count > 0 OR state = 'retry'))[1] AS because
        FROM vigil_queue.job WHERE name = 'notify' AND state IN ('created', 'retry', 'active')`,
  );
  return { count: row?.count ?? 0, oldestMs: row?.oldest ?? 0, because: row?.because ?? null };
}
