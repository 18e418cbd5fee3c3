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

/** Opens the fix's pull request with what is known about it; a repository without such a thing goes on without. */
export async function openPullRequest(
  issue: Proposed,
  found: { evidence: string[]; reasons: string[] },
  world: World,
): Promise<{ evidence: Evidence[]; standing: Standing }> {
  const { fix } = issue;
  if (fix.pullRequest !== null) return { evidence: [], standing: await standingOf(issue, world) };
  const text = proposalText({ ...issue, ...fix.diagnosis, ...fix, ...found, issueTitle: issue.title });
  const path = `/dashboard/agent/issues/${issue.id}`;
  try {
    const proposal = await world.repository.propose({ branch: fix.branch, into: "main", ...text, path });
    if (proposal.kind === "unsupported") return { evidence: [], standing: { kind: "ours" } };
    const { url, number } = proposal;
    return {
      evidence: [{ kind: "pull_request", pullRequest: { url, number, mergeAskedAt: null } }],
      standing: standingIn(issue, proposal),
    };
  } catch (error) {
    // A fix ships without one; only where people have to merge it is that the end.
    if (!(error instanceof Failure) || error.retry) throw error;
    return { evidence: [{ kind: "note", text: `No pull request: ${error.message}` }], standing: { kind: "ours" } };
  }
}

/** What became of the fix's pull request since. */
export async function standingOf(issue: Proposed, world: World): Promise<Standing> {
  const { branch, pullRequest } = issue.fix;
  if (pullRequest === null) return { kind: "ours" };
  const proposal = await world.repository.proposal(branch, "main");
  return proposal === undefined ? { kind: "ours" } : standingIn(issue, proposal);
}

function standingIn({ fix }: Proposed, { state, number, by, head, landed }: Proposal): Standing {
  const who = by ?? "a person";
  if (state === "merged" && landed !== null) {
    return landed === fix.candidate.commit ? { kind: "ours" } : { kind: "landed", commit: landed, by: who };
  }
  if (state === "closed") return { kind: "ended", because: `${who} closed pull request ${number} without merging it` };
  if (state === "merged" || head === fix.commit) return { kind: "ours" };
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
