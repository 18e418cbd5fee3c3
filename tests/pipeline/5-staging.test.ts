import { describe, expect, it } from "vitest";

import { staging } from "#pipeline/5-staging.ts";
import {
  aDeployment,
  anIssueAt,
  aSample,
  aSha,
  aTestedFix,
  base,
  candidateCommit,
  later,
  minute,
  now,
  samples,
} from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

const onMain = { head: async () => base };
const answers = (outcome: "healthy" | "unhealthy") => async () => {
  const { slot: _, repeat: __, scheduledAt: ___, ...check } = aSample(0, { outcome, because: outcome });
  return check;
};

describe("staging", () => {
  it("goes back to the tests when main moved", async () => {
    const world = aWorld({ repository: { head: async () => aSha("9") } });
    expect(await staging(anIssueAt("staging"), world)).toMatchObject({ kind: "move", to: "testing" });
  });

  it("passes to production after ten healthy checks when no rule asks for a person", async () => {
    const issue = anIssueAt("staging", { samples: samples(0, 8) });
    const world = aWorld({ at: later(10 * minute), repository: onMain, platform: { checkHealth: answers("healthy") } });
    expect(await staging(issue, world)).toMatchObject({ kind: "move", to: "deploying" });
  });

  it("asks a person for a P0 whose diagnosis recommends one, bound to the candidate", async () => {
    const fix = aTestedFix();
    fix.diagnosis = { ...fix.diagnosis, requiresPerson: true, requiresPersonBecause: "it touches patients' data" };
    const issue = anIssueAt("staging", { severity: "P0", fix, samples: samples(0, 9) });
    const outcome = await staging(issue, aWorld({ at: later(10 * minute), repository: onMain }));
    expect(outcome).toMatchObject({ kind: "move", to: "awaiting_approval" });
    expect(outcome.evidence.at(-1)).toMatchObject({
      kind: "approval_requested",
      approval: {
        candidate: { commit: candidateCommit },
        environment: "production",
        expiresAt: later(10 * minute + 24 * 60 * minute),
      },
    });
  });

  it("stops before production at the third failed check in a row", async () => {
    const issue = anIssueAt("staging", { samples: samples(0, 1, { outcome: "unhealthy" }) });
    const world = aWorld({
      at: later(2 * minute),
      repository: onMain,
      platform: { checkHealth: answers("unhealthy") },
    });
    expect(await staging(issue, world)).toMatchObject({ kind: "move", to: "failed" });
  });

  it("stops before production at the first new error", async () => {
    const kind = { fingerprint: "f2", title: "RangeError", events: 1, isNew: true, inChangedFile: false };
    const world = aWorld({
      repository: onMain,
      platform: { checkHealth: answers("healthy") },
      read: { errorKinds: async () => [kind] },
    });
    expect(await staging(anIssueAt("staging"), world)).toMatchObject({ kind: "move", to: "failed" });
  });

  it("is prolonged once when too few checks gave data, and never passes without them", async () => {
    const few = samples(0, 6);
    const world = aWorld({ at: later(10 * minute + 1), repository: onMain });
    const first = await staging(anIssueAt("staging", { samples: few }), world);
    expect(first).toMatchObject({ kind: "wait" });
    expect(first.evidence.at(-1)).toMatchObject({
      kind: "deployment",
      deployment: { extended: true, watchUntil: later(20 * minute + 1) },
    });
    const deployment = aDeployment({ environment: "staging", watchUntil: later(20 * minute), extended: true });
    const second = await staging(
      anIssueAt("staging", { samples: few, deployment }),
      aWorld({ at: later(20 * minute + 1), repository: onMain }),
    );
    expect(second).toMatchObject({ kind: "move", to: "failed" });
  });

  it("resets a staging branch that went another way", async () => {
    const calls: string[] = [];
    const world = aWorld({
      repository: {
        head: async (branch) => (branch === "main" ? base : aSha("5")),
        advance: async () => ({ kind: "not_forward" }),
        replace: async (branch, change) => {
          calls.push(`${branch} ${change.from} ${change.to}`);
          return { kind: "replaced", archivedAs: null };
        },
      },
      platform: { ensureDeployed: async () => ({ kind: "pending", providerId: "p", lookAgainMs: 500 }) },
    });
    const outcome = await staging(anIssueAt("staging", { deployment: null }), world);
    expect(calls).toEqual([`staging ${aSha("5")} ${candidateCommit}`]);
    expect(outcome).toMatchObject({ kind: "wait", until: later(500) });
  });

  it("fails when the deployment does not become ready in time", async () => {
    const started = aDeployment({
      environment: "staging",
      state: "pending",
      watchFrom: null,
      watchUntil: null,
      startedAt: now,
    });
    const world = aWorld({
      at: later(20 * minute + 1),
      repository: { head: async (branch) => (branch === "main" ? base : candidateCommit) },
      platform: { ensureDeployed: async () => ({ kind: "pending", providerId: "p", lookAgainMs: 500 }) },
    });
    expect(await staging(anIssueAt("staging", { deployment: started }), world)).toMatchObject({
      kind: "move",
      to: "failed",
    });
  });

  it("waits for the next slot while everything is well", async () => {
    const world = aWorld({ at: later(minute), repository: onMain, platform: { checkHealth: answers("healthy") } });
    const outcome = await staging(anIssueAt("staging", { samples: samples(0, 0) }), world);
    expect(outcome).toMatchObject({ kind: "wait", until: later(2 * minute) });
    expect(outcome.evidence[0]).toMatchObject({ kind: "health", sample: { slot: 1 } });
  });
});
