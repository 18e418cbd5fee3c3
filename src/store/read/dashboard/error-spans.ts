import { sql } from "drizzle-orm";
import { z } from "zod";
import type { ErrorSpan, ReleaseView } from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { requestsOnce } from "../requests.ts";

/** As many as can be told apart in a plot; a longer watch has longer spans. */
const spansMax = 120;

const Row = z.object({
  at: z.date(),
  durationMs: z.coerce.number(),
  errors: z.coerce.number(),
  requests: z.coerce.number(),
  reported: z.boolean(),
});

/**
 * What a release in production produced from minute to minute of its watch, so far: counted like `watchReads` counts it, so that
 * people see the numbers that it is judged by. `null` where the counts are not there (any more): that is not the same as none.
 */
export async function errorSpans(
  { rows }: Pick<Connection, "rows">,
  of: { projectId: string; release: Pick<ReleaseView, "commit" | "from" | "until">; keptDays: number },
): Promise<ErrorSpan[] | null> {
  const { projectId, keptDays } = of;
  const { commit, from, until } = of.release;
  if (from === null || until === null) return null;
  const ofRelease = sql`project_id = ${projectId} AND environment = 'production' AND release = ${commit}`;
  const inSpan = sql`minute >= s.at AND minute < s.next`;
  const found = await rows(
    Row,
    sql`WITH watch AS (
            SELECT ${from}::timestamptz AS since, least(${until}::timestamptz, clock_timestamp()) AS till
            WHERE ${from}::timestamptz > clock_timestamp() - ${keptDays} * interval '1 day'),
          step AS (SELECT greatest(1, ceil(extract(epoch FROM till - since) / 60 / ${spansMax})) * interval '1 minute' AS length FROM watch),
          spans AS (
            SELECT at, at + length AS next, since, till
            FROM watch, step, generate_series(date_trunc('minute', since), till, length) AS at),
          reported AS (SELECT EXISTS (
            SELECT FROM agent_traffic_minutes WHERE project_id = ${projectId} AND environment = 'production') AS traffic)
        SELECT s.at, extract(epoch FROM least(s.next, s.till) - greatest(s.at, s.since)) * 1000 AS "durationMs", reported.traffic AS reported,
          (SELECT coalesce(sum(events), 0)::int8 FROM agent_event_minutes m WHERE ${ofRelease} AND ${inSpan}
            AND NOT EXISTS (SELECT FROM agent_fingerprints f
              WHERE f.project_id = m.project_id AND f.fingerprint = m.fingerprint AND f.state = 'noise')) AS errors,
          (SELECT ${requestsOnce}::float8 FROM agent_traffic_minutes WHERE ${ofRelease} AND ${inSpan}) AS requests
        FROM spans s CROSS JOIN reported ORDER BY s.at`,
  );
  if (found.length === 0) return null;
  return found.map(({ at, reported, requests, ...span }) => ({
    ...span,
    at: at.toISOString(),
    requests: reported ? requests : null,
  }));
}
