import type { IngestKey } from "./keys.ts";

/**
 * How many events one key may send (detection.md §2.3, step 1). A server's key is a secret, and a storm of its events must
 * be counted exactly: its bound is only a fuse, the back-pressure of the writer is the real one. A browser's key is public.
 * Traffic reports are counts already and cost nothing.
 */
const limits = {
  server: { perMinute: 600_000, burst: 60_000 },
  browser: { perMinute: 120_000, burst: 10_000 },
} as const satisfies Record<IngestKey["trust"], { perMinute: number; burst: number }>;

export interface Bucket {
  events: number;
  at: Date;
}

/** What the bucket holds now; a key that was never seen starts with a full one. */
export function refill(bucket: Bucket | undefined, now: Date, trust: IngestKey["trust"]): Bucket {
  const { perMinute, burst } = limits[trust];
  if (bucket === undefined) return { events: burst, at: now };
  const gained = (Math.max(0, now.getTime() - bucket.at.getTime()) / 60_000) * perMinute;
  return { events: Math.min(burst, bucket.events + gained), at: now };
}

/** Takes `events` out, or says when there will be enough. */
export function takeFrom(
  bucket: Bucket,
  events: number,
  trust: IngestKey["trust"],
): { kind: "taken"; rest: Bucket } | { kind: "refused"; retryAfterMs: number } {
  if (events <= bucket.events) return { kind: "taken", rest: { ...bucket, events: bucket.events - events } };
  return { kind: "refused", retryAfterMs: ((events - bucket.events) / limits[trust].perMinute) * 60_000 };
}
