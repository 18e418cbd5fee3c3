import type { ErrorEvent, TrafficReport } from "#domain/event.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import { recordEvents, recordTraffic } from "#store/write/events.ts";
import type { Engine } from "./engine.ts";

/** Stores and counts a batch and asks for a detection pass, in one transaction: what is acknowledged is durable. */
export async function ingest(
  engine: Engine,
  batch: { events: ErrorEvent[]; traffic: TrafficReport[] },
): Promise<{ accepted: number }> {
  const grouped = batch.events.map((event) => ({ event, ...fingerprintOf(event, engine.digest) }));
  await engine.connection.db.transaction(async (tx) => {
    const recorded = await recordEvents(tx, engine.projectId, grouped);
    await recordTraffic(tx, engine.projectId, batch.traffic);
    if (recorded > 0) await engine.queue.sendDetect(tx);
  });
  engine.observe({ kind: "committed" });
  return { accepted: batch.events.length + batch.traffic.length };
}
