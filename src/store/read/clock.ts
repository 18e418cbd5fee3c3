import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "../connect.ts";

/** The database's clock: the only one that decides about slots and windows (reliability B6). */
export async function databaseNow({ rows }: Pick<Connection, "rows">): Promise<Date> {
  const [row] = await rows(z.object({ now: z.coerce.date() }), sql`SELECT clock_timestamp() AS now`);
  if (row === undefined) throw new Error("the database does not tell the time");
  return row.now;
}
