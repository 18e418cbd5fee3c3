import { z } from "zod";
import { ErrorEvent, type TrafficReport } from "#domain/event.ts";
import { Environment } from "#domain/ids.ts";
import type { EventScrubber } from "#domain/privacy.ts";
import { noiseOf } from "#policy/detectors/noise.ts";
import { fingerprintOf } from "#policy/fingerprint.ts";
import type { Sampler } from "#policy/sampling.ts";
import type { Arrival } from "#store/write/events.ts";
import { deliveryKey } from "#store/write/seen-events.ts";
import type { TrafficArrival } from "#store/write/traffic.ts";

/** What one request brought, ready to be written. */
export interface Delivery {
  arrivals: Arrival[];
  traffic: TrafficArrival[];
}

export interface Preparation {
  projectId: string;
  scrubber: EventScrubber;
  sampler: Sampler;
  digest(text: string): string;
  nowMs: number;
}

/**
 * From an event as it came to one as it is counted. What grouping looks at is scrubbed first, so that a token in a message
 * makes no new kind of error; the rest only where the event is kept (detection.md §2.3.10).
 */
export function arrivalOf(event: ErrorEvent, preparation: Preparation): Arrival {
  const { projectId, scrubber, sampler, digest, nowMs } = preparation;
  const headed = scrubber.heading(event);
  const { fingerprint: kind, causeKey, title, issueType } = fingerprintOf(headed, digest);
  const noise = noiseOf(headed);
  // Noise is a kind of its own: what a probe or a crawler met is no error of a release, however alike it looks.
  const fingerprint = noise === undefined ? kind : digest(`noise\n${noise}\n${kind}`).slice(0, kind.length);
  const { at, environment, release, trust, userHash } = headed;
  const sample = () => scrubber.whole(event);
  const isKept = sampler.keeps(`${fingerprint} ${environment} ${release}`, nowMs);
  return {
    key: deliveryKey(projectId, "event", event.id),
    ...{ at, environment, release, trust, userHash, fingerprint, issueType, isNoise: noise !== undefined },
    // Both name a place, which only now is looked at for private things.
    causeKey: scrubber.text(causeKey),
    title: scrubber.text(title),
    payload: isKept ? sample() : null,
    sample,
  };
}

export function trafficArrivalOf(report: TrafficReport, { projectId, scrubber }: Preparation): TrafficArrival {
  const { id, ...rest } = scrubber.traffic(report);
  return { ...rest, key: id ? deliveryKey(projectId, "traffic", id) : null };
}

/** Roughly what an event holds of memory while it waits. */
export function bytesOf({ events, traffic }: { events: ErrorEvent[]; traffic: TrafficReport[] }): number {
  const texts = events.reduce(
    (sum, { message, stack, frames, chain }) =>
      sum + message.length + (stack?.length ?? 0) + (frames.length + chain.length * 10) * perFrameBytes,
    0,
  );
  return texts + (events.length + traffic.length) * perEventBytes;
}

const perFrameBytes = 300;
const perEventBytes = 1_000;

const StoredArrival = z.object({
  key: z.string(),
  at: z.coerce.date(),
  environment: Environment,
  release: z.string().nullable(),
  trust: z.enum(["server", "browser"]),
  userHash: z.string().nullable(),
  fingerprint: z.string(),
  causeKey: z.string(),
  title: z.string(),
  issueType: z.string(),
  isNoise: z.boolean().default(false),
  payload: ErrorEvent.extend({ at: z.coerce.date() }).nullable(),
});
const StoredTraffic = z.object({
  key: z.string().nullable(),
  at: z.coerce.date(),
  environment: Environment,
  release: z.string().nullable(),
  operation: z.string(),
  requests: z.number(),
  failures: z.number(),
});
const StoredDelivery = z.object({ arrivals: z.array(StoredArrival), traffic: z.array(StoredTraffic) });

/** One line for the spool. `isKnown` tells of which kinds of errors a full event is stored already; the others bring theirs. */
export function textOf({ arrivals, traffic }: Delivery, isKnown: (fingerprint: string) => boolean): string {
  const stored = arrivals.map(({ sample, ...arrival }) => ({
    ...arrival,
    payload: arrival.payload ?? (isKnown(arrival.fingerprint) ? null : sample()),
  }));
  return JSON.stringify({ arrivals: stored, traffic });
}

export function deliveryIn(text: string): Delivery {
  const { arrivals, traffic } = StoredDelivery.parse(JSON.parse(text));
  return {
    arrivals: arrivals.map((arrival) => ({ ...arrival, sample: () => arrival.payload ?? bareEvent(arrival) })),
    traffic,
  };
}

/** Of a kind of error whose full event was lost together with the database: what its counting still knows. */
function bareEvent(arrival: z.infer<typeof StoredArrival>): ErrorEvent {
  const { key, at, environment, release, trust, userHash, title, issueType } = arrival;
  return ErrorEvent.parse({
    ...{ id: key, at, environment, release, trust, userHash, issueType, message: title },
    ...{ source: "spool", level: "error", handled: false, errorType: null, stack: null, frames: [] },
    ...{ operation: null, httpStatus: null, tags: {} },
  });
}
