import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { move, wait } from "#domain/outcome.ts";
import { detection, findProblems } from "#pipeline/1-detection.ts";
import type { Reads, UnseenFingerprint } from "#store/read/reads.ts";
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
    events: 1,
    eventsUnseen: 1,
    eventsLastHour: 1,
    users: 1,
    usersLastHour: 1,
    failedShare: { kind: "unmeasured", why: "fewer than 20 requests" },
    issue: null,
    ...change,
  };
}

async function findings(fingerprint: UnseenFingerprint, contains = false) {
  const read: Reads = { ...aWorld().read, unseenFingerprints: async () => [fingerprint] };
  const { repository } = aWorld({ repository: { contains: async () => contains } });
  return findProblems({ clock: { now: () => now }, read, repository }, 10);
}

describe("the detection sweep", () => {
  it("opens a P2 at the first unhandled server error", async () => {
    expect(await findings(unseen())).toMatchObject([{ kind: "open", severity: "P2", affectedUsers: 1 }]);
  });

  it("says that everyone is affected when nine of ten requests fail", async () => {
    const found = await findings(unseen({ failedShare: { kind: "measured", value: 0.9 } }));
    expect(found).toMatchObject([{ kind: "open", severity: "P0", affectedUsers: -1 }]);
  });

  it("only counts what is muted or noise", async () => {
    expect(await findings(unseen({ state: "noise" }))).toMatchObject([{ kind: "counted" }]);
    expect(await findings(unseen({ state: "muted" }))).toMatchObject([{ kind: "counted" }]);
  });

  it("brings an open issue up to date instead of opening a second one", async () => {
    const issue = { ...facts(), status: "fixing" as const, fixCommit: null, resolvedAt: null };
    expect(await findings(unseen({ issue }))).toMatchObject([{ kind: "update" }]);
  });

  const resolved = { ...facts(), status: "resolved" as const, fixCommit, resolvedAt: now };

  it("reopens a resolved issue when a release with the fix still produces it", async () => {
    const sample = anEvent({ release: aSha("9"), at: later(1) });
    expect(await findings(unseen({ issue: resolved, sample }), true)).toMatchObject([{ kind: "regression" }]);
  });

  it("only counts a resolved issue's error that comes from an older release", async () => {
    const sample = anEvent({ release: aSha("8"), at: later(60 * minute) });
    expect(await findings(unseen({ issue: resolved, sample }), false)).toMatchObject([{ kind: "counted" }]);
  });

  it("judges by time when the repository does not know the release: one made-up release stops nothing", async () => {
    const sample = anEvent({ release: "deadbeef".repeat(5), at: later(60 * minute) });
    const read: Reads = {
      ...aWorld().read,
      unseenFingerprints: async () => [unseen({ issue: resolved, sample }), unseen()],
    };
    const { repository } = aWorld({
      repository: {
        contains: async () => {
          throw new Failure("not_found", "no such commit");
        },
      },
    });
    expect(await findProblems({ clock: { now: () => now }, read, repository }, 10)).toMatchObject([
      { kind: "regression" },
      { kind: "open" },
    ]);
  });

  it.each([
    [9 * minute, "counted"],
    [11 * minute, "regression"],
  ])("without a release, an error %i ms after the resolution is %s", async (ms, kind) => {
    const sample = anEvent({ release: null, at: later(ms) });
    expect(await findings(unseen({ issue: resolved, sample }))).toMatchObject([{ kind }]);
  });
});
