import { setTimeout as after } from "node:timers";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { type EventScrubber, ScrubKind } from "#domain/privacy.ts";
import { createSampler } from "#policy/sampling.ts";
import type { Transaction } from "#store/connect.ts";
import { loadProject } from "#store/read/projects.ts";
import type { Spool } from "#store/spool.ts";
import { recordEvents, type Touched } from "#store/write/events.ts";
import { recordTraffic } from "#store/write/traffic.ts";
import { arrivalOf, bytesOf, type Delivery, deliveryIn, textOf, trafficArrivalOf } from "./arrivals.ts";
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
  /** How long the first event of a batch waits for others. 0 where the request is the batch (serverless). */
  batchWaitMs: number;
};

/** detection.md §2.3.12. The queue holds some seconds of a storm; what does not fit is refused, and memory stays flat. */
const batchEventsMax = 500;
const queuedEventsMax = 10_000;
const queuedBytesMax = 64 * 1024 * 1024;
/** A database that does not answer for so long is away, whatever becomes of the statement (reliability B12). */
const writeWithinMs = 5_000;
const lookAgainMs = 1_000;
const settingsFreshMs = 5_000;
const knownKindsMax = 50_000;

/** Batches, samples, counts; and while the database is away, keeps on the disk what nobody would send again. */
export function createIntake(parts: IntakeParts): Intake {
  const { connection, projectId, spool } = parts;
  const sampler = createSampler();
  const scrubber = currentScrubber(parts);
  const askForDetection = detectionAsker(parts);
  const known = new Set<string>();
  const batches = createBatches<{ delivery: Delivery; bytes: number }>(
    { waitMs: parts.batchWaitMs, eventsMax: batchEventsMax, queuedEventsMax, queuedBytesMax },
    ({ delivery: { arrivals, traffic }, bytes }) => ({ events: arrivals.length + traffic.length, bytes }),
    (items) => write(items.map(({ delivery }) => delivery)),
  );
  const absence = absenceOf(parts, (records) => write(records.map(deliveryIn)));

  async function write(deliveries: Delivery[]): Promise<void> {
    const urgent = await within(
      writeWithinMs,
      connection.db.transaction(async (tx) => {
        const arrivals = deliveries.flatMap((delivery) => delivery.arrivals);
        const touched = await recordEvents(tx, projectId, arrivals);
        await recordTraffic(
          tx,
          projectId,
          deliveries.flatMap(({ traffic }) => traffic),
        );
        return askForDetection(tx, touched);
      }),
    );
    remember(deliveries.flatMap(({ arrivals }) => arrivals.map(({ fingerprint }) => fingerprint)));
    // Woken only for what cannot wait: a storm must not keep every worker looking for work.
    if (urgent) parts.observe({ kind: "committed" });
  }

  function remember(fingerprints: string[]): void {
    if (known.size > knownKindsMax) known.clear();
    for (const fingerprint of fingerprints) known.add(fingerprint);
  }

  async function keep(delivery: Delivery, { whenAway }: IngestOptions): Promise<void> {
    if (spool === null || whenAway !== "spool") throw new Failure("unavailable", "The database did not answer.");
    await spool.append([textOf(delivery, (fingerprint) => known.has(fingerprint))]);
    remember(delivery.arrivals.map(({ fingerprint }) => fingerprint));
  }

  return {
    async take({ events, traffic }, options) {
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
      await spool?.close();
    },
  };
}

/** Looks for the database until it is back, and then brings it what was kept meanwhile. */
function absenceOf({ connection, spool, observe }: IntakeParts, write: (records: string[]) => Promise<void>) {
  let away = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      await connection.rows(z.unknown(), sql`SELECT 1`);
      away = false;
      await spool?.replay(writeEach);
    } catch (error) {
      away = isOutage(error);
      observe({ kind: "queue_error", error });
    }
    if (!stopped && (away || spool?.isEmpty() === false)) lookLater();
  }

  /** A record that the database will never take must not stand in the way of the others for ever. */
  async function writeEach(records: string[]): Promise<void> {
    try {
      await write(records);
    } catch (error) {
      if (stopped || isOutage(error)) throw error;
      if (records.length === 1) observe({ kind: "queue_error", error });
      else for (const record of records) await writeEach([record]);
    }
  }

  function lookLater(): void {
    timer ??= after(() => {
      timer = undefined;
      looking = look();
    }, lookAgainMs).unref();
  }

  if (spool?.isEmpty() === false) lookLater();
  return {
    isAway: () => away,
    /** Without a disk every request finds out for itself: nothing is gained by refusing it earlier. */
    begin() {
      if (spool === null || stopped) return;
      away = true;
      lookLater();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** The scrubber of the settings, which are read again every few seconds; without a database, of those that were read last. */
function currentScrubber({ connection, projectId, monotonicMs, scrubberFor }: IntakeParts) {
  let current: { kinds: string; scrubber: EventScrubber } | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  async function refresh(): Promise<void> {
    readAtMs = monotonicMs();
    try {
      const { settings } = await loadProject(connection.db, projectId);
      const kinds = settings.privacy.scrub;
      if (current?.kinds !== kinds.join()) current = { kinds: kinds.join(), scrubber: scrubberFor(kinds) };
    } catch (error) {
      // Away: what was read last holds on, and before anything was read every kind is switched on.
      if (!isOutage(error) && current === undefined) throw error;
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

/** Issues in these states are decided about at the first new event. */
const endedStatuses = new Set(["resolved", "failed", "rejected"]);
const atOnceEveryMs = 1_000;
const soonMs = 5_000;

/**
 * A new kind of error, one that may pass its gate now, and one that came back are looked at once; everything else (more
 * of the same) within seconds. Answers whether it is for now.
 */
function detectionAsker({ queue, monotonicMs }: IntakeParts) {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  return async (tx: Transaction, touched: Touched[]): Promise<boolean> => {
    const relevant = touched.filter(({ inProduction }) => inProduction);
    if (relevant.length === 0) return false;
    const isNew = relevant.some((one) => one.isNew);
    const mayDecide = relevant.some(
      ({ state, issueStatus }) =>
        (state === "candidate" && issueStatus === null) || (issueStatus !== null && endedStatuses.has(issueStatus)),
    );
    const isUrgent = isNew || (mayDecide && monotonicMs() - askedAtMs >= atOnceEveryMs);
    if (isUrgent) askedAtMs = monotonicMs();
    await queue.sendDetect(tx, isUrgent ? 0 : soonMs);
    return isUrgent;
  };
}

function isOutage(error: unknown): boolean {
  return error instanceof Failure && error.code === "unavailable";
}

/** `work`, or `unavailable` when it takes too long. What it still does then does not matter: ids make it harmless. */
async function within<Value>(ms: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = after(() => fail(new Failure("unavailable", "The database did not answer in time.")), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
