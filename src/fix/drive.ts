import { setTimeout as after } from "node:timers/promises";
import { Failure } from "#domain/failure.ts";
import type { IssueFacts } from "#domain/issue.ts";
import type { Outcome } from "#domain/outcome.ts";
import { diagnosis } from "#pipeline/2-diagnosis.ts";
import { fix } from "#pipeline/3-fix.ts";
import { tests } from "#pipeline/4-tests.ts";
import type { World } from "#pipeline/stage.ts";
import { type FixableIssue, issueAt, noProgress, type Progress, withEvidence } from "./issue.ts";

/** How far the stages came, and why they stopped there. */
export interface Ending extends Progress {
  /** `staging`: a tested fix. `waiting`: it would go on some day, for instance under another budget. */
  at: "staging" | "failed" | "rejected" | "dismissed" | "waiting";
  because: string;
}

/** Each attempt takes a few steps; this many mean that it runs in a circle. */
const stepsMax = 40;
/** The engineer has tried again by itself before it says that a service is out of reach. */
const triesMax = 2;
const tryAgainMs = 1_000;

/**
 * Runs the pipeline's own stages 2 to 4 on an issue that is nowhere but in memory. Failures that no further try can cure are
 * passed on.
 */
export async function drive(
  facts: IssueFacts,
  world: World,
  run: { newId: () => string; signal: AbortSignal; tell: (status: string, outcome: Outcome) => void },
): Promise<Ending> {
  let status: FixableIssue["status"] = "diagnosing";
  let progress = noProgress;
  for (let step = 0; step < stepsMax; step++) {
    run.signal.throwIfAborted();
    const outcome = await patiently(issueAt(status, facts, progress), world, run.signal);
    progress = withEvidence(progress, outcome.evidence, { id: run.newId, at: world.clock.now() });
    run.tell(status, outcome);
    if (outcome.kind === "wait") {
      if (outcome.until > world.clock.now()) return { ...progress, at: "waiting", because: outcome.because };
    } else if (outcome.to === "fixing" || outcome.to === "testing") status = outcome.to;
    else return { ...progress, at: endOf(outcome.to), because: outcome.because };
  }
  return { ...progress, at: "failed", because: `it did not come to an end in ${stepsMax} steps` };
}

function endOf(to: string): Ending["at"] {
  return to === "staging" || to === "rejected" || to === "dismissed" ? to : "failed";
}

async function patiently(issue: FixableIssue, world: World, signal: AbortSignal): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runStage(issue, world);
    } catch (error) {
      if (!(error instanceof Failure) || !error.retry || attempt >= triesMax) throw error;
      await after(tryAgainMs, undefined, { signal });
    }
  }
}

function runStage(issue: FixableIssue, world: World): Promise<Outcome> {
  switch (issue.status) {
    case "diagnosing":
      return diagnosis(issue, world);
    case "fixing":
      return fix(issue, world);
    case "testing":
      return tests(issue, world);
  }
}
