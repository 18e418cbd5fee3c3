import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "../../connect.ts";
import type { DetectionReads } from "./reads.ts";

const releasesMax = 20;
const samplesLooked = 10;
const dayMs = 24 * 60 * 60_000;

/** Sources in the order of how much they know of an error; what a log printed comes last. */
const saysMore = (event: "e" | "own") =>
  sql.raw(`CASE ${event}.payload->>'source' WHEN 'sentry' THEN 0 WHEN 'otlp' THEN 1 WHEN 'vercel' THEN 3 ELSE 2 END`);

type SinceReads = Pick<DetectionReads, "releasesSince" | "happenedSince" | "sharedWithErrors">;

/** What became of an issue's error since a moment, and what tells of it as well. */
export function sinceReads({ rows }: Pick<Connection, "rows">, projectId: string, at: Date): SinceReads {
  return {
    releasesSince: async (issueId, since) => {
      const found = await rows(
        z.object({ release: z.string(), last: z.coerce.date() }),
        sql`SELECT m.release, max(m.minute) AS last
            FROM agent_fingerprints f JOIN agent_event_minutes m USING (project_id, fingerprint)
            WHERE f.issue_id = ${issueId} AND m.environment = 'production'
              AND m.minute >= date_trunc('minute', ${since.toISOString()}::timestamptz)
            GROUP BY m.release ORDER BY last DESC LIMIT ${releasesMax}`,
      );
      return found.map(({ release, last }) => ({ release: release === "" ? null : release, lastSeen: last }));
    },
    happenedSince: async (issueId, since) => {
      const lastDay = new Date(Math.max(since.getTime(), at.getTime() - dayMs));
      // Whole minutes after the moment: what it was measured by itself does not count again.
      const [row] = await rows(
        z.object({ events: z.coerce.number(), last_day: z.coerce.number(), users: z.coerce.number() }),
        sql`SELECT coalesce(sum(m.events), 0) AS events,
              coalesce(sum(m.events) FILTER (WHERE m.minute > ${lastDay.toISOString()}::timestamptz), 0) AS last_day,
              (SELECT count(DISTINCT u.user_hash) FROM agent_fingerprints k JOIN agent_issue_users u USING (project_id, fingerprint)
                WHERE k.issue_id = ${issueId} AND u.last_at > ${since.toISOString()}::timestamptz) AS users
            FROM agent_fingerprints f JOIN agent_event_minutes m USING (project_id, fingerprint)
            WHERE f.issue_id = ${issueId} AND m.environment = 'production' AND m.minute > ${since.toISOString()}::timestamptz`,
      );
      return { events: row?.events ?? 0, users: row?.users ?? 0, eventsLastDay: row?.last_day ?? 0 };
    },
    sharedWithErrors: async (fingerprint) => {
      const [row] = await rows(
        z.object({ looked: z.coerce.number(), shared: z.coerce.number() }),
        sql`SELECT count(*) AS looked, count(*) FILTER (WHERE EXISTS (
              SELECT 1 FROM agent_events e JOIN agent_fingerprints f USING (project_id, fingerprint)
              WHERE e.project_id = ${projectId} AND e.environment = 'production'
                AND e.fingerprint <> ${fingerprint} AND f.state <> 'noise' AND jsonb_array_length(e.payload->'frames') > 0
                AND e.at BETWEEN own.at - interval '5 minutes' AND own.at + interval '5 minutes'
                AND (e.payload->>'requestId' = own.payload->>'requestId' OR e.payload->>'traceId' = own.payload->>'traceId')
                AND (jsonb_array_length(own.payload->'frames') = 0 OR (
                  e.payload->>'source' <> own.payload->>'source' AND e.payload->>'errorType' = own.payload->>'errorType'
                  AND (f.issue_id IS NOT NULL OR ${saysMore("e")} < ${saysMore("own")}))))) AS shared
            FROM (SELECT at, payload FROM agent_events WHERE project_id = ${projectId} AND fingerprint = ${fingerprint}
              AND environment = 'production' ORDER BY received_at DESC LIMIT ${samplesLooked}) AS own`,
      );
      return row === undefined || row.looked === 0 ? 0 : row.shared / row.looked;
    },
  };
}
