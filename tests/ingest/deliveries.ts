import type { ErrorEvent } from "#domain/event.ts";
import { type IngestKey, userHasher } from "#ingest/keys.ts";
import { type Delivery, parsePlain } from "#ingest/plain.ts";
import { createScrubber } from "#ingest/scrub.ts";

export const receivedAt = new Date("2026-11-23T10:00:00.000Z");
const serverKey: IngestKey = { environment: null, trust: "server" };

export function parse(body: string | Uint8Array, changes: Partial<Delivery> = {}) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return parsePlain(bytes, {
    contentType: "application/json",
    receivedAt,
    key: serverKey,
    scrubber: createScrubber(["a-configured-secret"]),
    hashUser: userHasher("key"),
    newId: () => "new-id",
    ...changes,
  });
}

/** The one event that a record becomes. */
export function eventOf(record: Record<string, unknown>, changes: Partial<Delivery> = {}): ErrorEvent {
  const { events, rejected } = parse(JSON.stringify(record), changes);
  const [event] = events;
  if (event === undefined || rejected.length > 0) throw new Error(`refused: ${JSON.stringify(rejected)}`);
  return event;
}
