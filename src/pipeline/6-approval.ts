import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { approvalVoid, policyHash } from "#policy/autonomy.ts";
import { headOfMain } from "./2-diagnosis.ts";
import { type Standing, standingOf, takeLanded } from "./pull-request.ts";
import type { Stage, World } from "./stage.ts";

/** How often the question is compared with main and the rules while a person thinks. */
const lookEveryMs = 60_000;

/** Stage 6: wait for a person. The question dies when what was asked about changes, and expires as its own state (spec.md §18.5). */
export const approval: Stage<"awaiting_approval"> = async (issue, world) => {
  const now = world.clock.now();
  const { candidate } = issue.fix;
  if (now >= issue.approval.expiresAt) {
    const because = "nobody decided before the approval expired";
    return move("failed", because, [{ kind: "approval_ended", state: "expired", because }]);
  }
  const present = {
    candidate,
    policyHash: policyHash(world.settings, world.digest),
    environment: "production" as const,
    at: now,
  };
  const standing = await standingOf(issue, world);
  if (standing.kind === "ended") {
    return move("rejected", standing.because, [{ kind: "approval_ended", state: "void", because: standing.because }]);
  }
  if (standing.kind === "landed") return goOnWith(issue, standing, world);
  const moved = (await headOfMain(world)) === candidate.base ? undefined : "main moved";
  const because = moved ?? approvalVoid(issue.approval, present);
  if (because !== undefined) {
    const sentence = `${because}: the fix is built, tested and asked about again`;
    return move("testing", sentence, [{ kind: "approval_ended", state: "void", because }]);
  }
  const until = Math.min(issue.approval.expiresAt.getTime(), now.getTime() + lookEveryMs);
  return wait(new Date(until), "waiting for a person");
};

/** Merging the pull request is an answer as well: what was tested goes on to be watched, anything else is theirs. */
async function goOnWith(
  issue: IssueAt<"awaiting_approval">,
  standing: Extract<Standing, { kind: "landed" }>,
  world: World,
) {
  const landed = await takeLanded(issue, standing, world);
  const ended = { kind: "approval_ended" as const, state: "void" as const, because: landed.because };
  if (landed.kind === "different") return move("failed", landed.because, [ended]);
  return move("deploying", landed.because, [ended, ...landed.evidence]);
}
