import type { Clock } from "#ports/clock.ts";

/** The machine's time, for what runs without a database. `now` answers in milliseconds since 1970. */
export function createSystemClock(now: () => number = Date.now): Clock {
  return { now: () => new Date(now()) };
}
