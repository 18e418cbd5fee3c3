import { sql } from "drizzle-orm";
import { z } from "zod";
import { type ActiveStatus, activeStatuses } from "#domain/lifecycle.ts";
import type { Connection } from "../../connect.ts";

/** The newest moves that are looked at. */
const movesMax = 5_000;
const days = 30;
/** Fewer say nothing about the next. */
const lengthsMin = 3;
/** What took minutes in the last weeks does not change from one second to the next. */
const keptMs = 10 * 60_000;

/** How long each stage usually takes in this project; one that is left out is not known well enough. */
export type StageLengths = Partial<Record<ActiveStatus, number>>;

/**
 * The median of what the stages of the last 30 days took, in milliseconds. Asked of the database now and then, not by each
 * reading: between that, everybody gets what is known.
 */
export function createStageLengths(
  connection: Pick<Connection, "rows">,
  projectId: string,
  nowMs: () => number = () => performance.now(),
): () => Promise<StageLengths> {
  let known: { at: number; lengths: Promise<StageLengths> } | undefined;
  return () => {
    if (known !== undefined && nowMs() - known.at < keptMs) return known.lengths;
    const before = known;
    const lengths = mediansOf(connection, projectId);
    known = { at: nowMs(), lengths: before?.lengths ?? lengths };
    const asked = known;
    lengths.then(
      () => {
        asked.lengths = lengths;
      },
      () => {
        // The next reading asks again; nobody goes without a board for want of an estimate.
        if (known === asked) known = before === undefined ? undefined : { ...before, at: nowMs() };
      },
    );
    return asked.lengths;
  };
}

async function mediansOf({ rows }: Pick<Connection, "rows">, projectId: string): Promise<StageLengths> {
  const found = await rows(
    z.object({ stage: z.string(), ms: z.coerce.number() }),
    // A stage that somebody else than the pipeline began or ended (a retry, a row by hand) is no sample.
    sql`WITH moves AS (
            SELECT seq, issue_id, at, detail->>'from' AS stage, detail->>'to' AS next FROM agent_actions
            WHERE project_id = ${projectId} AND at > clock_timestamp() - ${days} * interval '1 day' AND action = 'status.changed'
            ORDER BY at DESC LIMIT ${movesMax}),
          stays AS (
            SELECT stage, extract(epoch FROM at - lag(at) OVER each) * 1000 AS ms, lag(next) OVER each AS entered
            FROM moves WINDOW each AS (PARTITION BY issue_id ORDER BY seq))
        SELECT stage, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS ms
        FROM stays WHERE entered = stage GROUP BY stage HAVING count(*) >= ${lengthsMin}`,
  );
  const lengths: StageLengths = {};
  for (const { stage, ms } of found) {
    const status = activeStatuses.find((one) => one === stage);
    if (status !== undefined) lengths[status] = ms;
  }
  return lengths;
}
