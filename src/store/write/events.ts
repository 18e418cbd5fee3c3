import { and, eq, inArray, sql } from "drizzle-orm";
import type { ErrorEvent, TrafficReport } from "#domain/event.ts";
import type { Transaction } from "../connect.ts";
import { eventMinutes, events, fingerprints, issueUsers, trafficMinutes } from "../schema.ts";

/** An event with the group it belongs to. */
export interface GroupedEvent {
  event: ErrorEvent;
  fingerprint: string;
  causeKey: string;
  title: string;
  issueType: string;
}

/** Samples kept per fingerprint and environment (detection.md §2.2). */
const samplesMax = 25;
/** Rows in one statement; Postgres takes 65,535 values. */
const rowsMax = 500;

/**
 * Stores a batch, counts it and tells detection about what happened in production: four statements, however many events.
 * An event that was delivered before (same id) is not counted again. Answers how many were new.
 */
export async function recordEvents(tx: Transaction, projectId: string, grouped: GroupedEvent[]): Promise<number> {
  let recorded = 0;
  for (let from = 0; from < grouped.length; from += rowsMax) {
    const fresh = await insertNew(tx, projectId, grouped.slice(from, from + rowsMax));
    recorded += fresh.length;
    if (fresh.length === 0) continue;
    await countMinutes(tx, projectId, fresh);
    await upsertFingerprints(tx, projectId, fresh);
    await noteUsers(tx, projectId, fresh);
    await dropOldSamples(tx, projectId, fresh);
  }
  return recorded;
}

async function insertNew(tx: Transaction, projectId: string, grouped: GroupedEvent[]): Promise<GroupedEvent[]> {
  const inserted = await tx
    .insert(events)
    .values(
      grouped.map(({ event, fingerprint }) => {
        const { id, environment, release, source, trust, at } = event;
        return { id, projectId, fingerprint, environment, release, source, trust, at, payload: event };
      }),
    )
    .onConflictDoNothing()
    .returning({ id: events.id });
  const left = new Set(inserted.map(({ id }) => id));
  // An id that stands twice in one batch is one event.
  return grouped.filter(({ event }) => left.delete(event.id));
}

async function countMinutes(tx: Transaction, projectId: string, fresh: GroupedEvent[]): Promise<void> {
  const groups = groupBy(fresh, ({ event, fingerprint }) =>
    [fingerprint, event.environment, event.release ?? "", minuteOf(event.at).toISOString()].join("\n"),
  );
  const rows = groups.map(([{ event, fingerprint }, ...more]) => ({
    projectId,
    environment: event.environment,
    fingerprint,
    release: event.release ?? "",
    minute: minuteOf(event.at),
    events: more.length + 1,
  }));
  const { environment, fingerprint, release, minute } = eventMinutes;
  await tx
    .insert(eventMinutes)
    .values(rows)
    .onConflictDoUpdate({
      target: [eventMinutes.projectId, environment, fingerprint, release, minute],
      set: { events: sql`${eventMinutes.events} + excluded.events` },
    });
}

/** Staging never opens an issue: its events only make the kind of error known (detection.md §2.4.1). */
async function upsertFingerprints(tx: Transaction, projectId: string, fresh: GroupedEvent[]): Promise<void> {
  const rows = groupBy(fresh, ({ fingerprint }) => fingerprint).map((group) => {
    const inProduction = group.filter(({ event }) => event.environment === "production");
    const newest = inProduction.at(-1) ?? group[0];
    const times = group.map(({ event }) => event.at.getTime());
    const { fingerprint, causeKey, title, issueType, event } = newest;
    return {
      ...{ projectId, fingerprint, causeKey, title, issueType, sample: event },
      ...{ eventCount: inProduction.length, unseenCount: inProduction.length },
      ...{ firstSeen: new Date(Math.min(...times)), lastSeen: new Date(Math.max(...times)) },
      ...{ firstRelease: event.release, lastRelease: event.release },
    };
  });
  await tx
    .insert(fingerprints)
    .values(rows)
    .onConflictDoUpdate({
      target: [fingerprints.projectId, fingerprints.fingerprint],
      set: {
        eventCount: sql`${fingerprints.eventCount} + excluded.event_count`,
        unseenCount: sql`${fingerprints.unseenCount} + excluded.unseen_count`,
        lastSeen: sql`greatest(${fingerprints.lastSeen}, excluded.last_seen)`,
        firstSeen: sql`least(${fingerprints.firstSeen}, excluded.first_seen)`,
        lastRelease: sql`excluded.last_release`,
        // A sample from production is worth more than one from staging.
        sample: sql`CASE WHEN excluded.unseen_count > 0 THEN excluded.sample ELSE ${fingerprints.sample} END`,
      },
    });
}

async function noteUsers(tx: Transaction, projectId: string, fresh: GroupedEvent[]): Promise<void> {
  const known = fresh.flatMap(({ event, fingerprint }) =>
    event.userHash === null || event.environment !== "production"
      ? []
      : [{ fingerprint, userHash: event.userHash, at: event.at }],
  );
  if (known.length === 0) return;
  const rows = groupBy(known, ({ fingerprint, userHash }) => `${fingerprint}\n${userHash}`).map(([first, ...more]) => {
    const times = [first, ...more].map(({ at }) => at.getTime());
    const { fingerprint, userHash } = first;
    return {
      projectId,
      fingerprint,
      userHash,
      firstAt: new Date(Math.min(...times)),
      lastAt: new Date(Math.max(...times)),
    };
  });
  await tx
    .insert(issueUsers)
    .values(rows)
    .onConflictDoUpdate({
      target: [issueUsers.projectId, issueUsers.fingerprint, issueUsers.userHash],
      set: { lastAt: sql`greatest(${issueUsers.lastAt}, excluded.last_at)` },
    });
}

async function dropOldSamples(tx: Transaction, projectId: string, fresh: GroupedEvent[]): Promise<void> {
  const touched = [...new Set(fresh.map(({ fingerprint }) => fingerprint))];
  const ranked = tx
    .select({
      id: events.id,
      place:
        sql<number>`row_number() OVER (PARTITION BY ${events.fingerprint}, ${events.environment} ORDER BY ${events.receivedAt} DESC, ${events.id})`.as(
          "place",
        ),
    })
    .from(events)
    .where(and(eq(events.projectId, projectId), inArray(events.fingerprint, touched)))
    .as("ranked");
  const old = tx.select({ id: ranked.id }).from(ranked).where(sql`${ranked.place} > ${samplesMax}`);
  await tx.delete(events).where(and(eq(events.projectId, projectId), inArray(events.id, old)));
}

export async function recordTraffic(tx: Transaction, projectId: string, reports: TrafficReport[]): Promise<void> {
  const groups = groupBy(reports, ({ at, environment, release, operation }) =>
    [environment, release ?? "", operation, minuteOf(at).toISOString()].join("\n"),
  );
  for (let from = 0; from < groups.length; from += rowsMax) {
    const rows = groups.slice(from, from + rowsMax).map((group) => {
      const { at, environment, release, operation } = group[0];
      const requests = group.reduce((sum, report) => sum + report.requests, 0);
      const failures = group.reduce((sum, report) => sum + report.failures, 0);
      return { projectId, environment, release: release ?? "", operation, minute: minuteOf(at), requests, failures };
    });
    const { environment, release, operation, minute } = trafficMinutes;
    await tx
      .insert(trafficMinutes)
      .values(rows)
      .onConflictDoUpdate({
        target: [trafficMinutes.projectId, environment, release, operation, minute],
        set: {
          requests: sql`${trafficMinutes.requests} + excluded.requests`,
          failures: sql`${trafficMinutes.failures} + excluded.failures`,
        },
      });
  }
}

/** Items by key, in the order of their keys: two batches that touch the same rows take their locks in the same order. */
function groupBy<Item>(items: Item[], keyOf: (item: Item) => string): [Item, ...Item[]][] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, group]) => group);
}

function minuteOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 60_000) * 60_000);
}
