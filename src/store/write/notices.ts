import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "../connect.ts";

/**
 * A queue keeps its kind for life, and messages had none that kept their order: what an earlier version left in it moves
 * over, so that none is lost. Changes nothing where that was done, or where there is no queue yet.
 */
export async function orderWaitingNotices(connection: Connection, policy: string, key: string): Promise<void> {
  const there = await connection.rows(
    z.object({ there: z.boolean() }),
    sql`SELECT to_regclass('vigil_queue.queue') IS NOT NULL AS there`,
  );
  if (there[0]?.there !== true) return;
  await connection.db.execute(
    sql`WITH old AS (UPDATE vigil_queue.queue SET policy = ${policy} WHERE name = 'notify' AND policy = 'short' RETURNING name)
        UPDATE vigil_queue.job j SET policy = ${policy}, singleton_key = ${key}, state = 'created', start_after = now()
        FROM old WHERE j.name = old.name AND j.state IN ('created', 'retry', 'active')`,
  );
}
