import type { Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
import type { IssueAt } from "#domain/issue.ts";
import { proposalText } from "#policy/proposal-text.ts";
import type { Proposal } from "#ports/repository.ts";
import type { World } from "./stage.ts";
import { newDeployment, recordDeployment } from "./watching.ts";

type Proposed = IssueAt<"staging"> | IssueAt<"awaiting_approval"> | IssueAt<"deploying">;

/** What people did with a fix in their own tool. `ours`: nothing that concerns us. */
export type Standing =
  | { kind: "ours" }
  /** They said no, or went on with it themselves. */
  | { kind: "ended"; because: string }
  /** They merged it: `commit` is in main. */
  | { kind: "landed"; commit: Sha; by: string };

/**
 * Shows the fix as a pull request: opens it with what is known, and puts the candidate on its branch, so that what people look
 * at, what their rules check and what they merge is what was tested. A repository without such a thing goes on without.
 */
export async function openPullRequest(
  issue: Proposed,
  found: { evidence: string[]; reasons: string[] },
  world: World,
): Promise<{ evidence: Evidence[]; standing: Standing }> {
  const known = issue.fix.pullRequest;
  try {
    const proposal = known === null ? await propose(issue, found, world) : await ask(issue, world);
    if (proposal === undefined) return { evidence: [], standing: { kind: "ours" } };
    const { url, number } = proposal;
    const standing = await standingIn(issue, proposal, world);
    const isShown = proposal.state === "open" && standing.kind === "ours";
    const head = isShown ? await showCandidate(issue, proposal.head, world) : (known?.head ?? issue.fix.commit);
    if (known !== null && known.head === head) return { evidence: [], standing };
    const pullRequest = { url, number, head, mergeAskedAt: known?.mergeAskedAt ?? null };
    return { evidence: [{ kind: "pull_request", pullRequest }], standing };
  } catch (error) {
    // A fix ships without one; only where people have to merge it is that the end.
    if (!(error instanceof Failure) || error.retry) throw error;
    return { evidence: [{ kind: "note", text: `No pull request: ${error.message}` }], standing: { kind: "ours" } };
  }
}

async function propose(
  issue: Proposed,
  found: { evidence: string[]; reasons: string[] },
  world: World,
): Promise<Proposal | undefined> {
  const { fix } = issue;
  const text = proposalText({ ...issue, ...fix.diagnosis, ...fix, ...found, issueTitle: issue.title });
  const path = `/dashboard/agent/issues/${issue.id}`;
  const proposal = await world.repository.propose({ branch: fix.branch, into: "main", ...text, path });
  return proposal.kind === "unsupported" ? undefined : proposal;
}

/** Moves the pull request's branch from what the agent put there to the candidate, and answers what is there now. */
async function showCandidate({ fix }: Proposed, from: Sha, world: World): Promise<Sha> {
  const { branch, candidate } = fix;
  const to = candidate.commit;
  if (from === to) return to;
  const advanced = await world.repository.advance(branch, { from, to });
  if (advanced.kind === "advanced") return to;
  // A candidate that was built anew does not contain the one before.
  const moved =
    advanced.kind === "not_forward" ? await world.repository.replace(branch, { from, to }) : { kind: advanced.kind };
  if (moved.kind === "replaced") return to;
  if (moved.kind === "moved") throw new Failure("stale", `${branch} was moved by someone else at this moment.`);
  // The remote lets nobody move it: people see the fix as it was written, and GitHub merges it itself.
  return from;
}

/** What became of the fix's pull request since. */
export async function standingOf(issue: Proposed, world: World): Promise<Standing> {
  const proposal = issue.fix.pullRequest === null ? undefined : await ask(issue, world);
  return proposal === undefined ? { kind: "ours" } : standingIn(issue, proposal, world);
}

function ask({ fix }: Proposed, world: World): Promise<Proposal | undefined> {
  return world.repository.proposal(fix.branch, "main");
}

async function standingIn(issue: Proposed, proposal: Proposal, world: World): Promise<Standing> {
  const { fix } = issue;
  const { state, number, by, head, landed } = proposal;
  const who = by ?? "a person";
  if (state === "merged" && landed !== null) {
    return landed === fix.candidate.commit ? { kind: "ours" } : { kind: "landed", commit: landed, by: who };
  }
  if (state === "closed") return { kind: "ended", because: `${who} closed pull request ${number} without merging it` };
  const known = [fix.commit, fix.candidate.commit, fix.pullRequest?.head];
  if (state === "merged" || known.includes(head)) return { kind: "ours" };
  // An earlier candidate, put there by a process that was killed before it could say so.
  if ((await world.read.placedOn(issue.id, fix.branch)).includes(head)) return { kind: "ours" };
  return {
    kind: "ended",
    because: `Someone committed to ${fix.branch} (pull request ${number}): it is theirs now, untested, and the agent leaves it alone`,
  };
}

/** What a person merged, taken as the candidate where it is exactly what was tested; otherwise why it is not. */
export async function takeLanded(
  issue: Proposed,
  { commit, by }: Extract<Standing, { kind: "landed" }>,
  world: World,
): Promise<{ kind: "same"; evidence: Evidence[]; because: string } | { kind: "different"; because: string }> {
  const { candidate } = issue.fix;
  const { files } = await world.repository.changes(candidate.commit, commit);
  if (files.length > 0) {
    const because = `${by} merged the fix together with other changes (${files.length} files differ from what was tested): it is left alone, and not judged`;
    return { kind: "different", because };
  }
  const now = world.clock.now();
  const noted = issue.status === "deploying" ? issue.deployment : null;
  const serving = await world.platform.serving("production");
  // The host may have brought it up already: then what was noted before counts, or what main was.
  const isOld = serving.kind === "serving" && serving.commit !== commit;
  const previousCommit = isOld ? serving.commit : (noted?.previousCommit ?? candidate.base);
  const { baselineMs, windowMs } = world.settings.production;
  const range = { from: new Date(now.getTime() - baselineMs), to: now, windowMs };
  const counted = () => world.read.errorCounts({ environment: "production", release: null, ...range });
  const baseline = isOld || noted?.baseline == null ? await counted() : noted.baseline;
  const before = { previousCommit, baseline };
  const because = `${by} merged the pull request; what landed is exactly what was tested`;
  const evidence: Evidence[] = [
    { kind: "landed", commit, by, startedAt: now, ...before },
    recordDeployment(newDeployment("production", commit, before, now), {}),
  ];
  return { kind: "same", because, evidence };
}
