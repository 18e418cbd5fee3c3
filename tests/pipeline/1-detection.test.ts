import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { move, wait } from "#domain/outcome.ts";
import { Settings } from "#domain/settings.ts";
import { detection } from "#pipeline/1-detection.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { DetectionWorld } from "#pipeline/stage.ts";
import type { Repository } from "#ports/repository.ts";
import type { DetectionReads, KnownIssue, UnseenFingerprint } from "#store/read/detection/reads.ts";
import { anEvent, anIssueAt, aSha, facts, fixCommit, later, minute, now } from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

describe("detection", () => {
  it("sends a new problem to the diagnosis", async () => {
    expect(await detection(anIssueAt("detected"), aWorld())).toEqual(
      move("diagnosing", "P2 api_error: ready for a diagnosis"),
    );
  });

  it("holds an issue back while another one with the same cause is being fixed", async () => {
    const world = aWorld({ read: { inFlightWithCause: async () => ({ id: "x", title: "Launch fails" }) } });
    expect(await detection(anIssueAt("detected"), world)).toEqual(
      wait(later(30_000), '"Launch fails" has the same cause and is being fixed'),
    );
  });

  it.each([
    [2, "move"],
    [3, "wait"],
    [1_000, "wait"],
  ])("with %i issues before it, it will %s: three are worked on at a time", async (before, kind) => {
    const world = aWorld({ read: { issuesBefore: async () => before } });
    expect(await detection(anIssueAt("detected"), world)).toMatchObject({ kind });
  });

  it.each([
    [0, "diagnosing"],
    [1, "diagnosing"],
    [2, "failed"],
    [3, "failed"],
  ])("after %i fixes in 24 hours it goes to %s: the loop is bounded at two", async (written, to) => {
    const world = aWorld({ read: { fixesWrittenSince: async () => written } });
    expect(await detection(anIssueAt("detected"), world)).toMatchObject({ kind: "move", to });
  });
});

function unseen(change: Partial<UnseenFingerprint> = {}): UnseenFingerprint {
  return {
    fingerprint: "f1",
    state: "candidate",
    causeKey: "TypeError|src/launch.ts:POST",
    title: "TypeError in POST /api/campaigns/launch",
    issueType: "api_error",
    sample: anEvent(),
    firstSeen: now,
    lastSeen: now,
    ownEvents: 1,
    events: 1,
    users: 1,
    recent: new Map([5, 15, 60].map((minutes) => [minutes * minute, { events: 1, users: 1 }])),
    served: { whole: { requests: 19, failures: 19, errors: 19 }, operation: { requests: 0, failures: 0, errors: 0 } },
    issue: null,
    ...change,
  };
}

function anIssue(change: Partial<KnownIssue> = {}): KnownIssue {
  const nothing = { fixCommit: null, resolvedAt: null, spikedAt: null, recovered: false, mute: null };
  return {
    ...facts(),
    status: "fixing",
    ...nothing,
    dismissedVolume: null,
    isByHand: false,
    isMerged: false,
    ...change,
  };
}

const unexpected = async () => {
  throw new Error("unexpected read");
};

function world(read: Partial<DetectionReads>, repository: Partial<Repository> = {}): DetectionWorld {
  const reads: DetectionReads = {
    unseenFingerprints: unexpected,
    releasesSince: unexpected,
    happenedSince: unexpected,
    sharedWithErrors: async () => 0,
    operations: unexpected,
    mayBeSpiking: unexpected,
    probes: unexpected,
    trafficHistory: unexpected,
    issueOf: async () => undefined,
    calmConditions: async () => [],
    isWatched: async () => false,
    ruleCounts: unexpected,
    ...read,
  };
  const settings = Settings.parse({});
  return { clock: { now: () => now }, settings, steps: new Map(), read: reads, ...aWorldWith(repository) };
}

function aWorldWith(repository: Partial<Repository>) {
  return { repository: aWorld({ repository }).repository };
}

function findings(fingerprint: UnseenFingerprint, read: Partial<DetectionReads> = {}, contains = false) {
  const reads = { unseenFingerprints: async () => [fingerprint], ...read };
  return findProblems(world(reads, { contains: async () => contains }), 10);
}

describe("the detection sweep", () => {
  it("opens a P2 at the first unhandled server error", async () => {
    expect(await findings(unseen())).toMatchObject([
      { kind: "open", rule: "unhandled error", impact: { severity: "P2", affectedUsers: 1 } },
    ]);
  });

  it("says that everyone is affected when nine of ten requests fail", async () => {
    const recent = new Map([5, 15, 60].map((minutes) => [minutes * minute, { events: 90, users: 40 }]));
    const failing = { requests: 100, failures: 90, errors: 90 };
    const served = { whole: failing, operation: failing };
    const found = await findings(unseen({ recent, served }));
    expect(found).toMatchObject([{ kind: "open", impact: { severity: "P0", affectedUsers: -1 } }]);
  });

  it("believes the requests where an application tells of some errors only", async () => {
    const recent = new Map([5, 15, 60].map((minutes) => [minutes * minute, { events: 9, users: 40 }]));
    const failing = { requests: 100, failures: 90, errors: 10 };
    const found = await findings(unseen({ recent, served: { whole: failing, operation: failing } }));
    expect(found).toMatchObject([{ kind: "open", impact: { severity: "P0" } }]);
  });

  it("weighs a rare error by its own events, however many requests fail for other reasons", async () => {
    const served = {
      whole: { requests: 100, failures: 90, errors: 91 },
      operation: { requests: 50, failures: 45, errors: 46 },
    };
    const found = await findings(unseen({ served }));
    expect(found).toMatchObject([{ kind: "open", impact: { severity: "P2", affectedUsers: 1 } }]);
  });

  it("leaves the severity that a person gave, whatever is merged into the issue", async () => {
    const recent = new Map([5, 60].map((minutes) => [minutes * minute, { events: 90, users: 200 }]));
    const issue = anIssue({ severity: "P3", isByHand: true });
    expect(await findings(unseen({ issue, recent, users: 200 }))).toMatchObject([
      { kind: "update", impact: { severity: "P3", affectedUsers: 200 } },
    ]);
    const own = anIssue({ severity: "P3" });
    expect(await findings(unseen({ issue: own, recent }))).toMatchObject([{ impact: { severity: "P1" } }]);
  });

  it("only counts what is muted or noise", async () => {
    expect(await findings(unseen({ state: "noise" }))).toMatchObject([{ kind: "counted" }]);
    expect(await findings(unseen({ state: "muted" }))).toMatchObject([{ kind: "counted" }]);
  });

  it("brings an open issue up to date instead of opening a second one", async () => {
    expect(await findings(unseen({ issue: anIssue() }))).toMatchObject([{ kind: "update" }]);
  });

  it("leaves what was merged into another issue to that one", async () => {
    const issue = anIssue({ status: "dismissed", isMerged: true });
    expect(await findings(unseen({ issue }))).toMatchObject([{ kind: "counted" }]);
  });

  it("29: opens nothing for a log line whose requests an exception tells of with its stack", async () => {
    const sample = anEvent({ kind: "http", errorType: null, stack: null, frames: [], handled: true });
    const line = unseen({ sample, recent: new Map([[15 * minute, { events: 5, users: 0 }]]) });
    expect(await findings(line, { sharedWithErrors: async () => 1 })).toMatchObject([{ kind: "counted" }]);
    expect(await findings(line, { sharedWithErrors: async () => 0 })).toMatchObject([{ kind: "open" }]);
  });

  it("counts an external service as its rule says, and no less grave than the rule says", async () => {
    const sample = anEvent({
      kind: "external",
      externalHost: "api.stripe.com",
      handled: true,
      frames: [],
      stack: null,
    });
    const failing = unseen({
      sample,
      issueType: "external_api_error",
      recent: new Map([[5 * minute, { events: 15, users: 0 }]]),
    });
    expect(await findings(failing)).toMatchObject([
      { kind: "open", rule: "external service fails", impact: { severity: "P2" } },
    ]);
  });

  const resolved = anIssue({ status: "resolved", fixCommit, resolvedAt: now });
  const seenIn = (release: string | null, ms: number) => ({
    releasesSince: async () => [{ release, lastSeen: later(ms) }],
  });

  it("30: reopens a resolved issue when a release with the fix still produces it", async () => {
    expect(await findings(unseen({ issue: resolved }), seenIn(aSha("9"), 1), true)).toMatchObject([
      {
        kind: "return",
        returned: { state: "regressed", because: "came back in release 999999999999, which contains the fix" },
        impact: { severity: "P1" },
      },
    ]);
  });

  it("30: only counts a resolved issue's error that comes from an older release, however late", async () => {
    const found = await findings(unseen({ issue: resolved }), seenIn(aSha("8"), 600 * minute), false);
    expect(found).toMatchObject([{ kind: "counted" }]);
  });

  it("finds the guilty release among older ones that still drain", async () => {
    const releasesSince = async () => [
      { release: aSha("8"), lastSeen: later(2) },
      { release: aSha("9"), lastSeen: later(1) },
    ];
    const repository = { contains: async (release: string) => release === aSha("9") };
    const reads = { unseenFingerprints: async () => [unseen({ issue: resolved })], releasesSince };
    expect(await findProblems(world(reads, repository), 10)).toMatchObject([{ kind: "return" }]);
  });

  it("judges by time when the repository does not know the release: one made-up release stops nothing", async () => {
    const contains = async () => {
      throw new Failure("not_found", "no such commit");
    };
    const reads = {
      unseenFingerprints: async () => [unseen({ issue: resolved }), unseen()],
      ...seenIn("deadbeef".repeat(5), 60 * minute),
    };
    expect(await findProblems(world(reads, { contains }), 10)).toMatchObject([{ kind: "return" }, { kind: "open" }]);
  });

  it.each(["unavailable", "misconfigured"] as const)(
    "judges everything else while the repository is %s, and leaves what needs it for later",
    async (code) => {
      const contains = async () => {
        throw new Failure(code, "the repository is out of reach");
      };
      const reads = {
        unseenFingerprints: async () => [unseen({ issue: resolved }), unseen()],
        ...seenIn(aSha("9"), 60 * minute),
      };
      expect(await findProblems(world(reads, { contains }), 10)).toMatchObject([{ kind: "open" }]);
    },
  );

  it.each([
    [9 * minute, "counted"],
    [11 * minute, "return"],
  ])("without a release, an error %i ms after the resolution is %s", async (ms, kind) => {
    expect(await findings(unseen({ issue: resolved }), seenIn(null, ms))).toMatchObject([{ kind }]);
  });

  const none = { until: null, events: null, users: null, spike: false, since: now, by: "operator:eva" };
  const since = (events: number, users: number) => ({
    happenedSince: async () => ({ events, users, eventsLastDay: events }),
  });
  it.each([
    ["events", { ...none, events: 10 }, since(9, 9), "counted"],
    ["events", { ...none, events: 10 }, since(10, 1), "return"],
    ["users", { ...none, users: 3 }, since(99, 2), "counted"],
    ["users", { ...none, users: 3 }, since(3, 3), "return"],
    ["a time", { ...none, until: later(1) }, since(999, 999), "counted"],
    ["a time", { ...none, until: now }, since(1, 1), "return"],
    ["a spike", { ...none, spike: true }, since(999, 999), "counted"],
  ])("muted until %s: comes back exactly then", async (_, mute, read, kind) => {
    const issue = anIssue({ status: "dismissed", mute });
    expect(await findings(unseen({ issue }), read)).toMatchObject([{ kind }]);
  });

  it.each([
    [7, 69, "counted"],
    [7, 70, "return"],
    [0, 9, "counted"],
    [0, 10, "return"],
  ])("dismissed at %i events a day, it is %i a day that decide: %s", async (dismissedVolume, events, kind) => {
    const issue = anIssue({ status: "dismissed", dismissedVolume });
    expect(await findings(unseen({ issue }), since(events, 1))).toMatchObject([{ kind }]);
  });
});
