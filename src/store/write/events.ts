import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { ErrorEvent } from "#domain/event.ts";
import type { Connection, Transaction } from "../connect.ts";
import { isDuplicate } from "../outage.ts";
import { counts, groupBy, instants, minuteOf, texts } from "./columns.ts";
import { addMissingSamples, dropOldSamples, samplesInsert } from "./samples.ts";
import { remember, rememberNew } from "./seen-events.ts";

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
 * Stores a batch, counts it and tells what it did to each kind of error. An event that was delivered before (same id) is not
 * counted again, whether its sample is still there or not. Nearly always nothing of a batch came before: then all of it is one
 * statement, which its ids end where one of them is known. Every statement takes its rows in the order of their keys, and
 * the ids first, so that batches of several processes cannot deadlock.
 */
export async function recordEvents(
  connection: Pick<Connection, "db" | "rows">,
  projectId: string,
  arrivals: Arrival[],
): Promise<Touched[]> {
  if (arrivals.length === 0) return [];
  try {
    const batch = batchOf(projectId, arrivals);
    const rows = await connection.rows(TouchedRow, countAll(batch, remember(arrivals.map(({ key }) => key))));
    // Apart from the counting: left undone by a crash, the next sample of the kind does it.
    if (batch.fresh.some(({ payload }) => payload !== null) || rows.some((row) => row.is_new)) {
      await connection.db.transaction((tx) => keepSamples(tx, batch, rows));
    }
    return touchedBy(batch, rows);
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  }
  return connection.db.transaction((tx) => recordFresh(tx, projectId, arrivals));
}

/** What of a batch was not counted before. */
async function recordFresh(tx: Transaction, projectId: string, arrivals: Arrival[]): Promise<Touched[]> {
  const isNew = await rememberNew(
    tx,
    arrivals.map(({ key }) => key),
  );
  const batch = batchOf(
    projectId,
    arrivals.filter((_, place) => isNew[place]),
  );
  if (batch.fresh.length === 0) return [];
  const rows = z.array(TouchedRow).parse(rowsOf(await tx.execute(countAll(batch))));
  await keepSamples(tx, batch, rows);
  return touchedBy(batch, rows);
}

interface CountedBatch {
  projectId: string;
  fresh: Arrival[];
  groups: ReturnType<typeof groupOf>[];
}

function batchOf(projectId: string, fresh: Arrival[]): CountedBatch {
  return { projectId, fresh, groups: groupBy(fresh, ({ fingerprint }) => fingerprint).map(groupOf) };
}

const TouchedRow = z.object({
  fingerprint: z.string(),
  is_new: z.boolean(),
  state: z.string(),
  issue_status: z.string().nullable(),
});
type TouchedRow = z.infer<typeof TouchedRow>;

function touchedBy({ groups }: CountedBatch, rows: TouchedRow[]): Touched[] {
  const inProduction = new Map(groups.map((group) => [group.newest.fingerprint, group.inProduction > 0]));
  return rows.map(({ fingerprint, is_new: isNew, state, issue_status: issueStatus }) => ({
    ...{ fingerprint, isNew, state, issueStatus },
    inProduction: inProduction.get(fingerprint) === true,
  }));
}

/** One way to the database and back; `seen` goes first. */
function countAll(batch: CountedBatch, seen?: SQL): SQL {
  const samples = samplesInsert(batch.projectId, batch.fresh);
  return sql`
    WITH ${seen === undefined ? sql`` : sql`seen AS (${seen}),`}
      counted AS (${fingerprintsInsert(batch, seen === undefined ? sql`` : sql`WHERE (SELECT count(*) FROM seen) > 0`)}),
      minutes AS (${minutesInsert(batch.projectId, batch.fresh)}),
      users AS (${usersInsert(batch.projectId, batch.fresh)})
      ${samples === undefined ? sql`` : sql`, samples AS (${samples})`}
    SELECT * FROM counted ORDER BY fingerprint`;
}

async function keepSamples(tx: Transaction, batch: CountedBatch, rows: TouchedRow[]): Promise<void> {
  const { projectId, fresh, groups } = batch;
  const isNew = new Set(rows.flatMap((row) => (row.is_new ? [row.fingerprint] : [])));
  const missing = groups.flatMap(({ newest, payload }) =>
    payload === null && isNew.has(newest.fingerprint)
      ? [{ fingerprint: newest.fingerprint, sample: newest.sample() }]
      : [],
  );
  await addMissingSamples(tx, projectId, missing);
  await dropOldSamples(tx, projectId, fresh);
}

/** Staging never opens an issue: its events only make the kind of error known (detection.md §2.4.1). */
function fingerprintsInsert({ projectId, groups }: CountedBatch, condition: SQL): SQL {
  const column = <Value>(read: (group: (typeof groups)[number]) => Value) => groups.map(read);
  return sql`
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
    ${condition}
    ON CONFLICT (project_id, fingerprint) DO UPDATE SET
      event_count = known.event_count + excluded.event_count,
      unseen_count = known.unseen_count + excluded.unseen_count,
      first_seen = least(known.first_seen, excluded.first_seen),
      last_seen = greatest(known.last_seen, excluded.last_seen),
      last_release = excluded.last_release,
      -- A sample from production is worth more than one from staging; without one, the older stays.
      sample = CASE WHEN excluded.unseen_count > 0 AND excluded.sample <> 'null' THEN excluded.sample ELSE known.sample END
    RETURNING fingerprint, xmax = 0 AS is_new, state,
      (SELECT status FROM agent_issues WHERE agent_issues.id = known.issue_id) AS issue_status`;
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
