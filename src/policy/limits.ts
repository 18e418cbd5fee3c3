/**
 * Whether one more may be taken while at most `max` lie within the last `windowMs` (spec.md §11). `until` is the moment
 * at which the window frees. A limit or a time that is no number never frees anything.
 */
export function windowFree(
  taken: Date[],
  now: Date,
  windowMs: number,
  max: number,
): { kind: "free"; left: number } | { kind: "full"; until: Date } {
  const at = now.getTime();
  const closed = { kind: "full", until: new Date(at + (windowMs > 0 ? windowMs : 0)) } as const;
  if (!Number.isFinite(at) || !(windowMs > 0) || !(max >= 1)) return closed;
  const counted = taken
    // What cannot be dated was taken now: forgetting it would hand out a slot twice.
    .map((date) => (Number.isNaN(date.getTime()) ? at : date.getTime()))
    .filter((time) => time > at - windowMs)
    .sort((one, other) => one - other);
  const places = Math.floor(max);
  if (counted.length < places) return { kind: "free", left: places - counted.length };
  const nextToLeave = counted[counted.length - places];
  return nextToLeave === undefined ? closed : { kind: "full", until: new Date(nextToLeave + windowMs) };
}
