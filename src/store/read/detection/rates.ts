import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "../../connect.ts";
import { knownIssues } from "./known-issue.ts";
import type { DetectionReads } from "./reads.ts";

const operationsMax = 200;
const spikesMax = 200;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** What belongs to a minute has arrived so long after its end. */
const arrivalMs = 5_000;
/** Three windows are judged. Before a week is read, their sum has to be unusual: four times a usual one (detection.md §2.4.4). */
const judgedWindows = 3;
const riseMin = 4;
const eventsMin = 4;

type RateReads = Pick<DetectionReads, "operations" | "mayBeSpiking">;

/** Counts over time: of operations that fail, and of issues that may spike. */
export function rateReads(connection: Connection, projectId: string, at: Date): RateReads {
  const { rows } = connection;
  // Minutes that are over: counts come without waiting for the errors behind them, which explain most failures.
  const overMs = Math.floor((at.getTime() - arrivalMs) / minuteMs) * minuteMs;
  const before = (ms: number) => sql`${new Date(overMs - ms).toISOString()}::timestamptz`;
  return {
    operations: async (windowMs, failuresMin) => {
      const now = await rows(
        z.object({ operation: z.string(), requests: z.coerce.number(), failures: z.coerce.number() }),
        sql`SELECT operation, sum(requests) AS requests, sum(failures) AS failures FROM agent_traffic_minutes
            WHERE project_id = ${projectId} AND environment = 'production' AND minute >= ${before(windowMs)} AND minute < ${before(0)}
            GROUP BY operation HAVING sum(failures) >= ${failuresMin} ORDER BY failures DESC LIMIT ${operationsMax}`,
      );
      if (now.length === 0) return [];
      const names = sql.param(now.map(({ operation }) => operation));
      // Only what looks unusual is looked up in the day before and among the errors.
      const [earlier, errors] = await Promise.all([
        rows(
          z.object({ operation: z.string(), requests: z.coerce.number(), failures: z.coerce.number() }),
          sql`SELECT operation, sum(requests) AS requests, sum(failures) AS failures FROM agent_traffic_minutes
              WHERE project_id = ${projectId} AND environment = 'production' AND operation = ANY(${names}::text[])
                AND minute >= ${before(windowMs + dayMs)} AND minute < ${before(windowMs)} GROUP BY operation`,
        ),
        rows(
          z.object({ operation: z.string().nullable(), events: z.coerce.number() }),
          sql`SELECT f.sample->>'operation' AS operation, sum(m.events) AS events
              FROM agent_event_minutes m JOIN agent_fingerprints f USING (project_id, fingerprint)
              WHERE m.project_id = ${projectId} AND m.environment = 'production' AND m.minute >= ${before(windowMs)}
                AND f.state <> 'noise' AND f.sample->>'kind' IS DISTINCT FROM 'http'
              GROUP BY 1`,
        ),
      ]);
      const all = errors.reduce((sum, { events }) => sum + events, 0);
      return now.map(({ operation, ...counts }) => ({
        operation,
        ...counts,
        before: earlier.find((row) => row.operation === operation) ?? { requests: 0, failures: 0 },
        errors: operation === "" ? all : (errors.find((row) => row.operation === operation)?.events ?? 0),
      }));
    },
    mayBeSpiking: async (windowMs, windows) => {
      // The last window that is over: a count that is still rising says nothing.
      const endMs = Math.floor(at.getTime() / windowMs) * windowMs;
      const suspects = await spikeSuspects(connection, projectId, { endMs, windowMs });
      const known = await knownIssues(
        connection.db,
        suspects.map(({ issue }) => issue),
      );
      return Promise.all(
        suspects.flatMap(({ issue: id, first }) => {
          const issue = known.get(id);
          if (issue === undefined) return [];
          const startMs = Math.floor(first.getTime() / windowMs) * windowMs;
          const length = Math.min(windows, Math.floor((endMs - startMs) / windowMs));
          return [
            countsOf(connection, projectId, id, { endMs, windowMs, length }).then((counts) => ({ issue, counts })),
          ];
        }),
      );
    },
  };
}

interface Windows {
  endMs: number;
  windowMs: number;
}

/** Issues whose last windows are a multiple of their last day, by a sum that every spike exceeds. */
async function spikeSuspects({ rows }: Connection, projectId: string, { endMs, windowMs }: Windows) {
  const before = (ms: number) => sql`${new Date(endMs - ms).toISOString()}::timestamptz`;
  const now = await rows(
    z.object({ issue: z.string(), events: z.coerce.number() }),
    sql`SELECT f.issue_id AS issue, sum(m.events) AS events
        FROM agent_event_minutes m JOIN agent_fingerprints f USING (project_id, fingerprint)
        WHERE m.project_id = ${projectId} AND m.environment = 'production' AND f.issue_id IS NOT NULL
          AND m.minute >= ${before(judgedWindows * windowMs)} AND m.minute < ${before(0)}
        GROUP BY f.issue_id HAVING sum(m.events) >= ${eventsMin} ORDER BY events DESC LIMIT ${spikesMax}`,
  );
  if (now.length === 0) return [];
  const earlier = await rows(
    z.object({ issue: z.string(), first: z.coerce.date(), events: z.coerce.number() }),
    sql`SELECT f.issue_id AS issue, min(f.first_seen) AS first, coalesce(sum(d.events), 0) AS events
        FROM agent_fingerprints f LEFT JOIN LATERAL (SELECT sum(m.events) AS events FROM agent_event_minutes m
          WHERE m.project_id = f.project_id AND m.environment = 'production' AND m.fingerprint = f.fingerprint
            AND m.minute >= ${before(judgedWindows * windowMs + dayMs)} AND m.minute < ${before(judgedWindows * windowMs)}) d ON true
        WHERE f.issue_id = ANY(${sql.param(now.map(({ issue }) => issue))}::uuid[]) GROUP BY f.issue_id`,
  );
  return earlier.filter(({ issue, events }) => {
    const sum = now.find((row) => row.issue === issue)?.events ?? 0;
    return sum >= (riseMin * events * windowMs) / dayMs;
  });
}

/** Events of an issue in each window, those without any included. */
async function countsOf(
  { rows }: Connection,
  projectId: string,
  issueId: string,
  { endMs, windowMs, length }: Windows & { length: number },
): Promise<number[]> {
  const startMs = endMs - length * windowMs;
  const found = await rows(
    z.object({ place: z.coerce.number(), events: z.coerce.number() }),
    sql`SELECT floor((extract(epoch FROM m.minute) * 1000 - ${startMs}::float8) / ${windowMs}::float8) AS place, sum(m.events) AS events
        FROM agent_fingerprints f JOIN agent_event_minutes m USING (project_id, fingerprint)
        WHERE f.issue_id = ${issueId} AND m.project_id = ${projectId} AND m.environment = 'production'
          AND m.minute >= ${new Date(startMs).toISOString()}::timestamptz AND m.minute < ${new Date(endMs).toISOString()}::timestamptz
        GROUP BY place`,
  );
  const counts = Array<number>(length).fill(0);
  for (const { place, events } of found) if (place >= 0 && place < length) counts[place] = events;
  return counts;
}
