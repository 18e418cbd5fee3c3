import type { Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
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
  const { candidate, pullRequest } = issue.fix;
  if (now >= issue.approval.expiresAt) {
    const undone = mayMerge(issue) ? `merged pull request ${pullRequest?.number}` : "decided";
    const because = `nobody ${undone} before the question expired`;
    return move("failed", because, [{ kind: "approval_ended", state: "expired", because }]);
  }
  const until = new Date(Math.min(issue.approval.expiresAt.getTime(), now.getTime() + lookEveryMs));
  const seen = await lookOutside(issue, world);
  if (seen.kind === "unseen") return wait(until, seen.because);
  const present = {
    candidate,
    policyHash: policyHash(world.settings, world.digest),
    environment: "production" as const,
    at: now,
  };
  const { standing, main } = seen;
  if (standing.kind === "ended") {
    return move("rejected", standing.because, [{ kind: "approval_ended", state: "void", because: standing.because }]);
  }
  if (standing.kind === "landed") return goOnWith(issue, standing, world);
  const because = main === candidate.base ? approvalVoid(issue.approval, present) : "main moved";
  if (because !== undefined) {
    const sentence = `${because}: the fix is built, tested and asked about again`;
    return move("testing", sentence, [{ kind: "approval_ended", state: "void", because }, ...nobodyIsAsked(issue)]);
  }
  return wait(until, mayMerge(issue) ? `waiting for a person to merge ${pullRequest?.url}` : "waiting for a person");
};

type Seen = { kind: "seen"; standing: Standing; main: Sha } | { kind: "unseen"; because: string };

/** A person may take a day, and a remote may be away for an hour of it: nothing is lost by looking again later. */
async function lookOutside(issue: IssueAt<"awaiting_approval">, world: World): Promise<Seen> {
  try {
    // main first: a merge in between is seen as a merge, and not as a main that others moved.
    const main = await headOfMain(world);
    const standing = await standingOf(issue, world);
    // Brought there by hand, without a pull request or as exactly this commit.
    const isThere = standing.kind === "ours" && main === issue.fix.candidate.commit;
    return { kind: "seen", standing: isThere ? { kind: "landed", commit: main, by: "a person" } : standing, main };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "unavailable") throw error;
    return {
      kind: "unseen",
      because: `waiting for a person; nobody can look whether they merged it: ${error.message}`,
    };
  }
}

function mayMerge({ fix }: IssueAt<"awaiting_approval">): boolean {
  return fix.pullRequest !== null && fix.pullRequest.mergeAskedAt !== null;
}

/** What a person was asked to merge is no longer what will be asked about. */
function nobodyIsAsked({ fix: { pullRequest } }: IssueAt<"awaiting_approval">): Evidence[] {
  if (pullRequest === null || pullRequest.mergeAskedAt === null) return [];
  return [{ kind: "pull_request", pullRequest: { ...pullRequest, mergeAskedAt: null } }];
}

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
