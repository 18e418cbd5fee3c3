import type { ClaimVerdict, Deployment, ErrorCounts, HealthSample, Verdict } from "#domain/evidence.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { judgeErrorRate } from "#policy/error-rate.ts";
import { judgeHealth, nextLook } from "#policy/health.ts";
import { judgeClaim, judgeNewErrors } from "#policy/new-errors.ts";
import { asSeen, claimAsSeen, sightOf } from "#policy/sight.ts";
import { judgeProduction } from "#policy/watch.ts";
import type { Stage, World } from "./stage.ts";
import { look, recordDeployment, recordJudgement, servesSomeonesVersion } from "./watching.ts";

type Monitoring = IssueAt<"monitoring">;
interface Watch {
  from: Date;
  until: Date;
  extended: boolean;
}

/** Stage 8: watch production and decide whether the fix made things better, worse, or cannot be judged yet. */
export const monitoring: Stage<"monitoring"> = async (issue, world) => {
  const { deployment, fix, samples } = issue;
  const limits = world.settings.production;
  const from = deployment.watchFrom ?? deployment.startedAt;
  const watch = { from, until: deployment.watchUntil ?? from, extended: deployment.extended };
  const next = nextLook(samples, watch, world.clock.now(), limits);
  const { commit } = fix.candidate;
  const sample = next.kind === "look" ? await look(world, "production", commit, next, from) : undefined;
  const seen = sample === undefined ? samples : [...samples, sample];
  if (servesSomeonesVersion(seen, commit, deployment.previousCommit)) {
    const because =
      "someone deployed another version during the watch; it is left alone, and this fix was not judged to its end";
    const verdict: Verdict = { kind: "inconclusive", because };
    return move("failed", because, recordJudgement(deployment.id, sample, { verdict, claim: null, risePct: null }));
  }
  const judged = await judge(issue, watch, seen, world);
  const evidence = recordJudgement(deployment.id, sample, judged);
  const { verdict, claim } = judged;
  if (verdict.kind === "failed") return move("rolling_back", verdict.because, evidence);
  if (verdict.kind === "passed") return move("resolved", `${verdict.because}; ${claim.because}`, evidence);
  const now = world.clock.now();
  if (verdict.kind === "inconclusive") return hold(deployment, watch, verdict.because, evidence, world);
  const after = nextLook(seen, watch, now, limits);
  return wait(after.kind === "wait" ? after.until : now, verdict.because, evidence);
};

/** Every leg is measured and judged by itself, then together. */
async function judge(
  issue: Monitoring,
  watch: Watch,
  samples: HealthSample[],
  world: World,
): Promise<{ verdict: Verdict; claim: ClaimVerdict; risePct: number | null }> {
  const { settings } = world;
  const { fix, deployment } = issue;
  const { claim } = fix.diagnosis;
  const now = world.clock.now();
  const windowOver = now >= watch.until;
  const release = { environment: "production" as const, release: fix.candidate.commit, since: watch.from };
  const kinds = await world.read.errorKinds({ ...release, changedFiles: fix.files });
  const errors = await errorsSince(issue, watch, now, world);
  const rate = judgeErrorRate(deployment.baseline, errors, deployment.lastRisePct, settings.production);
  const operation = claim.kind === "error_stops" ? claim.operation : null;
  const operationRequests = await world.read.requestsOf({ ...release, operation });
  const sight = sightOf(await world.read.trafficHistory("production", now), now, settings.production.checkEveryMs);
  const promise = claimAsSeen(judgeClaim(claim, { kinds, operationRequests, windowOver }, settings), sight);
  const verdict = judgeProduction(
    {
      health: judgeHealth(samples, now, watch, settings.production),
      errorRate: asSeen(rate.verdict, sight),
      newErrors: asSeen(judgeNewErrors(kinds, claim, "production", settings), sight),
      claim: promise,
      requests: await world.read.requestsOf({ ...release, operation: null }),
      windowOver,
    },
    settings,
  );
  return { verdict, claim: promise, risePct: rate.risePct };
}

/** Only what the new release produced counts; an old one that still drains is not its fault (reliability A11). */
function errorsSince({ fix }: Monitoring, watch: Watch, now: Date, world: World): Promise<ErrorCounts> {
  const { windowMs } = world.settings.production;
  const range = { environment: "production" as const, release: fix.candidate.commit, from: watch.from, to: now };
  return world.read.errorCounts({ ...range, windowMs });
}

/** Too little evidence is no success: the watch is held open, a person is told, and in the end it is called inconclusive. */
function hold(
  deployment: Deployment,
  watch: Watch,
  because: string,
  evidence: ReturnType<typeof recordJudgement>,
  world: World,
) {
  const { holdMs, windowMs } = world.settings.production;
  const now = world.clock.now();
  if (watch.extended && now.getTime() - watch.from.getTime() > holdMs) {
    return move(
      "failed",
      `Inconclusive: ${because}. The deployment was left in place: a person has to look, and can take it back`,
      evidence,
    );
  }
  const watchUntil = new Date(Math.max(watch.until.getTime(), now.getTime()) + windowMs);
  const longer = recordDeployment(deployment, { watchUntil, extended: true });
  return wait(now, `Inconclusive so far: ${because}; the watch goes on`, [...evidence, longer]);
}
