import { type SQL, sql } from "drizzle-orm";
import type { ErrorEvent } from "#domain/event.ts";
import type { Transaction } from "../connect.ts";
import { instants, texts } from "./columns.ts";
import type { Arrival } from "./events.ts";

/** Samples kept per fingerprint and environment: how it began, and how it looks now (detection.md §2.2). */
const oldestKept = 5;
const newestKept = 20;

/** Keeps the payloads that the batch brings; `undefined`: it brings none. */
export function samplesInsert(projectId: string, arrivals: Arrival[]): SQL | undefined {
  const kept = arrivals.flatMap(({ payload, ...rest }) => (payload === null ? [] : [{ ...rest, payload }]));
  if (kept.length === 0) return undefined;
  return sql`
    INSERT INTO agent_events (project_id, id, fingerprint, environment, release, source, trust, at, payload)
    SELECT ${projectId}, id, fingerprint, environment, release, source, trust, at, payload::jsonb FROM unnest(
      ${texts(kept.map(({ payload }) => payload.id))}, ${texts(kept.map(({ fingerprint }) => fingerprint))},
      ${texts(kept.map(({ environment }) => environment))}, ${texts(kept.map(({ release }) => release))},
      ${texts(kept.map(({ payload }) => payload.source))}, ${texts(kept.map(({ trust }) => trust))},
      ${instants(kept.map(({ at }) => at))}, ${texts(kept.map(({ payload }) => JSON.stringify(payload)))})
      AS kept (id, fingerprint, environment, release, source, trust, at, payload)
    ON CONFLICT DO NOTHING`;
}

/** Drops what is too many now of the kinds that the batch brought payloads of. */
export async function dropOldSamples(tx: Transaction, projectId: string, arrivals: Arrival[]): Promise<void> {
  const kept = arrivals.filter(({ payload }) => payload !== null);
  if (kept.length === 0) return;
  const touched = [...new Set(kept.map(({ fingerprint }) => fingerprint))];
  await tx.execute(sql`
    DELETE FROM agent_events WHERE project_id = ${projectId} AND id IN (
      SELECT id FROM (
        SELECT id, row_number() OVER newest_first AS place, count(*) OVER (PARTITION BY fingerprint, environment) AS kept
        FROM agent_events WHERE project_id = ${projectId} AND fingerprint = ANY(${texts(touched)})
        WINDOW newest_first AS (PARTITION BY fingerprint, environment ORDER BY received_at DESC, id)
      ) AS ranked WHERE place > ${newestKept} AND place <= kept - ${oldestKept})`);
}

/** A kind of error that nobody stored before needs a sample even where its first event was only to be counted. */
export async function addMissingSamples(
  tx: Transaction,
  projectId: string,
  missing: { fingerprint: string; sample: ErrorEvent }[],
): Promise<void> {
  if (missing.length === 0) return;
  await tx.execute(sql`
    UPDATE agent_fingerprints AS known SET sample = given.sample::jsonb FROM unnest(
      ${texts(missing.map(({ fingerprint }) => fingerprint))}, ${texts(missing.map(({ sample }) => JSON.stringify(sample)))})
      AS given (fingerprint, sample)
    WHERE known.project_id = ${projectId} AND known.fingerprint = given.fingerprint`);
}
