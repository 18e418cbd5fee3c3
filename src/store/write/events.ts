import { sql } from "drizzle-orm";
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

/**
 * Stores new events, counts them and tells detection about those of production. An event that was delivered before
 * (same id) is not counted again. Answers how many were new.
 */
export async function recordEvents(tx: Transaction, projectId: string, grouped: GroupedEvent[]): Promise<number> {
  let recorded = 0;
  for (const group of inLockOrder(grouped)) if (await recordEvent(tx, projectId, group)) recorded++;
  for (const key of new Set(grouped.map(({ fingerprint, event }) => `${fingerprint} ${event.environment}`))) {
    await dropOldSamples(tx, projectId, key.split(" "));
  }
  return recorded;
}

/** Two batches that touch the same groups take their row locks in the same order. */
function inLockOrder(grouped: GroupedEvent[]): GroupedEvent[] {
  return grouped.toSorted((a, b) => (a.fingerprint < b.fingerprint ? -1 : a.fingerprint > b.fingerprint ? 1 : 0));
}

async function recordEvent(tx: Transaction, projectId: string, group: GroupedEvent): Promise<boolean> {
  const { event, fingerprint } = group;
  const { id, environment, release, source, trust, at } = event;
  const inserted = await tx
    .insert(events)
    .values({ id, projectId, fingerprint, environment, release, source, trust, at, payload: event })
    .onConflictDoNothing()
    .returning({ id: events.id });
  if (inserted.length === 0) return false;
  await tx
    .insert(eventMinutes)
    .values({ projectId, environment, fingerprint, release: release ?? "", minute: minuteOf(at), events: 1 })
    .onConflictDoUpdate({
      target: [
        eventMinutes.projectId,
        eventMinutes.environment,
        eventMinutes.fingerprint,
        eventMinutes.release,
        eventMinutes.minute,
      ],
      set: { events: sql`${eventMinutes.events} + 1` },
    });
  await upsertFingerprint(tx, projectId, group);
  if (event.userHash !== null && environment === "production") {
    await tx
      .insert(issueUsers)
      .values({ projectId, fingerprint, userHash: event.userHash, firstAt: at, lastAt: at })
      .onConflictDoUpdate({
        target: [issueUsers.projectId, issueUsers.fingerprint, issueUsers.userHash],
        set: { lastAt: sql`greatest(${issueUsers.lastAt}, excluded.last_at)` },
      });
  }
  return true;
}

/** Staging never opens an issue: its events only make the kind of error known (detection.md §2.4.1). */
async function upsertFingerprint(tx: Transaction, projectId: string, group: GroupedEvent): Promise<void> {
  const { event, fingerprint, causeKey, title, issueType } = group;
  const counted = event.environment === "production" ? 1 : 0;
  await tx
    .insert(fingerprints)
    .values({
      projectId,
      fingerprint,
      causeKey,
      title,
      issueType,
      sample: event,
      eventCount: counted,
      unseenCount: counted,
      firstSeen: event.at,
      lastSeen: event.at,
      firstRelease: event.release,
      lastRelease: event.release,
    })
    .onConflictDoUpdate({
      target: [fingerprints.projectId, fingerprints.fingerprint],
      set: {
        eventCount: sql`${fingerprints.eventCount} + ${counted}`,
        unseenCount: sql`${fingerprints.unseenCount} + ${counted}`,
        lastSeen: sql`greatest(${fingerprints.lastSeen}, excluded.last_seen)`,
        firstSeen: sql`least(${fingerprints.firstSeen}, excluded.first_seen)`,
        lastRelease: sql`excluded.last_release`,
        sample: counted === 1 ? sql`excluded.sample` : sql`${fingerprints.sample}`,
      },
    });
}

async function dropOldSamples(tx: Transaction, projectId: string, [fingerprint, environment]: string[]): Promise<void> {
  await tx.execute(sql`
    DELETE FROM agent_events WHERE (project_id, id) IN (
      SELECT project_id, id FROM agent_events
      WHERE project_id = ${projectId} AND fingerprint = ${fingerprint} AND environment = ${environment}
      ORDER BY received_at DESC OFFSET ${samplesMax}
    )`);
}

export async function recordTraffic(tx: Transaction, projectId: string, reports: TrafficReport[]): Promise<void> {
  const inOrder = reports.toSorted((a, b) => (a.operation < b.operation ? -1 : a.operation > b.operation ? 1 : 0));
  for (const { at, environment, release, operation, requests, failures } of inOrder) {
    await tx
      .insert(trafficMinutes)
      .values({ projectId, environment, release: release ?? "", operation, minute: minuteOf(at), requests, failures })
      .onConflictDoUpdate({
        target: [
          trafficMinutes.projectId,
          trafficMinutes.environment,
          trafficMinutes.release,
          trafficMinutes.operation,
          trafficMinutes.minute,
        ],
        set: {
          requests: sql`${trafficMinutes.requests} + ${requests}`,
          failures: sql`${trafficMinutes.failures} + ${failures}`,
        },
      });
  }
}

function minuteOf(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 60_000) * 60_000);
}
