import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Environment } from "#domain/ids.ts";
import type { Connection } from "../../connect.ts";
import { requestsOnce } from "../requests.ts";
import type { TrafficCounts } from "./reads.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const days = 7;
/** The stretch that tells what is usual: an hour, in fives of minutes. */
const stretchMs = 60 * minuteMs;
const fives = stretchMs / (5 * minuteMs);

/**
 * Requests per five minutes that an environment reports: in the hour before its last report, and around the present time
 * of day on each of the last seven days. A day on which nothing at all was reported is not counted as silent.
 */
export async function trafficHistory(
  rows: Connection["rows"],
  projectId: string,
  environment: Environment,
  at: Date,
): Promise<TrafficCounts> {
  const [last] = await rows(
    z.object({ last: z.coerce.date().nullable() }),
    sql`SELECT max(minute) AS last FROM agent_traffic_minutes
        WHERE project_id = ${projectId} AND environment = ${environment} AND requests > 0
          AND minute >= ${iso(at.getTime() - days * dayMs)}::timestamptz AND minute <= ${at.toISOString()}::timestamptz`,
  );
  const lastMinute = last?.last ?? null;
  if (lastMinute === null) return { hourBefore: null, sameHour: [], lastReportAt: null };
  const found = await rows(
    z.object({ day: z.coerce.number(), requests: z.coerce.number(), reported: z.boolean() }),
    sql`SELECT day,
          (SELECT ${requestsOnce} FROM agent_traffic_minutes WHERE project_id = ${projectId} AND environment = ${environment}
            AND minute >= ${iso(at.getTime() - stretchMs / 2)}::timestamptz - day * interval '24 hours'
            AND minute < ${iso(at.getTime() + stretchMs / 2)}::timestamptz - day * interval '24 hours') AS requests,
          EXISTS (SELECT 1 FROM agent_traffic_minutes WHERE project_id = ${projectId} AND environment = ${environment}
            AND minute >= ${iso(at.getTime() - dayMs / 2)}::timestamptz - day * interval '24 hours'
            AND minute < ${iso(at.getTime() + dayMs / 2)}::timestamptz - day * interval '24 hours') AS reported
        FROM generate_series(1, ${days}) AS day ORDER BY day`,
  );
  const [hour] = await rows(
    z.object({ requests: z.coerce.number() }),
    sql`SELECT ${requestsOnce} AS requests FROM agent_traffic_minutes
        WHERE project_id = ${projectId} AND environment = ${environment}
          AND minute > ${iso(lastMinute.getTime() - stretchMs)}::timestamptz AND minute <= ${lastMinute.toISOString()}::timestamptz`,
  );
  return {
    hourBefore: (hour?.requests ?? 0) / fives,
    sameHour: found.filter(({ reported }) => reported).map(({ requests }) => requests / fives),
    // The whole minute was reported; what comes after it is silence.
    lastReportAt: new Date(lastMinute.getTime() + minuteMs),
  };
}

function iso(ms: number) {
  return new Date(ms).toISOString();
}
