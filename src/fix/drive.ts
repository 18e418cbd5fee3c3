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
  /** What broke it off, where that says nothing about the error itself: a service out of reach, a key that is refused. */
  failure: Failure | null;
}

/** Each attempt takes a few steps; this many mean that it runs in a circle. */
const stepsMax = 40;
/** The engineer has tried again by itself before it says that a service is out of reach. */
const triesMax = 2;
const tryAgainMs = 1_000;

/**
 * Runs the pipeline's own stages 2 to 4 on an issue that is nowhere but in memory. A failure that no further try cures ends
 * it as well: what was found and paid for until then is kept.
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
    const outcome: Outcome | Failure = await patiently(issueAt(status, facts, progress), world, run.signal);
    if (outcome instanceof Failure) return endingOf(progress, "failed", outcome.message, outcome);
    progress = withEvidence(progress, outcome.evidence, { id: run.newId, at: world.clock.now() });
    run.tell(status, outcome);
    if (outcome.kind === "wait") {
      if (outcome.until > world.clock.now()) return endingOf(progress, "waiting", outcome.because);
    } else if (outcome.to === "fixing" || outcome.to === "testing") status = outcome.to;
    else return endingOf(progress, outcome.to, outcome.because);
  }
  return endingOf(progress, "failed", `it did not come to an end in ${stepsMax} steps`);
}

function endingOf(progress: Progress, to: string, because: string, failure: Failure | null = null): Ending {
  const at = to === "staging" || to === "rejected" || to === "dismissed" || to === "waiting" ? to : "failed";
  return { ...progress, at, because, failure };
}

async function patiently(issue: FixableIssue, world: World, signal: AbortSignal): Promise<Outcome | Failure> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runStage(issue, world);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!error.retry || attempt >= triesMax) return error;
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
