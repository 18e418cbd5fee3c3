import type { Deployment, Evidence, Verdict } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { approvalReasons, policyHash } from "#policy/autonomy.ts";
import { detectableEffect } from "#policy/detectable-effect.ts";
import { judgeHealth, nextLook } from "#policy/health.ts";
import { judgeNewErrors } from "#policy/new-errors.ts";
import { editsVerdict } from "#policy/protected-files.ts";
import { asSeen, sightOf } from "#policy/sight.ts";
import { judgeStaging } from "#policy/watch.ts";
import { headOfMain } from "./2-diagnosis.ts";
import { openPullRequest } from "./pull-request.ts";
import type { Stage, World } from "./stage.ts";
import {
  look,
  newDeployment,
  notReadyInTime,
  recordDeployment,
  recordJudgement,
  servesSomethingElse,
  startWatch,
} from "./watching.ts";

type Staging = IssueAt<"staging">;
const untestedReason = "The project's tests prove nothing about this fix: none ran.";

/** Stage 5: put the tested candidate on staging and watch it. What is unhealthy here never reaches production. */
export const staging: Stage<"staging"> = async (issue, world) => {
  const main = await headOfMain(world);
  if (main !== issue.fix.candidate.base) return move("testing", "main moved: the candidate is built and tested again");
  const { deployment } = issue;
  if (deployment === null || deployment.watchFrom === null) return deploy(issue, world);
  return watch(issue, { ...deployment, watchFrom: deployment.watchFrom }, world);
};

async function deploy(issue: Staging, world: World) {
  const { candidate } = issue.fix;
  const now = world.clock.now();
  const started =
    issue.deployment ?? newDeployment("staging", candidate.commit, { previousCommit: null, baseline: null }, now);
  await placeOnBranch(issue, world);
  const state = await world.platform.ensureDeployed("staging", candidate.commit);
  if (state.kind === "failed")
    return move("failed", `Staging: ${state.why}`, [recordDeployment(started, { state: "failed" })]);
  if (state.kind === "ready") {
    const ready = startWatch(
      started,
      { providerId: state.providerId, url: state.url },
      now,
      world.settings.staging.windowMs,
    );
    return wait(now, "deployed to staging; the watch begins", [{ kind: "deployment", deployment: ready }]);
  }
  if (now.getTime() - started.startedAt.getTime() > world.settings.staging.deployTimeoutMs) {
    return move("failed", `Staging: ${notReadyInTime(state)}`, [recordDeployment(started, { state: "failed" })]);
  }
  const until = new Date(now.getTime() + state.lookAgainMs);
  return wait(until, state.because ?? "staging is being deployed", [
    recordDeployment(started, { providerId: state.providerId }),
  ]);
}

/** Moves the staging branch to the candidate; one that went another way is reset, and what people committed there is kept. */
async function placeOnBranch({ fix: { candidate } }: Staging, world: World): Promise<void> {
  const head = await world.repository.head("staging");
  if (head === candidate.commit) return;
  if (head === undefined) {
    await world.repository.publish("staging", candidate.commit);
    return;
  }
  const to = candidate.commit;
  const advanced = await world.repository.advance("staging", { from: head, to });
  if (advanced.kind === "advanced") return;
  if (advanced.kind === "moved") throw new Failure("stale", "staging was moved by someone else at this moment.");
  const replaced = await world.repository.replace("staging", { from: head, to });
  if (replaced.kind === "replaced") return;
  if (replaced.kind === "moved") throw new Failure("stale", "staging was moved by someone else at this moment.");
  throw new Failure("forbidden", `The remote refuses the push to staging: ${replaced.why}`, {
    hint: "Let the agent push to staging, or remove the branch protection there.",
  });
}

async function watch(issue: Staging, deployment: Deployment & { watchFrom: Date }, world: World) {
  const limits = world.settings.staging;
  const { fix, samples } = issue;
  const window = {
    from: deployment.watchFrom,
    until: deployment.watchUntil ?? deployment.watchFrom,
    extended: deployment.extended,
  };
  const next = nextLook(samples, window, world.clock.now(), limits);
  const sample =
    next.kind === "look" ? await look(world, "staging", fix.candidate.commit, next, window.from) : undefined;
  const seen = sample === undefined ? samples : [...samples, sample];
  const now = world.clock.now();
  const health = judgeHealth(seen, now, window, limits);
  const verdict = judgeStaging({
    health,
    newErrors: await newErrors(issue, deployment.watchFrom, world),
    servedOther: servesSomethingElse(seen, fix.candidate.commit),
  });
  const evidence = recordJudgement(deployment.id, sample, { verdict, claim: null, risePct: null });
  if (verdict.kind === "failed") return move("failed", `Staging: ${verdict.because}`, evidence);
  if (verdict.kind === "passed") return decide(issue, verdict, world, evidence);
  if (verdict.kind === "inconclusive") {
    if (deployment.extended) return move("failed", `Staging is inconclusive: ${verdict.because}`, evidence);
    // Counted from now where the watch was interrupted: a pause must not use the extension up.
    const watchUntil = new Date(Math.max(window.until.getTime(), now.getTime()) + limits.windowMs);
    return wait(now, `${verdict.because}; the watch is prolonged once`, [
      ...evidence,
      recordDeployment(deployment, { watchUntil, extended: true }),
    ]);
  }
  const after = nextLook(seen, window, now, limits);
  return wait(after.kind === "wait" ? after.until : now, verdict.because, evidence);
}

async function newErrors({ fix }: Staging, since: Date, world: World): Promise<Verdict> {
  const { commit } = fix.candidate;
  const kinds = await world.read.errorKinds({
    environment: "staging",
    release: commit,
    since,
    changedFiles: fix.files,
  });
  const now = world.clock.now();
  const sight = sightOf(await world.read.trafficHistory("staging", now), now, world.settings.staging.checkEveryMs);
  return asSeen(judgeNewErrors(kinds, fix.diagnosis.claim, "staging", world.settings), sight);
}

/** Passed: the rules say whether a person decides (spec.md §9). The question is bound to this very candidate. */
async function decide(issue: Staging, verdict: Verdict, world: World, evidence: Evidence[]) {
  const refused = nowProtected(issue.fix.files, world);
  if (refused !== undefined) return move("rejected", refused, evidence);
  const reasons = personReasons(issue, world);
  const shown = { evidence: [testsSentence(issue), `Staging: ${verdict.because}`], reasons };
  const proposed = await openPullRequest(issue, shown, world);
  evidence.push(...proposed.evidence);
  if (proposed.standing.kind === "ended") return move("rejected", proposed.standing.because, evidence);
  if (reasons.length === 0) return move("deploying", `${verdict.because}; no rule asks for a person`, evidence);
  const { settings, clock } = world;
  const expiresAt = new Date(clock.now().getTime() + settings.approval.expiresAfterMs);
  const { candidate } = issue.fix;
  const approval = {
    candidate,
    policyHash: policyHash(settings, world.digest),
    environment: "production" as const,
    expiresAt,
    reasons,
  };
  const { windowMs, baselineMs } = settings.production;
  const [from, to] = [new Date(clock.now().getTime() - baselineMs), clock.now()];
  const baseline = await world.read.errorCounts({ environment: "production", release: null, from, to, windowMs });
  const effect = detectableEffect(baseline, settings.production);
  const because = `${reasons.join(" ")} ${effect}`;
  return move("awaiting_approval", because, [...evidence, { kind: "approval_requested", approval }]);
}

function testsSentence({ fix: { tests } }: Staging): string {
  return `Tests: ${tests.outcome.replaceAll("_", " ")} (${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped)`;
}

/** The lists as they are now: a file that was protected after the fix was written stops it as well. */
export function nowProtected(files: string[], { settings }: World): string | undefined {
  return listed(files, settings).rejected[0];
}

function listed(files: string[], settings: World["settings"]) {
  return editsVerdict(
    files.map((path) => ({ path, content: "" })),
    (path) => files.includes(path),
    settings,
  );
}

/** Why a person must approve this fix; empty: nobody needs to. Asked again before production. */
export function personReasons(issue: Staging | IssueAt<"deploying">, world: World): string[] {
  const { fix, severity, unverified } = issue;
  const { confidence, requiresPerson, requiresPersonBecause, estimatedMinutes } = fix.diagnosis;
  const reasons = approvalReasons(
    {
      severity,
      confidence,
      diagnosisRequiresPerson: requiresPerson,
      diagnosisBecause: requiresPersonBecause,
      estimatedMinutes,
      approvalFiles: [...new Set([...fix.approvalFiles, ...listed(fix.files, world.settings).approval])],
      risks: fix.risks,
      unverified,
    },
    world.settings,
  );
  if (fix.tests.outcome === "no_tests") return [...reasons, untestedReason];
  if (fix.tests.outcome === "passed" || fix.tests.baseline?.verdict === "none_new") return reasons;
  return [
    ...reasons,
    `The tests cannot tell whether the fix broke something: ${fix.tests.baseline?.because ?? "they fail"}.`,
  ];
}
