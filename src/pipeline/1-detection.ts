import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import { move, wait } from "#domain/outcome.ts";
import { gate } from "#policy/detectors/events.ts";
import { severityOf } from "#policy/severity.ts";
import type { UnseenFingerprint } from "#store/read/reads.ts";
import type { DetectionWorld, Finding, Stage } from "./stage.ts";

const dayMs = 24 * 60 * 60_000;
const rivalRetryMs = 30_000;
/** A resolved error without a release is a regression only after the old release has drained (detection.md §2.4.7). */
const regressionGraceMs = 10 * 60_000;

/** Stage 1: decide whether the problem is worth a diagnosis now. One fix at a time for one cause; no endless attempts. */
export const detection: Stage<"detected"> = async (issue, world) => {
  const rival = await world.read.inFlightWithCause(issue);
  const now = world.clock.now();
  if (rival !== undefined) {
    return wait(new Date(now.getTime() + rivalRetryMs), `"${rival.title}" has the same cause and is being fixed`);
  }
  const written = await world.read.fixesWrittenSince(issue.id, new Date(now.getTime() - dayMs), null);
  const { fixesPerFingerprintPerDay } = world.settings.limits;
  if (written >= fixesPerFingerprintPerDay) {
    const because = `${written} fixes were written for it in 24 hours (limit ${fixesPerFingerprintPerDay}); a person has to look`;
    return move("failed", because);
  }
  return move("diagnosing", `${issue.severity} ${issue.issueType}: ready for a diagnosis`);
};

/** The sweep: from kinds of errors with new events to issues opened, brought up to date, or reopened. World in, findings out. */
export async function findProblems(world: DetectionWorld, limit: number): Promise<Finding[]> {
  const unseen = await world.read.unseenFingerprints(limit);
  return Promise.all(unseen.map((fingerprint) => judge(fingerprint, world)));
}

async function judge(fingerprint: UnseenFingerprint, world: DetectionWorld): Promise<Finding> {
  const { issue } = fingerprint;
  if (fingerprint.state === "muted" || fingerprint.state === "noise") return { kind: "counted", fingerprint };
  if (issue === null) {
    if (!opensAnIssue(fingerprint)) return { kind: "counted", fingerprint };
    return { kind: "open", fingerprint, ...impactOf(fingerprint, false) };
  }
  if (issue.status === "dismissed") return { kind: "counted", fingerprint };
  if (issue.status === "resolved") {
    const returned = await cameBack(fingerprint, world);
    if (!returned) return { kind: "counted", fingerprint };
    return { kind: "regression", fingerprint, ...impactOf(fingerprint, true) };
  }
  return { kind: "update", fingerprint, ...impactOf(fingerprint, false) };
}

function opensAnIssue({ sample, state, issueType, eventsLastHour, usersLastHour }: UnseenFingerprint): boolean {
  return gate({
    state,
    handled: sample.handled,
    level: sample.level,
    trust: sample.trust,
    hasInAppFrame: sample.frames.some((frame) => frame.inApp),
    hasStack: sample.stack !== null,
    issueType,
    eventsRecent: eventsLastHour,
    usersRecent: usersLastHour,
    httpStatus: sample.httpStatus,
  });
}

function impactOf(fingerprint: UnseenFingerprint, regression: boolean) {
  const { sample, users, eventsLastHour, issueType, failedShare } = fingerprint;
  const { severity, because } = severityOf({
    level: sample.level,
    handled: sample.handled,
    users,
    events: eventsLastHour,
    operation: sample.operation,
    issueType,
    requestsShare: failedShare,
    environment: sample.environment,
    regression,
    unverified: sample.trust === "browser",
  });
  const everyone = failedShare.kind === "measured" && failedShare.value >= 0.9;
  return { severity, because, affectedUsers: everyone ? -1 : users };
}

/** An error of a release that holds the fix is a regression; one of an older release only counts. */
async function cameBack({ issue, sample }: UnseenFingerprint, world: DetectionWorld): Promise<boolean> {
  const release = Sha.safeParse(sample.release);
  if (issue === null) return false;
  if (release.success && issue.fixCommit !== null) {
    const holdsFix = await isIn(release.data, issue.fixCommit, world);
    if (holdsFix !== undefined) return holdsFix;
  }
  const resolvedAt = issue.resolvedAt ?? issue.statusSince;
  return sample.at.getTime() > resolvedAt.getTime() + regressionGraceMs;
}

/** `undefined`: the repository does not know the release (squashed, rebased, or made up by whoever sent the event). */
async function isIn(release: Sha, fixCommit: Sha, world: DetectionWorld): Promise<boolean | undefined> {
  try {
    return await world.repository.contains(release, fixCommit);
  } catch (error) {
    if (error instanceof Failure && error.code === "not_found") return undefined;
    throw error;
  }
}
