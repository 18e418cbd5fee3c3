import type { ErrorEvent } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import { type EventScrubber, ScrubKind } from "#domain/privacy.ts";
import { createSampler } from "#policy/sampling.ts";
import { loadProject } from "#store/read/projects.ts";
import type { Spool } from "#store/spool.ts";
import { type Arrival, recordEvents } from "#store/write/events.ts";
import { recordTraffic, type TrafficArrival } from "#store/write/traffic.ts";
import { absenceOf, isOutage, within } from "./absence.ts";
import { arrivalOf, bytesOf, type Delivery, deliveryIn, textOf, trafficArrivalOf } from "./arrivals.ts";
import { detectionAsker } from "./ask-detection.ts";
import { createBatches } from "./batches.ts";
import type { Engine } from "./engine.ts";
import type { Batch, IngestOptions } from "./ingest.ts";

/** The way of events into the database: one per process. */
export interface Intake {
  take(batch: Batch, options: IngestOptions): Promise<{ accepted: number }>;
  /** Writes what waits; what is on the disk is left to the next start. */
  stop(): Promise<void>;
}

export type IntakeParts = Pick<Engine, "connection" | "queue" | "projectId" | "digest" | "monotonicMs" | "observe"> & {
  /** Scrubs with these kinds switched on, and every configured secret. */
  scrubberFor(kinds: readonly ScrubKind[]): EventScrubber;
  /** `null`: no disk that outlives the process. Events are then refused while the database is away. */
  spool: Spool | null;
  /** Turns frames of built code into those of its source, where there is a map. */
  originalFrames(events: ErrorEvent[]): Promise<ErrorEvent[]>;
  /** How long the first event of a batch waits for others. 0 where the request is the batch (serverless). */
  batchWaitMs: number;
};

/** detection.md §2.3.12. The queue holds some seconds of a storm; what does not fit is refused, and memory stays flat. */
const batchEventsMax = 500;
const queuedEventsMax = 10_000;
const queuedBytesMax = 64 * 1024 * 1024;
/** A database that does not answer for so long is away, whatever becomes of the statement (reliability B12). */
const writeWithinMs = 5_000;
const settingsFreshMs = 5_000;
const knownKindsMax = 50_000;

/** Batches, samples, counts; and while the database is away, keeps on the disk what nobody would send again. */
export function createIntake(parts: IntakeParts): Intake {
  const { connection, projectId, spool } = parts;
  const sampler = createSampler();
  const scrubber = currentScrubber(parts);
  const detection = detectionAsker(parts);
  const known = new Set<string>();
  const batches = createBatches<{ delivery: Delivery; bytes: number }>(
    { waitMs: parts.batchWaitMs, eventsMax: batchEventsMax, queuedEventsMax, queuedBytesMax },
    ({ delivery: { arrivals, traffic }, bytes }) => ({ events: arrivals.length + traffic.length, bytes }),
    (items) => write(items.map(({ delivery }) => delivery)),
  );
  const absence = absenceOf(parts, (records) => write(records.map(deliveryIn)));

  async function write(deliveries: Delivery[]): Promise<void> {
    const arrivals = deliveries.flatMap((delivery) => delivery.arrivals);
    const urgent = await within(
      writeWithinMs,
      record(
        arrivals,
        deliveries.flatMap(({ traffic }) => traffic),
      ),
    );
    remember(arrivals.map(({ fingerprint }) => fingerprint));
    // Woken only for what cannot wait: a storm must not keep every worker looking for work.
    if (urgent) parts.observe({ kind: "committed" });
  }

  /** Each step may be repeated after a failure of the next: ids tell what is counted. */
  async function record(arrivals: Arrival[], traffic: TrafficArrival[]): Promise<boolean> {
    const touched = await recordEvents(connection, projectId, withSamples(arrivals));
    if (traffic.length > 0) await connection.db.transaction((tx) => recordTraffic(tx, projectId, traffic));
    return detection.ask(touched);
  }

  /** The first batch of a kind brings a sample in the same statement as its count, whatever the sampler keeps. */
  function withSamples(arrivals: Arrival[]): Arrival[] {
    const sampled = new Set(arrivals.flatMap(({ fingerprint, payload }) => (payload === null ? [] : [fingerprint])));
    return arrivals.map((arrival) => {
      const { fingerprint } = arrival;
      if (sampled.has(fingerprint) || known.has(fingerprint)) return arrival;
      sampled.add(fingerprint);
      return { ...arrival, payload: arrival.sample() };
    });
  }

  function remember(fingerprints: string[]): void {
    if (known.size > knownKindsMax) known.clear();
    for (const fingerprint of fingerprints) known.add(fingerprint);
  }

  /** Without a database there are no maps: better a weak frame than a lost event. */
  async function mapped(events: ErrorEvent[]): Promise<ErrorEvent[]> {
    if (absence.isAway()) return events;
    try {
      return await within(writeWithinMs, parts.originalFrames(events));
    } catch (error) {
      if (isOutage(error)) return events;
      throw error;
    }
  }

  async function keep(delivery: Delivery, { whenAway }: IngestOptions): Promise<void> {
    if (spool === null || whenAway !== "spool") throw new Failure("unavailable", "The database did not answer.");
    await spool.append([textOf(delivery, (fingerprint) => known.has(fingerprint))]);
    remember(delivery.arrivals.map(({ fingerprint }) => fingerprint));
  }

  return {
    async take({ events: given, traffic }, options) {
      const events = await mapped(given);
      const { projectId, digest } = parts;
      const preparation = { projectId, digest, sampler, scrubber: await scrubber(), nowMs: parts.monotonicMs() };
      const delivery = {
        arrivals: events.map((event) => arrivalOf(event, preparation)),
        traffic: traffic.map((report) => trafficArrivalOf(report, preparation)),
      };
      if (absence.isAway()) await keep(delivery, options);
      else {
        try {
          await batches.add({ delivery, bytes: bytesOf({ events, traffic }) });
        } catch (error) {
          if (!isOutage(error)) throw error;
          absence.begin();
          await keep(delivery, options);
        }
      }
      return { accepted: events.length + traffic.length };
    },
    async stop() {
      await batches.drained();
      await absence.stop();
      detection.stop();
      await spool?.close();
    },
  };
}

/** The scrubber of the settings, which are read again every few seconds; without a database, of those that were read last. */
function currentScrubber({ connection, projectId, monotonicMs, scrubberFor, observe }: IntakeParts) {
  let current: { kinds: string; scrubber: EventScrubber } | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  async function refresh(): Promise<void> {
    readAtMs = monotonicMs();
    try {
      const { settings } = await within(writeWithinMs, loadProject(connection.db, projectId));
      const kinds = settings.privacy.scrub;
      if (current?.kinds !== kinds.join()) current = { kinds: kinds.join(), scrubber: scrubberFor(kinds) };
    } catch (error) {
      // What was read last holds on, and before anything was read every kind is switched on: no event waits for this.
      observe({ kind: "queue_error", error });
    }
  }
  return async (): Promise<EventScrubber> => {
    const isStale = monotonicMs() - readAtMs > settingsFreshMs;
    if (current === undefined) await refresh();
    else if (isStale) void refresh();
    current ??= { kinds: "", scrubber: scrubberFor(ScrubKind.options) };
    return current.scrubber;
  };
}
