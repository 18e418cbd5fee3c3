import type { Measurement } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import { dismissalEnds, muteEnds, type Return, regression } from "#policy/coming-back.ts";
import { openingRule } from "#policy/detectors/events.ts";
import type { ErrorFacts } from "#policy/detectors/facts.ts";
import { isWeak } from "#policy/frame-names.ts";
import { atLeast, severityOf } from "#policy/severity.ts";
import type { KnownIssue, RequestCounts, UnseenFingerprint } from "#store/read/detection/reads.ts";
import type { DetectionWorld, Finding, Impact } from "./stage.ts";

const fiveMinutesMs = 5 * 60_000;
const hourMs = 60 * 60_000;
/** Of the same requests that another kind of error tells of with its stack: that one is the issue. */
const sharedMax = 0.5;
const everyoneShare = 0.9;
/** Below so many requests a share of failures means nothing (detection.md §3 vector 32). */
const requestsMin = 20;

/** From kinds of errors with new events to issues opened, brought up to date, or back again. World in, findings out. */
export async function findProblems(world: DetectionWorld, limit: number): Promise<Finding[]> {
  const windows = world.settings.detection.rules.map(({ windowMs }) => windowMs);
  const unseen = await world.read.unseenFingerprints(limit, [...new Set([...windows, fiveMinutesMs, hourMs])]);
  const releases = createReleases(world);
  const found = await Promise.all(unseen.map((one) => judge(one, world, releases).catch(later)));
  return found.filter((finding) => finding !== undefined);
}

/** What cannot be judged while the repository is out of reach stays unseen for a later pass; all others are judged now. */
function later(error: unknown): undefined {
  if (!(error instanceof RepositoryAway)) throw error;
}

async function judge(fingerprint: UnseenFingerprint, world: DetectionWorld, releases: Releases): Promise<Finding> {
  const { issue, state } = fingerprint;
  if (state === "muted" || state === "noise") return { kind: "counted", fingerprint };
  if (issue === null) return open(fingerprint, world);
  if (issue.isMerged) return { kind: "counted", fingerprint };
  if (issue.status === "resolved" || issue.status === "dismissed") {
    const returned = await (issue.status === "resolved" ? cameBack(issue, world, releases) : gotWorse(issue, world));
    if (returned === undefined) return { kind: "counted", fingerprint };
    return {
      kind: "return",
      fingerprint,
      issue,
      returned,
      impact: forIssue(issue, impactOf(fingerprint, returned.state === "regressed")),
    };
  }
  return { kind: "update", fingerprint, issue, impact: forIssue(issue, impactOf(fingerprint, false)) };
}

/** What a person said of how grave an issue is stands (detection.md §2.4.5). */
function forIssue({ isByHand, severity }: KnownIssue, impact: Impact): Impact {
  return isByHand ? { ...impact, severity, because: "given by the person who inserted it" } : impact;
}

async function open(fingerprint: UnseenFingerprint, world: DetectionWorld): Promise<Finding> {
  const { state } = fingerprint;
  const facts = factsOf(fingerprint);
  const opening = state === "candidate" ? openingRule(facts, world.settings.detection.rules, world.steps) : undefined;
  if (opening === undefined) return { kind: "counted", fingerprint };
  // What a second source says of the same requests: one problem, and the one that says more of it is the issue.
  if ((await world.read.sharedWithErrors(fingerprint.fingerprint)) >= sharedMax)
    return { kind: "counted", fingerprint };
  const { rule, because } = opening;
  const impact = impactOf(fingerprint, false);
  return {
    kind: "open",
    fingerprint,
    rule: rule.name,
    opening: because,
    impact: { ...impact, ...atLeast(impact, rule.severity, because) },
  };
}

function factsOf({ sample, issueType, recent }: UnseenFingerprint): ErrorFacts {
  const { kind, handled, level, trust, httpStatus, externalHost, frames, stack } = sample;
  const own = frames.filter(({ inApp }) => inApp);
  return {
    ...{ kind, handled, level, trust, httpStatus, externalHost, issueType },
    hasInAppFrame: own.length > 0,
    hasWeakFrames: own.length > 0 && own.every(isWeak),
    hasStack: stack !== null || frames.length > 0,
    within: (windowMs) => recent.get(windowMs) ?? { events: 0, users: 0 },
  };
}

function impactOf(fingerprint: UnseenFingerprint, isRegression: boolean): Impact {
  const { sample, users, recent, issueType, served } = fingerprint;
  const { level, handled, operation, environment, trust } = sample;
  const events = recent.get(fiveMinutesMs)?.events ?? 0;
  // What failed with it failed in its own operation, where requests are counted by operation.
  const own = served.operation.requests > 0 ? served.operation : served.whole;
  const failures = failuresOfThis(own, events);
  const failedShare = shareOf(failures, served.whole);
  const judged = severityOf({
    ...{ level, handled, users, operation, issueType, environment, events },
    operationShare: shareOf(failures, served.operation),
    usersLastHour: recent.get(hourMs)?.users ?? 0,
    requestsShare: failedShare,
    noise: false,
    regression: isRegression,
    spike: false,
    unverified: trust === "browser",
  });
  const everyone = failedShare.kind === "measured" && failedShare.value >= everyoneShare;
  return { ...judged, affectedUsers: everyone && trust === "server" ? -1 : users };
}

/**
 * One error of many says little about requests that others failed: of the failures it accounts for its part of all errors there.
 * Not one for each event: in an outage many applications tell of some errors only, and still count every request.
 */
function failuresOfThis({ failures, errors }: RequestCounts, events: number): number {
  return (failures * events) / Math.max(errors, events, 1);
}

function shareOf(failures: number, { requests }: RequestCounts): Measurement {
  if (requests < requestsMin) return { kind: "unmeasured", why: `fewer than ${requestsMin} requests in 5 minutes` };
  return { kind: "measured", value: Math.min(1, failures / requests) };
}

/** An error of a release that holds the fix is a regression; one of an older release only counts. */
async function cameBack(issue: KnownIssue, world: DetectionWorld, releases: Releases): Promise<Return | undefined> {
  const resolvedAt = issue.resolvedAt ?? issue.statusSince;
  const seen = await world.read.releasesSince(issue.id, resolvedAt);
  const known = seen.map(async ({ release, lastSeen }) => {
    const holdsFix = issue.fixCommit === null ? undefined : await releases.hold(release, issue.fixCommit);
    return { release, lastSeen, holdsFix };
  });
  return regression(await Promise.all(known), resolvedAt);
}

async function gotWorse(issue: KnownIssue, world: DetectionWorld): Promise<Return | undefined> {
  const { mute, dismissedVolume, statusSince } = issue;
  if (mute !== null) {
    return muteEnds(mute, await world.read.happenedSince(issue.id, mute.since), undefined, world.clock.now());
  }
  // Looked up by the pass before this one is judged again.
  if (dismissedVolume === null) return undefined;
  return dismissalEnds(dismissedVolume, await world.read.happenedSince(issue.id, statusSince));
}

/** Away, its credentials refused, or its history cut off: nobody can tell now what a release contains. */
class RepositoryAway extends Error {}

interface Releases {
  /** `undefined`: the repository does not know the release (squashed, rebased, or made up by whoever sent the event). */
  hold(release: string | null, commit: Sha): Promise<boolean | undefined>;
}

/** Asks the repository once about each pair, however many kinds of errors a release produced. */
function createReleases({ repository }: DetectionWorld): Releases {
  const asked = new Map<string, Promise<boolean | undefined>>();
  async function ask(release: Sha, commit: Sha): Promise<boolean | undefined> {
    try {
      return await repository.contains(release, commit);
    } catch (error) {
      if (error instanceof Failure && error.code === "not_found") return undefined;
      if (!(error instanceof Failure)) throw error;
      throw new RepositoryAway("the repository could not be asked", { cause: error });
    }
  }
  return {
    hold: async (release, commit) => {
      const sha = Sha.safeParse(release);
      if (!sha.success) return undefined;
      const key = `${sha.data} ${commit}`;
      const answer = asked.get(key) ?? ask(sha.data, commit);
      asked.set(key, answer);
      return answer;
    },
  };
}
