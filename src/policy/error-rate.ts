import betainc from "@stdlib/math-base-special-betainc";
import type { ErrorCounts, Verdict } from "#domain/evidence.ts";
import type { Settings } from "#domain/settings.ts";

type RateLimits = Pick<Settings["production"], "errorsMin" | "pValueMax" | "risePctRollback" | "risePctRepeated">;
interface Observed {
  errors: number;
  /** Requests, or milliseconds where requests are unknown; both sides use the same. */
  exposure: number;
}

/** How an inconclusive verdict begins when there is nothing to compare with: other legs decide then (reliability A9). */
export const noBaseline = "no baseline";
/** Against a baseline of no errors every rise is infinite; the database and JSON know only finite numbers. */
const risePctCap = 1_000_000;
const minuteMs = 60_000;

/**
 * Compares the errors of the new release with the baseline (spec.md §8). A rise counts only when it is more than noise;
 * `risePct` is that rise, to be handed back as `earlierRisePct` at the next check, and `null` where there is none.
 * Never `passed`: this leg alone proves nothing (reliability A9).
 */
export function judgeErrorRate(
  before: ErrorCounts | null,
  now: ErrorCounts,
  earlierRisePct: number | null,
  limits: RateLimits,
): { verdict: Verdict; risePct: number | null } {
  const compared = comparable(before, now);
  if (typeof compared === "string") return { verdict: { kind: "inconclusive", because: compared }, risePct: null };
  const p = conditionalTest(compared.before, compared.now, compared.dispersion);
  const { errors } = compared.now;
  if (!Number.isFinite(p)) {
    return { verdict: { kind: "inconclusive", because: "the error counts are not valid numbers" }, risePct: null };
  }
  const rise = risePct(compared.before, compared.now);
  const counted = `${errors} errors (${errors === 0 ? "none" : `${rise.toFixed(0)} % against the baseline`}, p = ${p.toPrecision(2)})`;
  if (errors < limits.errorsMin || !(p < limits.pValueMax)) {
    return { verdict: { kind: "watching", because: `${counted}: not more than noise` }, risePct: null };
  }
  if (rise > limits.risePctRollback) {
    return { verdict: { kind: "failed", because: `${counted}: limit ${limits.risePctRollback} %` }, risePct: rise };
  }
  if (rise > limits.risePctRepeated && earlierRisePct !== null && earlierRisePct > limits.risePctRepeated) {
    const because = `${counted} after ${earlierRisePct.toFixed(0)} % before: limit ${limits.risePctRepeated} % twice in a row`;
    return { verdict: { kind: "failed", because }, risePct: rise };
  }
  return { verdict: { kind: "watching", because: `${counted}: below the limits` }, risePct: rise };
}

/**
 * What the judge compares, as rates: errors per request where both sides know their requests, else errors per minute. A text
 * says why there is nothing to compare.
 */
export function comparedRates(
  before: ErrorCounts | null,
  now: ErrorCounts,
): { by: "requests" | "time"; before: number; now: number } | string {
  const compared = comparable(before, now);
  if (typeof compared === "string") return compared;
  const { by } = compared;
  const rate = ({ errors, exposure }: Observed) => (errors / exposure) * (by === "time" ? minuteMs : 1);
  return { by, before: rate(compared.before), now: rate(compared.now) };
}

/**
 * One-sided p-value that `now` is no worse than `baseline`: given all c0 + c1 errors, those of `now` are binomial with
 * share e1 / (e0 + e1). Counts are divided by max(1, `dispersion`) because errors come in bursts (reliability A8, A16);
 * the quotients stay fractions, since the regularised incomplete beta function I(p; c1, c0 + 1) continues the binomial
 * tail between whole numbers. `NaN` for anything that is not a count.
 */
export function conditionalTest(baseline: Observed, now: Observed, dispersion: number): number {
  const counts = [baseline.errors, now.errors, baseline.exposure, now.exposure];
  if (!counts.every((n) => Number.isFinite(n) && n >= 0) || !Number.isFinite(dispersion)) return Number.NaN;
  if (baseline.exposure === 0 || now.exposure === 0) return Number.NaN;
  if (now.errors === 0) return 1;
  const phi = Math.max(1, dispersion);
  const share = now.exposure / (baseline.exposure + now.exposure);
  return betainc(share, now.errors / phi, baseline.errors / phi + 1);
}

/**
 * The smallest factor by which errors must rise so that `watchExposure` of the new release shows it four times in five;
 * shown before an approval (reliability A10). `Infinity` where the baseline has no error to multiply.
 */
export function minimumDetectableRatio(
  baseline: Observed,
  watchExposure: number,
  dispersion: number,
  limits: RateLimits,
  power = 0.8,
): number {
  const expected = (baseline.errors / baseline.exposure) * watchExposure;
  const phi = Math.max(1, dispersion);
  if (!(expected > 0 && expected < Number.POSITIVE_INFINITY) || !Number.isFinite(phi)) return Number.POSITIVE_INFINITY;
  const rejects = (errors: number) => {
    const now = { errors, exposure: watchExposure };
    const noise = !(errors >= limits.errorsMin && conditionalTest(baseline, now, dispersion) < limits.pValueMax);
    return !noise && risePct(baseline, now) > limits.risePctRollback;
  };
  const critical = smallest(rejects, 0, 1 + limits.errorsMin);
  // Bursts of phi errors arrive as a Poisson process: so many of them make the critical count.
  const bursts = Math.ceil(critical / phi);
  const reached = (mean: number) => 1 - poissonBelow(bursts, mean) >= power;
  let [low, high] = [0, bursts + 10 * Math.sqrt(bursts) + 10];
  for (let step = 0; step < bisectionsMax; step++) {
    const middle = (low + high) / 2;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return (high * phi) / expected;
}

const bisectionsMax = 60;

/** Both sides on one scale, or why they cannot be compared. */
function comparable(
  before: ErrorCounts | null,
  now: ErrorCounts,
): { by: "requests" | "time"; before: Observed; now: Observed; dispersion: number } | string {
  if (before === null) return `${noBaseline}: nothing was recorded before the deployment`;
  if (before.errors.kind === "unmeasured") return `${noBaseline}: ${before.errors.why}`;
  if (now.errors.kind === "unmeasured") return `errors were not measured: ${now.errors.why}`;
  const requests =
    before.requests.kind === "measured" && now.requests.kind === "measured"
      ? { before: before.requests.value, now: now.requests.value }
      : undefined;
  if (requests?.now === 0 && now.errors.value === 0) return "the new release served no requests yet";
  // Requests that nobody served cannot carry errors: background work does, and that is measured by time.
  const byTime = requests === undefined || requests.now === 0 || requests.before === 0;
  const exposure = byTime ? { before: before.durationMs, now: now.durationMs } : requests;
  if (exposure.before === 0) return `${noBaseline}: it covers no time`;
  if (exposure.now === 0) return "the new release was observed for no time yet";
  return {
    by: byTime ? "time" : "requests",
    before: { errors: before.errors.value, exposure: exposure.before },
    now: { errors: now.errors.value, exposure: exposure.now },
    dispersion: before.dispersion,
  };
}

function risePct(before: Observed, now: Observed): number {
  if (now.errors === 0) return -100;
  if (before.errors === 0) return risePctCap;
  const ratio = now.errors / now.exposure / (before.errors / before.exposure);
  return Math.min((ratio - 1) * 100, risePctCap);
}

/** The smallest whole number that `holds`, which stays true once it is. */
function smallest(holds: (n: number) => boolean, from: number, firstStep: number): number {
  let [low, high] = [from, firstStep];
  while (!holds(high) && high < Number.MAX_SAFE_INTEGER / 4) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** P(Poisson(mean) < k), summed in logarithms so that large means do not underflow. */
function poissonBelow(k: number, mean: number): number {
  if (mean === 0) return k > 0 ? 1 : 0;
  let [logTerm, sum] = [-mean, 0];
  for (let i = 0; i < k; i++) {
    sum += Math.exp(logTerm);
    logTerm += Math.log(mean) - Math.log(i + 1);
  }
  return Math.min(1, sum);
}
