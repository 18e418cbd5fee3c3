import betainc from "@stdlib/math-base-special-betainc";

/** A dispersion of 1 is Poisson; so little above it the formula stays the same and the result as well. */
const dispersionMin = 1.001;

/**
 * P(X ≥ count) where counts scatter around `mean` with variance `dispersion` × mean (negative binomial; Poisson at 1):
 * the tail is the incomplete beta function I(1 − 1/φ; count, mean/(φ − 1)). `NaN` for what is no count or no mean.
 */
export function burstTail(count: number, mean: number, dispersion: number): number {
  if (!(count >= 0 && mean > 0 && dispersion >= 1) || !Number.isFinite(count + mean + dispersion)) return Number.NaN;
  if (count === 0) return 1;
  const phi = Math.max(dispersion, dispersionMin);
  return betainc(1 - 1 / phi, count, mean / (phi - 1));
}

/** P(X ≥ count) of `trials` where each succeeds with probability `share`. `NaN` for what is none of these. */
export function binomialTail(count: number, trials: number, share: number): number {
  if (!(count >= 0 && count <= trials && share >= 0 && share <= 1) || !Number.isFinite(trials)) return Number.NaN;
  return count === 0 ? 1 : betainc(share, count, trials - count + 1);
}

/** Variance over mean, at least 1; 1 where nothing is known. */
export function dispersionIn(counts: readonly number[], from: number, to: number): number {
  const mean = meanIn(counts, from, to);
  if (to - from < 2 || !(mean > 0)) return 1;
  let squares = 0;
  for (let at = from; at < to; at++) squares += ((counts[at] ?? 0) - mean) ** 2;
  return Math.max(1, squares / (to - from - 1) / mean);
}

/** 0 where nothing is known. */
export function meanIn(counts: readonly number[], from: number, to: number): number {
  if (to <= from) return 0;
  let sum = 0;
  for (let at = from; at < to; at++) sum += counts[at] ?? 0;
  return sum / (to - from);
}

export function medianOf(values: readonly number[]): number {
  const ordered = values.toSorted((a, b) => a - b);
  const middle = ordered.length >> 1;
  const upper = ordered[middle] ?? 0;
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] ?? 0) + upper) / 2;
}
