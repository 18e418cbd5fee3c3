import type { ErrorEvent } from "#domain/event.ts";
import { type IngestKey, userHasher } from "#ingest/keys.ts";
import { type Delivery, parsePlain } from "#ingest/plain.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";

export const receivedAt = new Date("2026-11-23T10:00:00.000Z");
const serverKey: IngestKey = { environment: null, trust: "server" };

const scrubber = eventScrubber(createScrubber(["a-configured-secret"]));

/** What is stored of a body: read, and scrubbed as the engine does it. */
export function parse(body: string | Uint8Array, changes: Partial<Delivery> = {}) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const parsed = parsePlain(bytes, {
    contentType: "application/json",
    receivedAt,
    key: serverKey,
    hashUser: userHasher("key"),
    newId: () => "new-id",
    ...changes,
  });
  return { ...parsed, events: parsed.events.map(scrubber.whole), traffic: parsed.traffic.map(scrubber.traffic) };
}

/** The one event that a record becomes. */
export function eventOf(record: Record<string, unknown>, changes: Partial<Delivery> = {}): ErrorEvent {
  const { events, rejected } = parse(JSON.stringify(record), changes);
  const [event] = events;
  if (event === undefined || rejected.length > 0) throw new Error(`refused: ${JSON.stringify(rejected)}`);
  return event;
}
