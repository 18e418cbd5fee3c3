import { defaultRules } from "#domain/rule.ts";
import { countsNeeded, spike } from "#policy/detectors/spike.ts";
import { poisson, seeded } from "./builders.ts";

/** How the events of one kind of error come: so many in five minutes, by which cycle, and how bursty. */
export interface Regime {
  mean: number;
  cycle: "constant" | "daily" | "weekly";
  /** Variance over mean. */
  dispersion: number;
}

/** The ten regimes of detection.md §1c: from one in an hour and a half to ten a minute. */
export const everyRegime: Regime[] = [
  { mean: 0.05, cycle: "constant", dispersion: 1 },
  { mean: 0.5, cycle: "constant", dispersion: 1 },
  { mean: 5, cycle: "constant", dispersion: 1 },
  { mean: 50, cycle: "constant", dispersion: 1 },
  { mean: 0.5, cycle: "constant", dispersion: 4 },
  { mean: 5, cycle: "constant", dispersion: 8 },
  { mean: 5, cycle: "daily", dispersion: 1 },
  { mean: 50, cycle: "daily", dispersion: 3 },
  { mean: 5, cycle: "weekly", dispersion: 2 },
  { mean: 50, cycle: "weekly", dispersion: 8 },
];

const found = defaultRules.find(({ kind }) => kind === "spike");
if (found?.kind !== "spike") throw new Error("no spike rule");
const rule = found;
const perDay = 288;
const perHour = 12;
const needed = countsNeeded(rule.windowMs);

/** The mean at a time: by day it swings by nine tenths around its middle, on weekends it is a third. */
function meanAt({ mean, cycle }: Regime, place: number): number {
  if (cycle === "constant") return mean;
  const byHour = mean * (1 + 0.9 * Math.sin((2 * Math.PI * (place % perDay)) / perDay));
  const isWeekend = Math.floor(place / perDay) % 7 >= 5;
  return cycle === "weekly" && isWeekend ? byHour / 3 : byHour;
}

/** A count with the regime's mean and dispersion: Poisson around a gamma that is drawn as a sum of exponentials. */
function draw(mean: number, dispersion: number, random: () => number): number {
  if (dispersion <= 1 || mean <= 0) return poisson(Math.max(0, mean), random);
  return poisson(gamma(mean / (dispersion - 1), random) * (dispersion - 1), random);
}

/** Marsaglia and Tsang; below a shape of one it is raised and scaled back. */
function gamma(shape: number, random: () => number): number {
  if (shape < 1) return gamma(shape + 1, random) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - random()) < normal ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function historyOf(regime: Regime, length: number, random: () => number): number[] {
  return Array.from({ length }, (_, place) => draw(meanAt(regime, place), regime.dispersion, random));
}

/** How often the rule speaks where nothing happens; once an hour at the most, as in the product. */
export function falseAlarmsIn(
  regime: Regime,
  { series, days, seed }: { series: number; days: number; seed: number },
): { alarms: number; fingerprintDays: number } {
  let alarms = 0;
  for (let n = 0; n < series; n++) {
    const counts = historyOf(regime, (7 + days) * perDay, seeded(seed * 1_000 + n));
    for (let end = 7 * perDay; end <= counts.length; end++) {
      if (spike(counts.slice(Math.max(0, end - needed), end), rule) === undefined) continue;
      alarms++;
      end += perHour;
    }
  }
  return { alarms, fingerprintDays: series * days };
}

/** A time of the eighth day at which at least as many events are usual as on the mean. */
function busyTime(regime: Regime, random: () => number): number {
  for (;;) {
    const place = Math.floor(random() * perDay);
    if (meanAt({ ...regime, cycle: regime.cycle === "constant" ? "constant" : "daily" }, place) >= regime.mean)
      return place;
  }
}

/** The share of sudden rises to `times` as much that are seen within so many counts of five minutes; a quarter of an hour. */
export function stepsSeen(
  regime: Regime,
  { series, times, seed, within = 3 }: { series: number; times: number; seed: number; within?: number },
): number {
  let seen = 0;
  for (let n = 0; n < series; n++) {
    const random = seeded(seed * 7_000 + n);
    const length = 7 * perDay + busyTime(regime, random);
    const counts = historyOf(regime, length, random);
    const isSeen = Array.from({ length: within }, (_, after) => after).some((after) => {
      counts.push(draw(times * meanAt(regime, length + after), regime.dispersion, random));
      return spike(counts.slice(-needed), rule) !== undefined;
    });
    if (isSeen) seen++;
  }
  return seen / series;
}
