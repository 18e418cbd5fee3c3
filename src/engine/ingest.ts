import type { ErrorEvent, TrafficReport } from "#domain/event.ts";
import type { Engine } from "./engine.ts";

export interface Batch {
  events: ErrorEvent[];
  traffic: TrafficReport[];
}

/** What to do while the database is away. `spool`: for senders that never try again; kept on disk where there is one. */
export interface IngestOptions {
  whenAway?: "refuse" | "spool";
}

/**
 * Scrubs, groups, counts, and asks for detection where that has something to decide. Durable when it resolves: committed,
 * or on the disk. Throws `rate_limited` when too much waits already, `unavailable` when the database is away.
 */
export function ingest(engine: Engine, batch: Batch, options: IngestOptions = {}): Promise<{ accepted: number }> {
  return engine.intake.take(batch, options);
}
