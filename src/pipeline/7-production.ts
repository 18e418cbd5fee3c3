import type { Deployment, Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { approvalVoid, policyHash } from "#policy/autonomy.ts";
import { headOfMain } from "./2-diagnosis.ts";
import { nowProtected, personReasons } from "./5-staging.ts";
import { openPullRequest, standingOf, takeLanded } from "./pull-request.ts";
import type { Stage, World } from "./stage.ts";
import { newDeployment, notReadyInTime, recordDeployment, startWatch } from "./watching.ts";

type Deploying = IssueAt<"deploying">;

/** Stage 7: move main to exactly what was tested and staged, and bring it to production. */
export const production: Stage<"deploying"> = async (issue, world) =>
  issue.deployment === null || issue.deployment.state === "failed"
    ? prepare(issue, world)
    : ship(issue, issue.deployment, world);

/** Before main moves: the permission, the budget, the version to return to and the baseline are made sure of and written down. */
async function prepare(issue: Deploying, world: World) {
  const now = world.clock.now();
  const { candidate } = issue.fix;
  const withdrawn = permissionMissing(issue, world, now);
  if (withdrawn !== undefined) {
    const ended =
      issue.approval === null ? [] : [{ kind: "approval_ended" as const, state: "void" as const, because: withdrawn }];
    return move("testing", `${withdrawn}: the fix goes through testing and staging again`, ended);
  }
  if ((await headOfMain(world)) !== candidate.base) {
    const because = "main moved after the fix was tested";
    const ended = issue.approval === null ? [] : [{ kind: "approval_ended" as const, state: "void" as const, because }];
    return move("testing", because, ended);
  }
  const budget = await world.reserve("deployment", `${issue.fix.id}:${candidate.commit}`);
  if (budget.kind === "full") return wait(budget.until, budget.because);
  const serving = await world.platform.serving("production");
  if (serving.kind === "unknown") {
    throw new Failure("unavailable", `Production does not say which version it serves: ${serving.why}`, {
      hint: "Without it there is no version to return to. The health endpoint must report the release's commit.",
    });
  }
  const { baselineMs, windowMs } = world.settings.production;
  const from = new Date(now.getTime() - baselineMs);
  const baseline = await world.read.errorCounts({ environment: "production", release: null, from, to: now, windowMs });
  const planned = newDeployment("production", candidate.commit, { previousCommit: serving.commit, baseline }, now);
  return wait(now, "production's version and errors are noted; the promotion begins", [recordDeployment(planned, {})]);
}

/** The rules as they are now: an approval that no longer fits, or none where one is needed. */
function permissionMissing(issue: Deploying, world: World, at: Date): string | undefined {
  const { fix, approval } = issue;
  const refused = nowProtected(fix.files, world);
  if (refused !== undefined) return refused;
  if (approval === null) return personReasons(issue, world)[0];
  const now = {
    candidate: fix.candidate,
    policyHash: policyHash(world.settings, world.digest),
    environment: "production" as const,
    at,
  };
  return approvalVoid(approval, now);
}

async function ship(issue: Deploying, deployment: Deployment, world: World) {
  const { candidate } = issue.fix;
  const promoted = await promote(issue, deployment, world);
  if (promoted !== undefined) return promoted;
  const now = world.clock.now();
  const state = await world.platform.ensureDeployed("production", candidate.commit);
  if (state.kind === "failed") {
    return move("rolling_back", `Production: ${state.why}`, [recordDeployment(deployment, { state: "failed" })]);
  }
  if (state.kind === "ready") {
    const watched = startWatch(deployment, state, now, world.settings.production.windowMs);
    return move("monitoring", "deployed to production; the watch begins", [recordDeployment(watched, {})]);
  }
  if (now.getTime() - deployment.startedAt.getTime() > world.settings.production.deployTimeoutMs) {
    return move("rolling_back", `Production: ${notReadyInTime(state)}`);
  }
  const until = new Date(now.getTime() + state.lookAgainMs);
  return wait(until, state.because ?? "production is being deployed", [
    recordDeployment(deployment, { providerId: state.providerId }),
  ]);
}

/** Moves main from the tested base to the candidate, once; `undefined`: main is there. */
async function promote(issue: Deploying, deployment: Deployment, world: World) {
  const { commit } = deployment;
  const { base } = issue.fix.candidate;
  const main = await headOfMain(world);
  if (main === commit) return undefined;
  if (main !== base && (await world.repository.contains(main, commit))) return leftAlone(deployment, world);
  const people = await byPeople(issue, deployment, world);
  if (people !== undefined) return people;
  if (main !== base) return buildAnew(issue, deployment, "main moved before the promotion");
  const result = await world.repository.advance("main", { from: base, to: commit });
  if (result.kind === "advanced") return undefined;
  if (result.kind === "moved") return buildAnew(issue, deployment, "main moved during the promotion");
  if (result.kind === "refused") return askForMerge(issue, deployment, result.why, world);
  return move("failed", "The remote refuses the push to main: it would not be a step forward");
}

/** What people decided in the pull request meanwhile; `undefined`: nothing. */
async function byPeople(issue: Deploying, deployment: Deployment, world: World) {
  const standing = await standingOf(issue, world);
  if (standing.kind === "ours") return undefined;
  const notOurs = recordDeployment(deployment, { state: "failed" });
  if (standing.kind === "ended") return move("rejected", standing.because, [notOurs]);
  const landed = await takeLanded(issue, standing, world);
  if (landed.kind === "different") return move("failed", landed.because, [notOurs]);
  return wait(world.clock.now(), landed.because, landed.evidence);
}

/** Another candidate is another question: an approval does not carry over (reliability C5). */
function buildAnew(issue: Deploying, deployment: Deployment, because: string) {
  const ended = issue.approval === null ? [] : [{ kind: "approval_ended" as const, state: "void" as const, because }];
  return move("testing", because, [...ended, recordDeployment(deployment, { state: "failed" })]);
}

/**
 * main is protected: a person takes it over, in the pull request (reliability C12). Until then the fix waits like any other
 * question and gives the lane back; approving it in Vigil tries the push again.
 */
async function askForMerge(issue: Deploying, deployment: Deployment, why: string, world: World) {
  const { evidence, standing } = await openPullRequest(issue, { evidence: [], reasons: [why] }, world);
  const opened = evidence.find((item) => item.kind === "pull_request")?.pullRequest ?? issue.fix.pullRequest;
  const notOurs = recordDeployment(deployment, { state: "failed" });
  if (opened === null || standing.kind === "ended") {
    return move("failed", `The remote refuses the push to main: ${why}`, [...evidence, notOurs]);
  }
  const { clock, settings, digest } = world;
  const now = clock.now();
  const because = `main is protected (${why}): a person has to merge ${opened.url}`;
  const ended: Evidence[] = issue.approval === null ? [] : [{ kind: "approval_ended", state: "void", because }];
  const approval = {
    candidate: issue.fix.candidate,
    policyHash: policyHash(settings, digest),
    environment: "production" as const,
    expiresAt: new Date(now.getTime() + settings.approval.expiresAfterMs),
    reasons: [because],
  };
  return move("awaiting_approval", because, [
    ...evidence.filter(({ kind }) => kind !== "pull_request"),
    ...ended,
    notOurs,
    { kind: "pull_request", pullRequest: { ...opened, mergeAskedAt: now } },
    { kind: "approval_requested", approval },
  ]);
}

/** A person built on the candidate. Ours still goes live and is watched, unless theirs serves already: then it is the newer one. */
async function leftAlone(deployment: Deployment, world: World) {
  const serving = await world.platform.serving("production");
  if (serving.kind === "unknown") return undefined;
  if (serving.commit === deployment.commit || serving.commit === deployment.previousCommit) return undefined;
  return move(
    "failed",
    "Someone deployed a version that contains the fix; theirs is left alone, and ours was not judged",
  );
}
