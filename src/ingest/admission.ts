/**
 * How many events one key may send: 6,000 a minute, 3,000 at once (detection.md §2.3, step 1). Traffic reports are counts
 * already and cost nothing.
 */
const perMinute = 6_000;
const burst = 3_000;

export interface Bucket {
  events: number;
  at: Date;
}

/** What the bucket holds now; a key that was never seen starts with a full one. */
export function refill(bucket: Bucket | undefined, now: Date): Bucket {
  if (bucket === undefined) return { events: burst, at: now };
  const gained = (Math.max(0, now.getTime() - bucket.at.getTime()) / 60_000) * perMinute;
  return { events: Math.min(burst, bucket.events + gained), at: now };
}

/** Takes `events` out, or says when there will be enough. */
export function takeFrom(
  bucket: Bucket,
  events: number,
): { kind: "taken"; rest: Bucket } | { kind: "refused"; retryAfterMs: number } {
  if (events <= bucket.events) return { kind: "taken", rest: { ...bucket, events: bucket.events - events } };
  return { kind: "refused", retryAfterMs: ((events - bucket.events) / perMinute) * 60_000 };
}
