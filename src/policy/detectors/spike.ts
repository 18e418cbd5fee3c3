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
const once = { pMax: 1e-5, eventsMin: 8 };
const twice = { pMax: 1e-3, eventsMin: 4 };
const thrice = { pMax: 1e-5, eventsMin: 6 };

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
  const phi = Math.max(
    dispersionIn(counts, end - perDay, end),
    dispersionIn(counts, Math.max(0, end - days * perDay), end),
  );
  const rise = thresholdOf(rule, steps);
  const isRare = (count: number, times: number, mean: number, leg: { pMax: number; eventsMin: number }) =>
    count >= leg.eventsMin && count >= times * mean && burstTail(count, mean, phi) < leg.pMax;
  if (
    isRare(newest, rise + 1, base, once) ||
    (isRare(newest, rise, base, twice) && isRare(second, rise, base, twice))
  ) {
    return said(newest, 1, base, rule);
  }
  return isRare(sum, rise, judged * base, thrice) ? said(sum, judged, judged * base, rule) : undefined;
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
