import type { Issue } from "#domain/issue.ts";
import type { ActiveStatus } from "#domain/lifecycle.ts";
import { move, type Outcome, wait } from "#domain/outcome.ts";
import type { World } from "#pipeline/stage.ts";
import { policyHash } from "#policy/autonomy.ts";
import {
  aCandidate,
  aDeployment,
  aDiagnosis,
  anApproval,
  aTestReport,
  base,
  fixCommit,
  previousCommit,
} from "#tests/support/builders.ts";

/**
 * A pipeline that takes every issue straight to production, with everything on record that the real one would leave.
 * `stops` says what happens at a status instead.
 */
export function straight(stops: Partial<Record<ActiveStatus, (issue: Issue, world: World) => Promise<Outcome>>> = {}) {
  return async (issue: Issue, world: World): Promise<Outcome> =>
    stops[issue.status]?.(issue, world) ?? next(issue, world);
}

async function next(issue: Issue, world: World): Promise<Outcome> {
  const now = world.clock.now();
  const hourLater = new Date(now.getTime() + 60 * 60_000);
  switch (issue.status) {
    case "detected":
      return move("diagnosing", "new");
    case "diagnosing":
      return move("fixing", "found", [{ kind: "diagnosis", diagnosis: aDiagnosis(), feedback: [] }]);
    case "fixing":
      return move("testing", "written", [
        {
          kind: "written_fix",
          branch: "agent/fix-1",
          base,
          commit: fixCommit,
          files: ["src/launch.ts"],
          diff: "the diff",
          patchHash: "p1",
          risks: [],
          approvalFiles: [],
        },
      ]);
    case "testing":
      if (issue.fix.candidate === null)
        return wait(now, "built", [{ kind: "candidate", candidate: aCandidate, rebuilt: false }]);
      return move("staging", "passed", [{ kind: "tests", report: aTestReport(), redBeforeGreen: null }]);
    case "staging": {
      const { candidate, policyHash: _, environment, reasons } = anApproval();
      const approval = {
        candidate,
        policyHash: policyHash(world.settings, world.digest),
        environment,
        expiresAt: hourLater,
        reasons,
      };
      return move("awaiting_approval", "a person decides", [{ kind: "approval_requested", approval }]);
    }
    case "awaiting_approval":
      return wait(hourLater, "waiting for a person");
    case "deploying":
      return move("monitoring", "deployed", [
        {
          kind: "deployment",
          deployment: { ...aDeployment({ previousCommit }), startedAt: now, watchFrom: now, watchUntil: hourLater },
        },
      ]);
    case "monitoring":
      return move("resolved", "held");
    case "rolling_back":
      return move("failed", "rolled back");
  }
}
