import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Environment } from "#domain/ids.ts";
import type { Connection } from "../../connect.ts";

const minuteMs = 60_000;
const rangeMs = 60 * minuteMs;
const ratesMax = 2_000;

const Rate = z.object({
  environment: z.enum(["staging", "production"]),
  release: z.string(),
  minute: z.coerce.date(),
  errors: z.coerce.number(),
  /** `null`: no source reported any; that is unknown, and not none. */
  requests: z.coerce.number().nullable(),
  failures: z.coerce.number().nullable(),
});
export type Rate = z.infer<typeof Rate>;

/** Errors and requests of each minute of the last hour, by environment and release; noise is left out. At most 2,000. */
export async function ratesPerMinute({ rows }: Connection, projectId: string, at: Date): Promise<Rate[]> {
  const since = sql`${new Date(at.getTime() - rangeMs).toISOString()}::timestamptz`;
  return rows(
    Rate,
    sql`WITH errors AS (SELECT m.environment, m.release, m.minute, sum(m.events) AS errors
          FROM agent_event_minutes m JOIN agent_fingerprints f USING (project_id, fingerprint)
          WHERE m.project_id = ${projectId} AND m.environment IN ('staging', 'production') AND m.minute > ${since} AND f.state <> 'noise'
          GROUP BY 1, 2, 3),
        traffic AS (SELECT environment, release, minute, sum(requests) AS requests, sum(failures) AS failures
          FROM agent_traffic_minutes
          WHERE project_id = ${projectId} AND environment IN ('staging', 'production') AND minute > ${since}
          GROUP BY 1, 2, 3)
        SELECT environment, release, minute, coalesce(e.errors, 0) AS errors, t.requests, t.failures
        FROM errors e FULL JOIN traffic t USING (environment, release, minute)
        ORDER BY minute DESC, environment, release LIMIT ${ratesMax}`,
  );
}

const Look = z.object({
  at: z.coerce.date(),
  outcome: z.enum(["healthy", "unhealthy", "no_data"]),
  because: z.string(),
  latencyMs: z.coerce.number().nullable(),
  servedCommit: z.string().nullable(),
});
export type Look = z.infer<typeof Look>;

/** The looks of the last hour at an environment, newest first. A minute that is missing was not looked at. */
export async function lastLooks(
  { rows }: Connection,
  projectId: string,
  environment: Environment,
  at: Date,
): Promise<Look[]> {
  return rows(
    Look,
    sql`SELECT to_timestamp(slot * 60) AS at, outcome, because, latency_ms AS "latencyMs", served_commit AS "servedCommit"
        FROM agent_probes WHERE project_id = ${projectId} AND environment = ${environment}
          AND slot > ${Math.floor((at.getTime() - rangeMs) / minuteMs)} ORDER BY slot DESC LIMIT 61`,
  );
}
