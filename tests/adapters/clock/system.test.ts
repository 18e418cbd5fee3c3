import { expect, it } from "vitest";
import { createSystemClock } from "#adapters/clock/system.ts";

it("the system clock tells the time of its source anew each time", () => {
  let nowMs = 1_000;
  const clock = createSystemClock(() => nowMs);
  const first = clock.now();
  nowMs = 2_000;
  expect([first, clock.now()]).toEqual([new Date(1_000), new Date(2_000)]);
});

it("the system clock is the machine's unless told otherwise", () => {
  const before = Date.now();
  const { now } = createSystemClock();
  expect(now().getTime()).toBeGreaterThanOrEqual(before);
});
