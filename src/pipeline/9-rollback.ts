import type { Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
import { shortId } from "#domain/ids.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { commitMessage } from "#policy/plain-text.ts";
import { revertText } from "#policy/proposal-text.ts";
import { headOfMain } from "./2-diagnosis.ts";
import type { Stage, World } from "./stage.ts";
import { notReadyInTime, recordDeployment } from "./watching.ts";

type RollingBack = IssueAt<"rolling_back">;

const dayMs = 24 * 60 * 60_000;
/** Reliability A15: three tries, then a person is paged. */
const triesMax = 3;
const healthyProbesMin = 2;
const revertTriesMax = 5;

/** Stage 9: bring the previous version back, first where it serves, then in Git, and prove that it serves. */
export const rollback: Stage<"rolling_back"> = async (issue, world) => {
  try {
    return await rollBack(issue, world);
  } catch (error) {
    if (issue.attempts < triesMax) throw error;
    const why = error instanceof Failure ? error.message : "an unexpected error";
    const because = `ROLLBACK FAILED after ${triesMax} tries: ${why}`;
    return move("failed", because, [{ kind: "freeze", because }]);
  }
};

async function rollBack(issue: RollingBack, world: World) {
  const { deployment, because } = issue;
  const previous = deployment.previousCommit;
  if (previous === null) throw new Failure("not_found", "There is no previous version to return to.");
  const newer = await newerRelease(issue, world);
  const restored = newer === undefined ? await world.platform.restore("production", previous) : "unsupported";
  const takenBack = recordDeployment(deployment, { state: "taken_back" });
  const reverted = await revertOnMain(issue, world);
  if (reverted.kind === "conflict") {
    const conflict = `Newer commits touch the same lines (${reverted.files.join(", ")}): main still holds the fix`;
    // Without a platform that jumped back, production still runs what had to go.
    const freeze: Evidence = { kind: "freeze", because: conflict };
    if (restored === "unsupported") return move("failed", `ROLLBACK FAILED. ${because}. ${conflict}`, [freeze]);
    return move("failed", `Rolled back: ${serves(previous)}. ${because}. ${conflict}`, [freeze, takenBack]);
  }
  if (reverted.kind === "proposed") {
    const held = restored === "held" ? ", and then promote that release, for the platform holds all others back" : "";
    const ask = `main is protected and still holds the fix: merge ${reverted.url}${held}`;
    const freeze: Evidence = { kind: "freeze", because: ask };
    if (restored === "unsupported") return move("failed", `ROLLBACK FAILED. ${because}. ${ask}`, [freeze]);
    return move("failed", `Rolled back: ${serves(previous)}. ${because}. ${ask}`, [freeze, takenBack]);
  }
  if (newer?.commit !== undefined && !(await world.repository.contains(reverted.head, newer.commit))) {
    const left = `Someone deployed ${shortId(newer.commit)} meanwhile: it is left alone, and main no longer holds the fix`;
    return move("failed", `${because}. ${left}`, [takenBack]);
  }
  if (restored === "unsupported") {
    const pending = await deployRevert(issue, reverted.head, world);
    if (pending !== undefined) return pending;
  }
  const expected = restored === "unsupported" ? reverted.head : previous;
  await proveServing(expected, world);
  const end = restored === "held" ? await leadOn(issue, { previous, head: reverted.head }, world) : serves(expected);
  if (typeof end !== "string") return end;
  const frozen = await tooManyRollbacks(world);
  return move("failed", `${because}. Rolled back: ${end}`, frozen === undefined ? [takenBack] : [frozen, takenBack]);
}

const serves = (commit: Sha) => `${shortId(commit)} serves`;

/** The platform holds everything pushed back until a release is deployed through it: the reverted main is that release. */
async function leadOn(issue: RollingBack, { previous, head }: { previous: Sha; head: Sha }, world: World) {
  const state = await world.platform.ensureDeployed("production", head);
  if (state.kind === "ready") {
    await proveServing(head, world);
    return serves(head);
  }
  const now = world.clock.now();
  const isLate = now.getTime() - issue.statusSince.getTime() > world.settings.production.deployTimeoutMs;
  if (state.kind === "pending" && !isLate) {
    return wait(new Date(now.getTime() + state.lookAgainMs), state.because ?? "the reverted main is being deployed");
  }
  // Production is safe: that nothing new goes live is for people to end.
  const why = state.kind === "failed" ? state.why : notReadyInTime(state);
  return `${serves(previous)}, and the platform lets nothing that is pushed go live until a person deploys it: ${why}`;
}

/** A release after ours, which a jump back would lose; its commit where production says it. `undefined`: there is none. */
async function newerRelease({ fix, deployment }: RollingBack, world: World): Promise<{ commit?: Sha } | undefined> {
  const serving = await world.platform.serving("production");
  const ours = fix.candidate.commit;
  if (serving.kind === "unknown") return (await headOfMain(world)) === ours ? undefined : {};
  const { commit } = serving;
  return commit === ours || commit === deployment.previousCommit ? undefined : { commit };
}

/** A revert commit on top of whatever landed since; a crash after the push finds the commit and does not revert it again. */
async function revertOnMain(issue: RollingBack, world: World) {
  const { commit } = issue.fix.candidate;
  for (let n = 0; n < revertTriesMax; n++) {
    const head = await headOfMain(world);
    if (!(await world.repository.contains(head, commit))) return { kind: "clean" as const, head };
    const facts = { Reverts: commit, "Vigil-Issue": issue.id };
    const message = commitMessage({ subject: `Revert "${issue.fix.branch}"`, body: issue.because, facts });
    const revert = await world.repository.revert({ commit, on: head, message, at: issue.statusSince });
    if (revert.kind === "already") return { kind: "clean" as const, head };
    if (revert.kind === "conflict") return revert;
    const advanced = await world.repository.advance("main", { from: head, to: revert.commit });
    if (advanced.kind === "advanced") return { kind: "clean" as const, head: revert.commit };
    if (advanced.kind === "refused") return proposeRevert(issue, revert.commit, advanced.why, world);
  }
  throw new Failure("unavailable", `main moved ${revertTriesMax} times while the revert was pushed.`);
}

/** main is protected: a person has to merge the revert (reliability C12). */
async function proposeRevert(issue: RollingBack, commit: Sha, why: string, world: World) {
  const refused = new Failure("forbidden", `The remote refuses the revert: ${why}`);
  const branch = `agent/revert-${shortId(issue.fix.id)}`;
  if ((await world.repository.publish(branch, commit)) === "taken") throw refused;
  const text = revertText({ issueTitle: issue.title, because: issue.because });
  const request = { branch, into: "main", ...text, path: `/dashboard/agent/issues/${issue.id}` };
  const proposed = await world.repository.propose(request);
  if (proposed.kind === "unsupported") throw refused;
  return { kind: "proposed" as const, url: proposed.url };
}

/** Where the platform cannot jump back, the revert is deployed like any release. `undefined`: it serves. */
async function deployRevert(issue: RollingBack, head: Sha, world: World) {
  const state = await world.platform.ensureDeployed("production", head);
  if (state.kind === "ready") return undefined;
  if (state.kind === "failed") throw new Failure("unavailable", `The revert could not be deployed: ${state.why}`);
  const now = world.clock.now();
  if (now.getTime() - issue.statusSince.getTime() > world.settings.production.deployTimeoutMs) {
    throw new Failure("unavailable", `The revert: ${notReadyInTime(state)}.`);
  }
  const until = new Date(now.getTime() + state.lookAgainMs);
  return wait(until, state.because ?? "the reverted version is being deployed");
}

/** Issuing a rollback is not having one: the release says which commit serves, twice in good health. */
async function proveServing(expected: Sha, world: World): Promise<void> {
  for (let n = 0; n < healthyProbesMin; n++) {
    const check = await world.platform.checkHealth("production", expected);
    if (check.outcome !== "healthy") throw new Failure("unavailable", `After the rollback: ${check.because}`);
  }
}

/** Several rollbacks in a day mean that the agent itself is the problem: it stops and asks (reliability A18). */
async function tooManyRollbacks(world: World): Promise<Evidence | undefined> {
  const since = new Date(world.clock.now().getTime() - dayMs);
  const rollbacks = (await world.read.rollbacksSince(since)) + 1;
  const { rollbacksPerDay } = world.settings.limits;
  if (rollbacks < rollbacksPerDay) return undefined;
  return { kind: "freeze", because: `${rollbacks} rollbacks in 24 hours (limit ${rollbacksPerDay})` };
}
