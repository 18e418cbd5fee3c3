import type { Evidence } from "#domain/evidence.ts";
import type { PlannedFix } from "#domain/fix.ts";
import type { Settings } from "#domain/settings.ts";

/**
 * Ends an attempt at a fix. `last`: the attempts are used up and the issue fails; otherwise the evidence opens the next
 * attempt, which gets everything that went wrong so far as feedback.
 */
export function endAttempt(
  fix: PlannedFix,
  settings: Settings,
  failed: { because: string; output: string | null; diff: string | null },
): { last: boolean; sentence: string; evidence: Evidence[] } {
  const { attempt, diagnosis, feedback } = fix;
  const { because } = failed;
  const { repairAttempts } = settings.limits;
  const last = attempt >= repairAttempts;
  const ended: Evidence = { kind: "attempt_failed", ...failed };
  const next: Evidence = { kind: "next_attempt", diagnosis, feedback: [...feedback, { attempt, ...failed }] };
  return {
    last,
    sentence: `Attempt ${attempt} of ${repairAttempts}: ${because}`,
    evidence: last ? [ended] : [ended, next],
  };
}
