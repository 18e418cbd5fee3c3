import type { ClaimVerdict, Measurement, Verdict } from "#domain/evidence.ts";
import type { Settings } from "#domain/settings.ts";
import { noBaseline } from "./error-rate.ts";

/** Everything the watch over staging knows. `servedOther`: staging serves another version than the candidate. */
export interface StagingParts {
  health: Verdict;
  newErrors: Verdict;
  servedOther: boolean;
}

export interface ProductionParts {
  health: Verdict;
  errorRate: Verdict;
  newErrors: Verdict;
  claim: ClaimVerdict;
  /** Requests that the new release served since the watch began. */
  requests: Measurement;
  windowOver: boolean;
}

/** The verdict over staging (spec.md §7): any failure stops, and only a finished, measured, clean window passes. */
export function judgeStaging({ health, newErrors, servedOther }: StagingParts): Verdict {
  if (servedOther) return { kind: "failed", because: "staging serves another version than the candidate" };
  const failed = firstFailed([health, newErrors]);
  if (failed !== undefined) return failed;
  if (health.kind !== "passed") return health;
  if (!isClean(newErrors)) return { kind: "inconclusive", because: newErrors.because };
  return { kind: "passed", because: `${health.because}; ${newErrors.because}` };
}

/**
 * The verdict over production (spec.md §8 and §18.6). A failure rolls back at once; before the window is over everything
 * else waits; at its end each proof must be there, or the verdict is inconclusive and names what is missing.
 */
export function judgeProduction(parts: ProductionParts, settings: Settings): Verdict {
  const failed = firstFailed([parts.health, parts.newErrors, parts.errorRate]);
  if (failed !== undefined) return failed;
  if (parts.windowOver !== true) return { kind: "watching", because: parts.health.because };
  // The window gave the error its chance: it came back, so the fix is refuted and not merely unproved.
  if (parts.claim.kind === "not_held") return { kind: "failed", because: parts.claim.because };
  const missing = [
    parts.health.kind === "passed" ? undefined : parts.health.because,
    missingTraffic(parts.requests, settings.production.requestsMin),
    parts.claim.kind === "held" ? undefined : parts.claim.because,
    isClean(parts.newErrors) ? undefined : parts.newErrors.because,
    isClean(parts.errorRate) || isWithoutBaseline(parts.errorRate) ? undefined : parts.errorRate.because,
  ].filter((reason) => reason !== undefined);
  if (missing.length > 0) return { kind: "inconclusive", because: missing.join("; ") };
  return { kind: "passed", because: `${parts.health.because}; ${parts.claim.because}; ${parts.errorRate.because}` };
}

function firstFailed(verdicts: Verdict[]): Verdict | undefined {
  return verdicts.find(({ kind }) => kind === "failed");
}

/** The other legs have no window of their own: nothing wrong so far is all they can say. */
function isClean({ kind }: Verdict): boolean {
  return kind === "passed" || kind === "watching";
}

function isWithoutBaseline({ kind, because }: Verdict): boolean {
  return kind === "inconclusive" && because.startsWith(noBaseline);
}

function missingTraffic(requests: Measurement, requestsMin: number): string | undefined {
  if (requests.kind !== "measured") return `requests were not measured: ${requests.why}`;
  const enough = requests.value >= requestsMin && requests.value < Number.POSITIVE_INFINITY;
  return enough ? undefined : `only ${requests.value} requests reached the new release (limit ${requestsMin})`;
}
