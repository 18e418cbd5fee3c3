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
  const ofRelease = sql`project_id = ${projectId} AND environment = 'production' AND release = ${commit} AND minute BETWEEN first AND till`;
  const spanOf = sql`floor(extract(epoch FROM minute - first) / 60 / minutes)::int AS n`;
  const found = await rows(
    Row,
    // Each table is read once, however many spans there are.
    sql`WITH watch AS (
            SELECT since, till, date_trunc('minute', since) AS first,
              greatest(1, ceil(extract(epoch FROM till - since) / 60 / ${spansMax}))::int AS minutes
            FROM (SELECT ${from}::timestamptz AS since, least(${until}::timestamptz, clock_timestamp()) AS till) AS asked
            WHERE since > clock_timestamp() - ${keptDays} * interval '1 day'),
          failed AS (
            SELECT ${spanOf}, sum(events)::int8 AS errors FROM watch, agent_event_minutes m WHERE ${ofRelease}
              AND NOT EXISTS (SELECT FROM agent_fingerprints f
                WHERE f.project_id = m.project_id AND f.fingerprint = m.fingerprint AND f.state = 'noise')
            GROUP BY 1),
          asked AS (
            SELECT ${spanOf}, ${requestsOnce}::float8 AS requests FROM watch, agent_traffic_minutes WHERE ${ofRelease} GROUP BY 1),
          reported AS (SELECT EXISTS (
            SELECT FROM agent_traffic_minutes WHERE project_id = ${projectId} AND environment = 'production') AS traffic)
        SELECT at, extract(epoch FROM least(at + minutes * interval '1 minute', till) - greatest(at, since)) * 1000 AS "durationMs",
          coalesce(errors, 0) AS errors, coalesce(requests, 0) AS requests, traffic AS reported
        FROM watch CROSS JOIN reported
          CROSS JOIN generate_series(first, till, minutes * interval '1 minute') WITH ORDINALITY AS span (at, place)
          LEFT JOIN failed ON failed.n = place - 1 LEFT JOIN asked ON asked.n = place - 1
        ORDER BY at`,
  );
  if (found.length === 0) return null;
  return found.map(({ at, reported, requests, ...span }) => ({
    ...span,
    at: at.toISOString(),
    requests: reported ? requests : null,
  }));
}
