import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { ErrorEvent } from "#domain/event.ts";
import type { Transaction } from "../connect.ts";
import { counts, groupBy, instants, minuteOf, texts } from "./columns.ts";
import { addMissingSamples, dropOldSamples, samplesInsert } from "./samples.ts";
import { rememberNew } from "./seen-events.ts";

/** One event as it is counted. Everything in it is scrubbed. */
export interface Arrival extends Pick<ErrorEvent, "at" | "environment" | "release" | "trust" | "userHash"> {
  /** By what a repeated delivery is known (`deliveryKey`). */
  key: string;
  fingerprint: string;
  causeKey: string;
  title: string;
  issueType: string;
  /** Counted, and never an issue. */
  isNoise: boolean;
  /** The event in full, where it is kept as a sample; most of a storm only counts. */
  payload: ErrorEvent | null;
  /** The event in full all the same, for the first row of its kind. */
  sample(): ErrorEvent;
}

/** What a batch did to one kind of error. */
export interface Touched {
  fingerprint: string;
  /** Nobody had seen this kind of error. */
  isNew: boolean;
  inProduction: boolean;
  state: string;
  /** `null`: no issue is linked. */
  issueStatus: string | null;
}

/**
 * Stores a batch, counts it and tells detection about what happened in production: a few statements, however many events.
 * An event that was delivered before (same id) is not counted again, whether its sample is still there or not. Every
 * statement takes its rows in the order of their keys, so that batches of several processes cannot deadlock.
 */
export async function recordEvents(tx: Transaction, projectId: string, arrivals: Arrival[]): Promise<Touched[]> {
  const isNew = await rememberNew(
    tx,
    arrivals.map(({ key }) => key),
  );
  const fresh = arrivals.filter((_, place) => isNew[place]);
  if (fresh.length === 0) return [];
  const touched = await countFingerprints(tx, projectId, fresh);
  const samples = samplesInsert(projectId, fresh);
  // One way to the database and back instead of three.
  await tx.execute(sql`
    WITH minutes AS (${minutesInsert(projectId, fresh)}),
      users AS (${usersInsert(projectId, fresh)})
      ${samples === undefined ? sql`` : sql`, samples AS (${samples})`}
    SELECT 1`);
  if (samples !== undefined) await dropOldSamples(tx, projectId, fresh);
  return touched;
}

const TouchedRow = z.object({
  fingerprint: z.string(),
  is_new: z.boolean(),
  state: z.string(),
  issue_status: z.string().nullable(),
});

/** Staging never opens an issue: its events only make the kind of error known (detection.md §2.4.1). */
async function countFingerprints(tx: Transaction, projectId: string, fresh: Arrival[]): Promise<Touched[]> {
  const groups = groupBy(fresh, ({ fingerprint }) => fingerprint).map(groupOf);
  const column = <Value>(read: (group: (typeof groups)[number]) => Value) => groups.map(read);
  const result = await tx.execute(sql`
    INSERT INTO agent_fingerprints AS known (project_id, fingerprint, cause_key, title, issue_type, sample, event_count,
      unseen_count, first_seen, last_seen, first_release, last_release, state)
    SELECT ${projectId}, fingerprint, cause_key, title, issue_type, sample::jsonb, events,
      CASE WHEN state = 'noise' THEN 0 ELSE events END, first_seen, last_seen, release, release, state
    FROM unnest(
      ${texts(column(({ newest }) => newest.fingerprint))}, ${texts(column(({ newest }) => newest.causeKey))},
      ${texts(column(({ newest }) => newest.title))}, ${texts(column(({ newest }) => newest.issueType))},
      ${texts(column(({ payload }) => JSON.stringify(payload)))}, ${counts(column(({ inProduction }) => inProduction))},
      ${instants(column(({ firstSeen }) => firstSeen))}, ${instants(column(({ lastSeen }) => lastSeen))},
      ${texts(column(({ newest }) => newest.release))}, ${texts(column(({ newest }) => (newest.isNoise ? "noise" : "candidate")))})
      AS given (fingerprint, cause_key, title, issue_type, sample, events, first_seen, last_seen, release, state)
    ON CONFLICT (project_id, fingerprint) DO UPDATE SET
      event_count = known.event_count + excluded.event_count,
      unseen_count = known.unseen_count + excluded.unseen_count,
      first_seen = least(known.first_seen, excluded.first_seen),
      last_seen = greatest(known.last_seen, excluded.last_seen),
      last_release = excluded.last_release,
      -- A sample from production is worth more than one from staging; without one, the older stays.
      sample = CASE WHEN excluded.unseen_count > 0 AND excluded.sample <> 'null' THEN excluded.sample ELSE known.sample END
    RETURNING fingerprint, xmax = 0 AS is_new, state,
      (SELECT status FROM agent_issues WHERE agent_issues.id = known.issue_id) AS issue_status`);
  const known = new Map(
    z
      .array(TouchedRow)
      .parse(rowsOf(result))
      .map((row) => [row.fingerprint, row]),
  );
  const missing = groups.flatMap(({ newest, payload }) =>
    payload === null && known.get(newest.fingerprint)?.is_new
      ? [{ fingerprint: newest.fingerprint, sample: newest.sample() }]
      : [],
  );
  await addMissingSamples(tx, projectId, missing);
  return groups.flatMap(({ newest: { fingerprint }, inProduction }) => {
    const row = known.get(fingerprint);
    if (row === undefined) return [];
    const { is_new: isNew, state, issue_status: issueStatus } = row;
    return [{ fingerprint, isNew, inProduction: inProduction > 0, state, issueStatus }];
  });
}

function groupOf(group: [Arrival, ...Arrival[]]) {
  const inProduction = group.filter(({ environment }) => environment === "production");
  const best = inProduction.length > 0 ? inProduction : group;
  const times = group.map(({ at }) => at.getTime());
  return {
    newest: best.at(-1) ?? group[0],
    payload: best.findLast(({ payload }) => payload !== null)?.payload ?? null,
    inProduction: inProduction.length,
    firstSeen: new Date(Math.min(...times)),
    lastSeen: new Date(Math.max(...times)),
  };
}

function minutesInsert(projectId: string, fresh: Arrival[]): SQL {
  const rows = groupBy(fresh, ({ fingerprint, environment, release, at }) =>
    [fingerprint, environment, release ?? "", minuteOf(at).toISOString()].join("\n"),
  ).map((group) => ({ ...group[0], minute: minuteOf(group[0].at), events: group.length }));
  return sql`
    INSERT INTO agent_event_minutes AS known (project_id, environment, fingerprint, release, minute, events)
    SELECT ${projectId}, * FROM unnest(
      ${texts(rows.map(({ environment }) => environment))}, ${texts(rows.map(({ fingerprint }) => fingerprint))},
      ${texts(rows.map(({ release }) => release ?? ""))}, ${instants(rows.map(({ minute }) => minute))},
      ${counts(rows.map(({ events }) => events))})
    ON CONFLICT (project_id, environment, fingerprint, release, minute) DO UPDATE SET
      events = known.events + excluded.events`;
}

function usersInsert(projectId: string, fresh: Arrival[]): SQL {
  const known = fresh.flatMap(({ fingerprint, environment, userHash, at }) =>
    userHash === null || environment !== "production" ? [] : [{ fingerprint, userHash, atMs: at.getTime() }],
  );
  const rows = groupBy(known, ({ fingerprint, userHash }) => `${fingerprint}\n${userHash}`).map((group) => {
    const times = group.map(({ atMs }) => atMs);
    return { ...group[0], firstAt: new Date(Math.min(...times)), lastAt: new Date(Math.max(...times)) };
  });
  return sql`
    INSERT INTO agent_issue_users AS known (project_id, fingerprint, user_hash, first_at, last_at)
    SELECT ${projectId}, * FROM unnest(
      ${texts(rows.map(({ fingerprint }) => fingerprint))}, ${texts(rows.map(({ userHash }) => userHash))},
      ${instants(rows.map(({ firstAt }) => firstAt))}, ${instants(rows.map(({ lastAt }) => lastAt))})
    ON CONFLICT (project_id, fingerprint, user_hash) DO UPDATE SET last_at = greatest(known.last_at, excluded.last_at)`;
}

const Result = z.object({ rows: z.array(z.unknown()) });

/** Both drivers answer with their rows under this name. */
function rowsOf(result: unknown): unknown[] {
  return Result.parse(result).rows;
}
