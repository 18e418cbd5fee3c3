import type { Issue } from "#domain/issue.ts";
import type { ActiveStatus, Status } from "#domain/lifecycle.ts";
import type { Outcome } from "#domain/outcome.ts";
import { detection } from "./1-detection.ts";
import { diagnosis } from "./2-diagnosis.ts";
import { fix } from "./3-fix.ts";
import { tests } from "./4-tests.ts";
import { staging } from "./5-staging.ts";
import { approval } from "./6-approval.ts";
import { production } from "./7-production.ts";
import { monitoring } from "./8-monitoring.ts";
import { rollback } from "./9-rollback.ts";
import type { Pipeline, Stages, World } from "./stage.ts";

/** The product, in order: which stage runs at which status. */
export const stages: Stages = {
  detected: detection,
  diagnosing: diagnosis,
  fixing: fix,
  testing: tests,
  staging,
  awaiting_approval: approval,
  deploying: production,
  monitoring,
  rolling_back: rollback,
};

export const pipeline: Pipeline = {
  run: (issue, world) => runAt(issue, issue.status, world),
  giveUp,
};

/** The status chooses the stage; that both fit is the type's promise, which the compiler cannot follow through a union. */
function runAt<S extends ActiveStatus>(issue: Issue, status: S, world: World): Promise<Outcome> {
  const run = stages[status] as (issue: Issue, world: World) => Promise<Outcome>;
  return run(issue, world);
}

/**
 * A step that cannot succeed ends the issue as failed. Once production was touched that is not enough: a promotion that
 * hangs is taken back, and a watch or a rollback that cannot go on stops the agent and pages a person.
 */
function giveUp(issue: Issue): { to: Status; freeze: boolean } {
  switch (issue.status) {
    case "deploying":
      return issue.deployment === null ? { to: "failed", freeze: false } : { to: "rolling_back", freeze: false };
    case "monitoring":
    case "rolling_back":
      return { to: "failed", freeze: true };
    default:
      return { to: "failed", freeze: false };
  }
}
