import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { diagnosisOf, stopClaim } from "./findings.ts";
import { placesOf } from "./places.ts";
import type { Finding, Playbook } from "./playbook.ts";

/** The making of the error and who threw it; further out nobody refused anything. */
const placesMax = 3;

/** A check of the application that said no on purpose. Removing it would be the opposite of a repair (spec.md §18.1). */
export function createDenialPlaybook(): Playbook {
  return {
    name: "denial",
    diagnose,
    repair: async () => ({ kind: "cannot_fix", because: "a check that does its work is not a fault" }),
  };
}

async function diagnose(problem: Problem, snapshot: Snapshot): Promise<Finding> {
  const places = await placesOf(problem, snapshot);
  if (typeof places === "string") return { kind: "not_mine" };
  const { denialAt } = await import("./denied.ts");
  const denial = await denialAt(places.slice(0, placesMax), problem.errorType, snapshot);
  if (denial === undefined) return { kind: "not_mine" };
  const diagnosis = diagnosisOf({
    causeClass: "expected_denial",
    rootCause: `${denial.path}:${denial.line} refuses on purpose: \`${denial.text}\`. The error is the answer to what was asked, not a fault.`,
    evidence: [{ file: denial.path, line: denial.line, note: denial.text }],
    fixStrategy: "Nothing to change: the check does its work.",
    files: [],
    confidence: 85,
    claim: stopClaim(problem, "Nothing has to stop: the check stays."),
  });
  return { kind: "found", diagnosis };
}
