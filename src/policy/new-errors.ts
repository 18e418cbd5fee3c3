import type { Claim } from "#domain/diagnosis.ts";
import type { ClaimVerdict, ErrorKind, Measurement, Verdict } from "#domain/evidence.ts";
import type { Environment } from "#domain/ids.ts";
import type { Settings } from "#domain/settings.ts";

/** Rule of thumb, not statistics: fewer requests of the cured operation say nothing about whether the error stopped. */
const operationRequestsMin = 3;

/**
 * Judges the kinds of error that the new release itself reported: the one it claims to cure, and those that are new
 * (spec.md §7 and §8, reliability A11). Clean is `watching`: the window, not this leg, says when it is enough.
 */
export function judgeNewErrors(
  kinds: ErrorKind[],
  claim: Claim,
  environment: Environment,
  settings: Settings,
): Verdict {
  const counted = kinds.filter((kind) => kind.isNew || isClaimed(kind, claim));
  if (!counted.every(({ events }) => Number.isFinite(events) && events >= 0)) {
    return { kind: "inconclusive", because: "the error counts are not valid numbers" };
  }
  return environment === "staging"
    ? onStaging(counted, claim, settings.staging.newErrorsMax)
    : inProduction(counted, claim, settings.production.newErrorEventsMax);
}

/**
 * Whether the fix did what it claims (spec.md §18.3). One recurrence on the new release refutes it; silence proves it only
 * after the operation was used, over the whole window.
 */
export function judgeClaim(
  claim: Claim,
  facts: { kinds: ErrorKind[]; operationRequests: Measurement; windowOver: boolean },
  _settings: Settings,
): ClaimVerdict {
  if (claim.kind === "nothing_to_stop") return { kind: "held", because: `no error had to stop: ${claim.statement}` };
  const events = facts.kinds.filter((kind) => isClaimed(kind, claim)).reduce((sum, kind) => sum + kind.events, 0);
  if (!Number.isFinite(events)) return { kind: "inconclusive", because: "the error counts are not valid numbers" };
  if (events > 0)
    return { kind: "not_held", because: `the error happened again on the new release: ${events} time(s)` };
  const { operationRequests: requests } = facts;
  const operation = claim.operation ?? "the application";
  if (requests.kind === "unmeasured") {
    return { kind: "inconclusive", because: `requests to ${operation} were not measured: ${requests.why}` };
  }
  const used = `${requests.value} requests to ${operation} (limit ${operationRequestsMin})`;
  if (!(requests.value >= operationRequestsMin && requests.value < Number.POSITIVE_INFINITY)) {
    return { kind: "inconclusive", because: `too little traffic to judge the claim: ${used}` };
  }
  if (!facts.windowOver) return { kind: "inconclusive", because: `not seen again so far, after ${used}` };
  return { kind: "held", because: `the error did not happen again in ${used}` };
}

function onStaging(kinds: ErrorKind[], claim: Claim, max: number): Verdict {
  const events = kinds.reduce((sum, kind) => sum + kind.events, 0);
  if (events > max) {
    const worst = kinds.find((kind) => kind.events > 0);
    return {
      kind: "failed",
      because: `new errors: ${events} (limit ${max})${worst ? `, ${named(worst, claim)}` : ""}`,
    };
  }
  return { kind: "watching", because: `new errors: ${events} (limit ${max})` };
}

function inProduction(kinds: ErrorKind[], claim: Claim, max: number): Verdict {
  const guilty = kinds.find(({ events, inChangedFile }) => events >= max || (events >= 1 && inChangedFile));
  if (guilty !== undefined) {
    const place = guilty.inChangedFile ? " in a changed file (limit 1)" : ` (limit ${max})`;
    return { kind: "failed", because: `${named(guilty, claim)}: ${guilty.events} event(s)${place}` };
  }
  const events = kinds.reduce((sum, kind) => sum + kind.events, 0);
  return { kind: "watching", because: `errors of a new kind: ${events} (limit ${max} of one kind)` };
}

function isClaimed(kind: ErrorKind, claim: Claim): boolean {
  return claim.kind === "error_stops" && kind.fingerprint === claim.fingerprint;
}

function named(kind: ErrorKind, claim: Claim): string {
  return isClaimed(kind, claim) ? `the error that should have stopped, ${kind.title}` : `a new error, ${kind.title}`;
}
