import { sql } from "drizzle-orm";
import { z } from "zod";
import { Frame } from "#domain/event.ts";
import { dispersionOf, type ErrorCounts, type ErrorKind, type Measurement } from "#domain/evidence.ts";
import type { Connection } from "../connect.ts";
import type { Reads } from "./reads.ts";
import { requestsOnce } from "./requests.ts";

const kindsMax = 100;
/** A kind of error that was not seen for this long counts as new (reliability A11). */
const knownDays = 7;
const minuteMs = 60_000;

type WatchReads = Pick<Reads, "errorKinds" | "errorCounts" | "requestsOf">;

/** What the watches ask: whose errors there are, how many, and against how many requests. Missing data is said, never counted as zero. */
export function watchReads({ rows }: Pick<Connection, "rows">, projectId: string): WatchReads {
  return {
    // What only our own failed candidates produced is not known: it would hide the same fault in the next one.
    errorKinds: async ({ environment, release, since, changedFiles }) => {
      const found = await rows(
        z.object({
          fingerprint: z.string(),
          title: z.string(),
          events: z.coerce.number(),
          known: z.boolean(),
          frames: z.array(Frame),
        }),
        sql`SELECT m.fingerprint, f.title, sum(m.events)::int AS events, f.sample->'frames' AS frames,
              EXISTS (SELECT 1 FROM agent_event_minutes k WHERE k.project_id = m.project_id AND k.fingerprint = m.fingerprint
                AND k.environment = 'production' AND k.release <> ${release} AND k.minute <= ${since.toISOString()}::timestamptz
                AND k.minute >= ${since.toISOString()}::timestamptz - ${knownDays} * interval '1 day'
                AND NOT EXISTS (SELECT 1 FROM agent_deployments d JOIN agent_fixes x ON x.id = d.fix_id
                  WHERE d.commit_sha = k.release AND x.outcome IN ('failed', 'rolled_back'))) AS known
            FROM agent_event_minutes m JOIN agent_fingerprints f USING (project_id, fingerprint)
            WHERE m.project_id = ${projectId} AND m.environment = ${environment} AND m.release = ${release}
              AND m.minute >= date_trunc('minute', ${since.toISOString()}::timestamptz) AND f.state <> 'noise'
            GROUP BY m.project_id, m.fingerprint, f.title, f.sample->'frames' ORDER BY events DESC LIMIT ${kindsMax}`,
      );
      return found.map(({ fingerprint, title, events, known, frames }): ErrorKind => {
        const inChangedFile = frames.some((frame) => frame.inApp && changedFiles.includes(frame.file));
        return { fingerprint, title, events, isNew: !known, inChangedFile };
      });
    },
    errorCounts: async (range) => {
      const first = await firstReport(rows, projectId, range.environment);
      if (first === undefined) return unmeasuredCounts(range.to.getTime() - range.from.getTime());
      const from = range.release === null && first > range.from ? first : range.from;
      return countErrors(rows, projectId, { ...range, from });
    },
    requestsOf: async ({ environment, release, operation, since }) =>
      requestsBetween(rows, projectId, { environment, release, operation, from: since, to: null }),
  };
}

/** When the environment reported anything for the first time; a baseline cannot reach further back. */
async function firstReport(
  rows: Connection["rows"],
  projectId: string,
  environment: string,
): Promise<Date | undefined> {
  const [row] = await rows(
    z.object({ first: z.coerce.date().nullable() }),
    sql`SELECT min(minute) AS first FROM (
          SELECT min(minute) AS minute FROM agent_traffic_minutes WHERE project_id = ${projectId} AND environment = ${environment}
          UNION ALL
          SELECT min(minute) FROM agent_event_minutes WHERE project_id = ${projectId} AND environment = ${environment}) t`,
  );
  return row?.first ?? undefined;
}

function unmeasuredCounts(durationMs: number): ErrorCounts {
  const unmeasured: Measurement = { kind: "unmeasured", why: "nothing was reported yet" };
  return { errors: unmeasured, requests: unmeasured, durationMs, dispersion: 1 };
}

async function countErrors(
  rows: Connection["rows"],
  projectId: string,
  range: Parameters<Reads["errorCounts"]>[0],
): Promise<ErrorCounts> {
  const { environment, release, from, to } = range;
  const windowMs = Math.max(range.windowMs, minuteMs);
  const windows = await rows(
    z.object({ events: z.coerce.number() }),
    // Noise is nobody's error: no release is judged by it (reliability A11).
    sql`SELECT sum(events)::int AS events FROM agent_event_minutes m
        WHERE project_id = ${projectId} AND environment = ${environment}
          AND (${release}::text IS NULL OR release = ${release})
          AND minute >= date_trunc('minute', ${from.toISOString()}::timestamptz) AND minute <= ${to.toISOString()}::timestamptz
          AND NOT EXISTS (SELECT 1 FROM agent_fingerprints f
            WHERE f.project_id = m.project_id AND f.fingerprint = m.fingerprint AND f.state = 'noise')
        GROUP BY floor(extract(epoch FROM minute) * 1000 / ${windowMs}::float8)`,
  );
  const durationMs = to.getTime() - from.getTime();
  const counts = windows.map(({ events }) => events);
  const errors = counts.reduce((sum, count) => sum + count, 0);
  const requests = await requestsBetween(rows, projectId, { environment, release, operation: null, from, to });
  const empty = Math.max(0, Math.ceil(durationMs / windowMs) - counts.length);
  const dispersion = dispersionOf([...counts, ...Array<number>(empty).fill(0)]);
  return { errors: { kind: "measured", value: errors }, requests, durationMs, dispersion };
}

async function requestsBetween(
  rows: Connection["rows"],
  projectId: string,
  range: { environment: string; release: string | null; operation: string | null; from: Date; to: Date | null },
): Promise<Measurement> {
  const { environment, release, operation, from, to } = range;
  const [row] = await rows(
    z.object({ whole: z.coerce.number(), of_one: z.coerce.number(), by_route: z.boolean(), reported: z.boolean() }),
    sql`WITH told AS (
            SELECT operation, requests FROM agent_traffic_minutes
            WHERE project_id = ${projectId} AND environment = ${environment} AND (${release}::text IS NULL OR release = ${release})
              AND minute >= date_trunc('minute', ${from.toISOString()}::timestamptz)
              AND (${to?.toISOString() ?? null}::timestamptz IS NULL OR minute <= ${to?.toISOString() ?? null}::timestamptz))
          SELECT ${requestsOnce}::float8 AS whole, coalesce(sum(requests) FILTER (WHERE operation = ${operation}), 0)::float8 AS of_one,
            count(*) = 0 OR count(*) FILTER (WHERE operation <> '') > 0 AS by_route,
            EXISTS (SELECT FROM agent_traffic_minutes WHERE project_id = ${projectId} AND environment = ${environment}) AS reported
          FROM told`,
  );
  if (row === undefined || !row.reported) return { kind: "unmeasured", why: "no source reports traffic" };
  if (operation === null) return { kind: "measured", value: row.whole };
  if (!row.by_route) return { kind: "unmeasured", why: "requests are reported of the application as a whole only" };
  return { kind: "measured", value: row.of_one };
}
