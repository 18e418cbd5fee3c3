import type { RuleOf } from "#domain/rule.ts";
import { burstTail, dispersionIn, meanIn, medianOf } from "../chance.ts";
import { inWords, thresholdOf } from "./facts.ts";

const dayMs = 24 * 60 * 60_000;
const hourMs = 60 * 60_000;
const days = 7;
/** Counts that are judged; what they are compared with ends before them, so that a spike does not hide itself. */
const judged = 3;
/** The hour before, where a slow rise shows first. */
const recent = 12;
/** Below one event in ten counts nothing is usual. */
const baseMin = 0.1;
const once = { pMax: 2e-6, eventsMin: 8 };
const twice = { pMax: 1e-3, eventsMin: 4 };
const thrice = { pMax: 5e-6, eventsMin: 6 };
/**
 * Half an hour and an hour together: where events come in bursts about as great as a rise, a quarter of an hour cannot tell
 * the two apart at any rate of false alarms that people bear (tests/bench/spikes.ts).
 */
const longer = { pMax: 1e-6, eventsMin: 12, windows: [6, 12] };

/** How many counts of `windowMs` the rule looks at: a week, and what is judged. */
export function countsNeeded(windowMs: number): number {
  return Math.round((days * dayMs) / windowMs) + judged;
}

/**
 * Whether events come much more often than they used to, and the numbers (detection.md §2.4.4). `counts` are those of
 * consecutive windows, oldest first; the last window ended just now, and the first one is where the history begins. Less
 * than a day of it says nothing. Counts scatter more than Poisson, and by the hour: the test is negative-binomial around
 * the greatest of what is usual today, at this hour, and of late.
 */
export function spike(counts: readonly number[], rule: RuleOf<"spike">, steps = 0): string | undefined {
  const perDay = Math.round(dayMs / rule.windowMs);
  const end = counts.length - judged;
  if (end < perDay) return undefined;
  const [third, second, newest] = [counts[end] ?? 0, counts[end + 1] ?? 0, counts[end + 2] ?? 0];
  const sum = third + second + newest;
  if (!(newest >= twice.eventsMin || sum >= thrice.eventsMin)) return undefined;
  const base = usual(counts, end, perDay, rule.windowMs);
  const phi = dispersionBefore(counts, end, perDay);
  const rise = thresholdOf(rule, steps);
  const isRare = (count: number, times: number, mean: number, leg: { pMax: number; eventsMin: number }) =>
    count >= leg.eventsMin && count >= times * mean && burstTail(count, mean, phi) < leg.pMax;
  if (
    isRare(newest, rise + 1, base, once) ||
    (isRare(newest, rise, base, twice) && isRare(second, rise, base, twice))
  ) {
    return said(newest, 1, base, rule);
  }
  if (isRare(sum, rise, judged * base, thrice)) return said(sum, judged, judged * base, rule);
  for (const windows of longer.windows) {
    const slow = slowRise(counts, windows, rule, rise);
    if (slow !== undefined) return slow;
  }
  return undefined;
}

/** The same with a longer stretch that is judged, and what is usual before it. */
function slowRise(counts: readonly number[], windows: number, rule: RuleOf<"spike">, rise: number): string | undefined {
  const perDay = Math.round(dayMs / rule.windowMs);
  const end = counts.length - windows;
  const sum = Math.round(windows * meanIn(counts, end, counts.length));
  if (end < perDay || !(sum >= longer.eventsMin)) return undefined;
  const base = usual(counts, end, perDay, rule.windowMs);
  if (!(sum >= rise * windows * base)) return undefined;
  const p = burstTail(sum, windows * base, dispersionBefore(counts, end, perDay));
  return p < longer.pMax ? said(sum, windows, windows * base, rule) : undefined;
}

function dispersionBefore(counts: readonly number[], end: number, perDay: number): number {
  return Math.max(
    dispersionIn(counts, Math.max(0, end - perDay), end),
    dispersionIn(counts, Math.max(0, end - days * perDay), end),
  );
}

function usual(counts: readonly number[], end: number, perDay: number, windowMs: number): number {
  const around = Math.round(hourMs / windowMs);
  const sameHour: number[] = [];
  for (let day = 1; day <= days; day++) {
    const middle = counts.length - 1 - day * perDay;
    const [from, to] = [Math.max(0, middle - around), Math.min(end, middle + around + 1)];
    if (middle >= 0) sameHour.push(meanIn(counts, from, to));
  }
  const today = meanIn(counts, end - perDay, end);
  const lately = meanIn(counts, Math.max(0, end - recent), end);
  return Math.max(today, sameHour.length === 0 ? 0 : medianOf(sameHour), lately, baseMin);
}

function said(events: number, windows: number, base: number, { windowMs }: RuleOf<"spike">): string {
  const expected = base >= 10 ? base.toFixed(0) : base.toFixed(1);
  return `${events} events in ${inWords(windows * windowMs)}, usually ${expected}`;
}
