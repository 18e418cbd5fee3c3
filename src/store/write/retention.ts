import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Settings } from "#domain/settings.ts";
import type { Connection } from "../connect.ts";

/** Rows that one statement removes: short enough to be in nobody's way. */
const batchRows = 5_000;
/** What was counted is remembered for so long; older events are refused their time anyway (migration 008). */
const seenDays = 7;
const reservationsDays = 30;

interface Kept {
  table: SQL;
  /** Which rows are too old. */
  old: SQL;
  /** What becomes of them; the default is to remove them. */
  instead?: SQL;
}

/**
 * Removes what is older than the settings say, in batches, until nothing is left or `mayGoOn` says that the time is up;
 * the next round goes on. Issues, fixes, deployments and the audit trail are never touched. Answers how many rows went.
 * A table that cannot be cleared keeps no other from its turn; then everything that failed is thrown at the end.
 */
export async function removeOld(
  { rows }: Pick<Connection, "rows">,
  projectId: string,
  retention: Settings["retention"],
  mayGoOn: () => boolean,
): Promise<number> {
  let removed = 0;
  const failed: unknown[] = [];
  for (const kept of whatIsKept(projectId, retention)) {
    try {
      let gone = batchRows;
      while (gone === batchRows && mayGoOn()) {
        gone = await removeBatch(rows, kept);
        removed += gone;
      }
    } catch (error) {
      failed.push(error);
    }
  }
  if (failed.length > 0) throw new AggregateError(failed, "Old rows of some tables could not be removed.");
  return removed;
}

async function removeBatch(rows: Connection["rows"], { table, old, instead }: Kept): Promise<number> {
  // Rows that somebody writes at this moment are left to the next round.
  const picked = sql`SELECT ctid FROM ${table} WHERE ${old} LIMIT ${batchRows} FOR UPDATE SKIP LOCKED`;
  const change = instead === undefined ? sql`DELETE FROM ${table}` : sql`UPDATE ${table} SET ${instead}`;
  const [row] = await rows(
    z.object({ gone: z.coerce.number() }),
    sql`WITH gone AS (${change} WHERE ctid = ANY (ARRAY(${picked})) RETURNING 1) SELECT count(*) AS gone FROM gone`,
  );
  return row?.gone ?? 0;
}

function whatIsKept(projectId: string, retention: Settings["retention"]): Kept[] {
  const { minutesDays, eventsDays, usersDays, probesDays, modelAnswersDays } = retention;
  const before = (days: number) => sql`clock_timestamp() - ${days} * interval '1 day'`;
  const mine = sql`project_id = ${projectId}`;
  const minutes = sql`${mine} AND environment IN ('staging', 'production') AND minute < ${before(minutesDays)}`;
  return [
    { table: sql`agent_event_minutes`, old: minutes },
    { table: sql`agent_traffic_minutes`, old: minutes },
    { table: sql`agent_events`, old: sql`${mine} AND received_at < ${before(eventsDays)}` },
    // Kinds of errors that never became an issue; those of issues are part of them.
    {
      table: sql`agent_fingerprints`,
      old: sql`${mine} AND issue_id IS NULL AND unseen_count = 0 AND last_seen < ${before(eventsDays)}`,
    },
    { table: sql`agent_issue_users`, old: sql`${mine} AND last_at < ${before(usersDays)}` },
    {
      table: sql`agent_probes`,
      old: sql`${mine} AND environment IN ('staging', 'production')
        AND slot < floor(extract(epoch FROM ${before(probesDays)}) / 60)`,
    },
    {
      table: sql`agent_model_calls`,
      old: sql`${mine} AND answer IS NOT NULL AND at < ${before(modelAnswersDays)}`,
      instead: sql`answer = NULL, request = NULL`,
    },
    { table: sql`agent_seen_events`, old: sql`seen_at < ${before(seenDays)}` },
    { table: sql`agent_reservations`, old: sql`${mine} AND at < ${before(reservationsDays)}` },
  ];
}
