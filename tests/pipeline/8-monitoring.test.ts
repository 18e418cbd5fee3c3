import { describe, expect, it } from "vitest";
import type { HealthCheck } from "#domain/evidence.ts";
import type { IssueAt } from "#domain/issue.ts";
import { monitoring } from "#pipeline/8-monitoring.ts";
import type { Reads } from "#store/read/reads.ts";
import {
  aDeployment,
  aDiagnosis,
  anIssueAt,
  aSample,
  aSha,
  aTestedFix,
  candidateCommit,
  later,
  minute,
  previousCommit,
  samples,
  someErrors,
} from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

const everyMs = 5 * minute;
const healthy: HealthCheck = {
  outcome: "healthy",
  because: "200",
  servedCommit: candidateCommit,
  httpStatus: 200,
  latencyMs: 9,
};
const ill: HealthCheck = {
  ...healthy,
  outcome: "unhealthy",
  because: "no answer within 5 s",
  servedCommit: null,
  httpStatus: null,
};

function watch(parts: {
  at: Date;
  check?: HealthCheck;
  read?: Partial<Reads>;
  issue?: Partial<IssueAt<"monitoring">>;
}) {
  const world = aWorld({
    at: parts.at,
    platform: { checkHealth: async () => parts.check ?? healthy },
    read: parts.read,
  });
  return monitoring(anIssueAt("monitoring", parts.issue), world);
}
const almostDone = { samples: samples(0, 4, { everyMs }) };
const kind = { fingerprint: "f9", title: "RangeError", events: 1, isNew: true, inChangedFile: false };

describe("the watch over production", () => {
  it("resolves after six healthy checks with traffic and no error of the new release", async () => {
    const outcome = await watch({ at: later(30 * minute), issue: { samples: samples(0, 5, { everyMs }) } });
    expect(outcome).toMatchObject({ kind: "move", to: "resolved" });
    expect(outcome.evidence.at(-1)).toMatchObject({
      kind: "verdict",
      verdict: { kind: "passed" },
      claim: { kind: "held" },
    });
  });

  it("waits for the next slot while the window is open", async () => {
    expect(await watch({ at: later(5 * minute), issue: { samples: samples(0, 0, { everyMs }) } })).toMatchObject({
      kind: "wait",
      until: later(10 * minute),
    });
  });

  it("repeats a failed check after a minute and rolls back at the second failure in a row", async () => {
    const first = await watch({ at: later(5 * minute), check: ill, issue: { samples: samples(0, 0, { everyMs }) } });
    expect(first).toMatchObject({ kind: "wait", until: later(6 * minute) });
    const failed = [...samples(0, 0, { everyMs }), aSample(1, { ...ill, everyMs })];
    expect(await watch({ at: later(6 * minute), check: ill, issue: { samples: failed } })).toMatchObject({
      kind: "move",
      to: "rolling_back",
    });
    expect(await watch({ at: later(6 * minute), issue: { samples: failed } })).toMatchObject({ kind: "wait" });
  });

  it("rolls back at once when errors rise by more than half and it is no noise", async () => {
    const baseline = someErrors(288, 28_800);
    const read = { errorCounts: async () => someErrors(60, 600, 10 * minute) };
    const issue = { ...almostDone, deployment: aDeployment({ baseline }) };
    expect(await watch({ at: later(25 * minute), read, issue })).toMatchObject({ kind: "move", to: "rolling_back" });
  });

  it("does not roll a harmless deployment back for two errors where none were expected", async () => {
    const read = { errorCounts: async () => someErrors(2, 600, 10 * minute) };
    expect(await watch({ at: later(25 * minute), read, issue: almostDone })).toMatchObject({ kind: "wait" });
  });

  it.each([
    [1, false, "wait"],
    [2, false, "move"],
    [1, true, "move"],
  ])("at %i events of a new kind (in a changed file: %s) it answers %s", async (events, inChangedFile, answer) => {
    const read = { errorKinds: async () => [{ ...kind, events, inChangedFile }] };
    expect((await watch({ at: later(25 * minute), read, issue: almostDone })).kind).toBe(answer);
  });

  it("is inconclusive, and never passes, when nothing is reported any more although it used to (A13)", async () => {
    const silent = { hourBefore: 40, sameHour: [40, 40, 40], lastReportAt: later(20 * minute) };
    const read = { trafficHistory: async () => silent };
    expect(await watch({ at: later(30 * minute), read, issue: almostDone })).toMatchObject({
      kind: "wait",
      because: expect.stringContaining("errors are unknown: no request was reported for 10 minutes"),
    });
    const failing = { ...read, errorKinds: async () => [{ ...kind, events: 2 }] };
    expect(await watch({ at: later(30 * minute), read: failing, issue: almostDone })).toMatchObject({
      kind: "move",
      to: "rolling_back",
    });
  });

  it("rolls back when the error that should stop comes from the new release", async () => {
    const read = { errorKinds: async () => [{ ...kind, fingerprint: "f1", events: 2, isNew: false }] };
    expect(await watch({ at: later(25 * minute), read, issue: almostDone })).toMatchObject({
      kind: "move",
      to: "rolling_back",
    });
  });

  const over = { at: later(30 * minute), issue: { samples: samples(0, 5, { everyMs }) } };

  it.each<[string, Partial<Reads>]>([
    ["nobody used it", { requestsOf: async () => ({ kind: "measured", value: 19 }) }],
    ["nobody reports traffic", { requestsOf: async () => ({ kind: "unmeasured", why: "no source" }) }],
    [
      "the broken operation was not used",
      { requestsOf: async ({ operation }) => ({ kind: "measured", value: operation === null ? 500 : 0 }) },
    ],
  ])("is inconclusive, tells and goes on when %s", async (_, read) => {
    const outcome = await watch({ ...over, read });
    expect(outcome).toMatchObject({ kind: "wait" });
    expect(outcome.evidence.at(-1)).toMatchObject({
      kind: "deployment",
      deployment: { extended: true, watchUntil: later(60 * minute) },
    });
    expect(outcome.evidence.at(-2)).toMatchObject({ kind: "verdict", verdict: { kind: "inconclusive" } });
  });

  it("ends as inconclusive, never as resolved, when a day brought no evidence", async () => {
    const deployment = aDeployment({ extended: true, watchUntil: later(25 * 60 * minute) });
    const read: Partial<Reads> = { requestsOf: async () => ({ kind: "measured", value: 0 }) };
    const issue = { deployment, samples: samples(0, 299, { everyMs }) };
    const outcome = await watch({ at: later(25 * 60 * minute), read, issue });
    expect(outcome).toMatchObject({ kind: "move", to: "failed", because: expect.stringContaining("Inconclusive") });
  });

  it("leaves a version alone that a person deployed during the watch", async () => {
    const outcome = await watch({
      at: later(5 * minute),
      check: { ...healthy, servedCommit: aSha("9") },
      issue: { samples: samples(0, 0, { everyMs }) },
    });
    expect(outcome).toMatchObject({ kind: "move", to: "failed", because: expect.stringContaining("left alone") });
  });

  it("never passes when the old version serves again", async () => {
    const old = samples(0, 5, {
      everyMs,
      outcome: "unhealthy",
      servedCommit: previousCommit,
      because: "serves aaaaaaaa",
    });
    expect(await watch({ at: later(30 * minute), issue: { samples: old } })).toMatchObject({
      kind: "move",
      to: "rolling_back",
    });
  });

  it("resolves a spelling fix without an error to stop", async () => {
    const fix = aTestedFix({ diagnosis: aDiagnosis({ claim: { kind: "nothing_to_stop", statement: "spelling" } }) });
    expect(await watch({ ...over, issue: { ...over.issue, fix } })).toMatchObject({ kind: "move", to: "resolved" });
  });
});
