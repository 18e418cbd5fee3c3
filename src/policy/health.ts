import type { HealthSample, Verdict } from "#domain/evidence.ts";

/** When a watch is open. `extended`: it was prolonged once already for lack of data (reliability A4). */
export interface Watch {
  from: Date;
  until: Date;
  extended: boolean;
}

export interface HealthLimits {
  checkEveryMs: number;
  consecutiveFailuresMax: number;
  /** Failed slots in all; absent where only failures in a row count. */
  failuresMax?: number;
  /** Measured slots below which nothing is said; where the window has fewer slots, all of them are needed. */
  validChecksMin: number;
}

/** How an inconclusive verdict begins that more time may cure: the stage prolongs the window once. */
export const tooFewChecks = "too few checks";

/**
 * Judges the health leg of either watch (spec.md §7 and §8). Checks count in the order of their slots; a slot without
 * data neither breaks nor lengthens a row of failures (reliability A3). Never passes on numbers that are none.
 */
export function judgeHealth(samples: HealthSample[], now: Date, watch: Watch, limits: HealthLimits): Verdict {
  const slots = slotCount(watch, limits.checkEveryMs);
  const sound = [limits.consecutiveFailuresMax, limits.failuresMax ?? 1, limits.validChecksMin].every((n) => n >= 1);
  if (slots === undefined || !sound) {
    return { kind: "inconclusive", because: "the window or its limits are not valid, nothing can be judged" };
  }
  const checks = inOrder(samples, slots).filter(({ outcome }) => outcome !== "no_data");
  const failed = failure(checks, limits);
  if (failed !== undefined) return { kind: "failed", because: failed };

  const measured = new Set(checks.map(({ slot }) => slot)).size;
  const needed = Math.min(limits.validChecksMin, slots);
  const soFar = `${measured} of ${slots} health checks measured (${needed} needed)`;
  if (Number.isNaN(now.getTime())) return { kind: "inconclusive", because: "the present time is unknown" };
  if (now.getTime() < watch.until.getTime()) return { kind: "watching", because: soFar };
  if (measured < needed) return short(soFar, watch);
  // Ending on a failure is no proof of health, even when the row is too short to abort.
  if (checks.at(-1)?.outcome !== "healthy") return short(`${soFar}, and the last one failed`, watch);
  return { kind: "passed", because: soFar };
}

/** What the watch does next: look now, wait until a time, or nothing because the window is over. */
export type NextLook =
  | { kind: "look"; slot: number; repeat: 0 | 1; scheduledAt: Date }
  | { kind: "wait"; until: Date }
  | { kind: "over" };

/**
 * The look that is due. After a late tick only the newest due slot is looked at: what was missed stays missing. A failed
 * look is repeated after `repeatFailedAfterMs` where that is set (spec.md §8).
 */
export function nextLook(
  samples: HealthSample[],
  watch: Pick<Watch, "from" | "until">,
  now: Date,
  limits: { checkEveryMs: number; repeatFailedAfterMs?: number },
): NextLook {
  const slots = slotCount(watch, limits.checkEveryMs);
  const [at, from, until] = [now.getTime(), watch.from.getTime(), watch.until.getTime()];
  if (slots === undefined || !(at < until)) return { kind: "over" };
  if (at < from) return { kind: "wait", until: watch.from };

  const slot = Math.min(Math.floor((at - from) / limits.checkEveryMs), slots - 1);
  const slotAt = from + slot * limits.checkEveryMs;
  const seen = inOrder(samples, slots).filter((sample) => sample.slot === slot);
  const regular = seen.find(({ repeat }) => repeat === 0);
  if (regular === undefined) return { kind: "look", slot, repeat: 0, scheduledAt: new Date(slotAt) };

  const nextSlotAt = slot + 1 < slots ? slotAt + limits.checkEveryMs : until;
  const repeatAt = slotAt + (limits.repeatFailedAfterMs ?? Number.NaN);
  const repeats = regular.outcome === "unhealthy" && seen.length === 1 && repeatAt < nextSlotAt;
  if (!repeats) return { kind: "wait", until: new Date(nextSlotAt) };
  if (at < repeatAt) return { kind: "wait", until: new Date(repeatAt) };
  return { kind: "look", slot, repeat: 1, scheduledAt: new Date(repeatAt) };
}

/** The slots of a window: slot 0 is due at its start. `undefined` when window or interval are not valid. */
function slotCount(watch: Pick<Watch, "from" | "until">, checkEveryMs: number): number | undefined {
  const lengthMs = watch.until.getTime() - watch.from.getTime();
  if (!(lengthMs > 0 && checkEveryMs > 0 && checkEveryMs < Number.POSITIVE_INFINITY)) return undefined;
  return Math.max(1, Math.floor(lengthMs / checkEveryMs));
}

/** One sample for each slot and repetition, in order; of duplicates the first counts, what lies outside the window does not. */
function inOrder(samples: HealthSample[], slots: number): HealthSample[] {
  const kept = new Map<string, HealthSample>();
  for (const sample of samples) {
    const inside = Number.isInteger(sample.slot) && sample.slot >= 0 && sample.slot < slots;
    const known = ["healthy", "unhealthy", "no_data"].includes(sample.outcome);
    const key = `${sample.slot}/${sample.repeat}`;
    if (inside && known && (sample.repeat === 0 || sample.repeat === 1) && !kept.has(key)) kept.set(key, sample);
  }
  return [...kept.values()].sort((one, other) => one.slot - other.slot || one.repeat - other.repeat);
}

function failure(checks: HealthSample[], limits: HealthLimits): string | undefined {
  let row = 0;
  for (const check of checks) {
    row = check.outcome === "unhealthy" ? row + 1 : 0;
    if (row >= limits.consecutiveFailuresMax) {
      return `${row} health checks failed in a row (limit ${limits.consecutiveFailuresMax}), the last one: ${check.because}`;
    }
  }
  const slots = new Set(checks.filter(({ outcome }) => outcome === "unhealthy").map(({ slot }) => slot)).size;
  if (limits.failuresMax === undefined || slots < limits.failuresMax) return undefined;
  return `${slots} health checks failed in all (limit ${limits.failuresMax})`;
}

function short(soFar: string, watch: Watch): Verdict {
  const because = watch.extended ? `${soFar}, although the window was prolonged` : `${tooFewChecks}: ${soFar}`;
  return { kind: "inconclusive", because };
}
