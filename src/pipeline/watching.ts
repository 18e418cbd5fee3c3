import type { Deployment, Evidence, HealthSample, Verdict } from "#domain/evidence.ts";
import { type Environment, Sha } from "#domain/ids.ts";
import type { World } from "./stage.ts";

/** An old version may still answer while traffic moves over; after this long it counts as the wrong version (reliability A5). */
const versionGraceMs = 120_000;

/** A deployment before anything was asked of the platform. */
export function newDeployment(
  environment: Environment,
  commit: Sha,
  before: Pick<Deployment, "previousCommit" | "baseline">,
  now: Date,
): Omit<Deployment, "id"> {
  return {
    environment,
    commit,
    ...before,
    providerId: null,
    url: null,
    state: "pending",
    startedAt: now,
    watchFrom: null,
    watchUntil: null,
    extended: false,
    verdict: null,
    lastRisePct: null,
  };
}

/** Why a deployment was given up: what the platform last said about it belongs to it. */
export function notReadyInTime({ because }: { because?: string }): string {
  const late = "the deployment did not become ready in time";
  return because === undefined ? late : `${late}: ${because}`;
}

/** The release is ready: from now on it is watched for `windowMs`. */
export function startWatch(
  deployment: Omit<Deployment, "id">,
  place: { providerId: string; url: string },
  now: Date,
  windowMs: number,
): Omit<Deployment, "id"> {
  return { ...deployment, ...place, state: "ready", watchFrom: now, watchUntil: new Date(now.getTime() + windowMs) };
}

/** One look at the release, in its slot. During the grace an old version is no data; after it, it is the wrong version. */
export async function look(
  world: World,
  environment: Environment,
  expected: Sha,
  place: { slot: number; repeat: number; scheduledAt: Date },
  watchFrom: Date,
): Promise<HealthSample> {
  const check = await world.platform.checkHealth(environment, expected);
  const { slot, repeat, scheduledAt } = place;
  const sample = { ...check, slot, repeat, scheduledAt };
  const grace = world.clock.now().getTime() - watchFrom.getTime() < versionGraceMs;
  const old = check.httpStatus === 200 && check.servedCommit !== null && check.servedCommit !== expected;
  return grace && old
    ? { ...sample, outcome: "no_data", because: `${check.because} (still within the grace)` }
    : sample;
}

/** Whether someone else's release replaced ours: it served before, and another commit serves now (reliability A14, C9). */
export function servesSomethingElse(samples: HealthSample[], expected: Sha): boolean {
  const reported = samples.filter((sample) => sample.servedCommit !== null);
  const last = reported.at(-1);
  if (last === undefined || last.servedCommit === expected) return false;
  return reported.some((sample) => sample.servedCommit === expected);
}

/**
 * Whether production serves a release that is neither ours nor the one before. Ours was ready when the watch began, so
 * somebody deployed it since, even where no look found ours in time; what is no commit id is no release (reliability A14).
 */
export function servesSomeonesVersion(samples: HealthSample[], expected: Sha, previous: Sha | null): boolean {
  const last = Sha.safeParse(samples.findLast((sample) => sample.servedCommit !== null)?.servedCommit).data;
  return last !== undefined && last !== expected && last !== previous;
}

export function recordDeployment(
  deployment: Omit<Deployment, "id">,
  change: Partial<Omit<Deployment, "id">>,
): Evidence {
  return { kind: "deployment", deployment: { ...deployment, ...change } };
}

/** The look, if there was one, and what was made of it. */
export function recordJudgement(
  deploymentId: string,
  sample: HealthSample | undefined,
  judged: { verdict: Verdict; claim: Extract<Evidence, { kind: "verdict" }>["claim"]; risePct: number | null },
): Evidence[] {
  const verdict: Evidence = { kind: "verdict", deploymentId, ...judged };
  return sample === undefined ? [verdict] : [{ kind: "health", deploymentId, sample }, verdict];
}
