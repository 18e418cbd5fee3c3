import { describe, expect, it } from "vitest";
import { wait } from "#domain/outcome.ts";
import { production } from "#pipeline/7-production.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import {
  aDeployment,
  anApproval,
  anIssueAt,
  aSha,
  aTestedFix,
  base,
  candidateCommit,
  later,
  minute,
  now,
  previousCommit,
  someErrors,
} from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

const serving: Platform["serving"] = async () => ({
  kind: "serving",
  commit: previousCommit,
  url: "http://127.0.0.1:1",
});
const onMain = { head: async () => base };
const planned = aDeployment({ state: "pending", watchFrom: null, watchUntil: null });
const shipping = anIssueAt("deploying", { deployment: planned });

describe("before the promotion", () => {
  it("notes the version to return to and the baseline before main moves", async () => {
    const world = aWorld({
      repository: onMain,
      platform: { serving },
      read: { errorCounts: async () => someErrors(4, 900) },
    });
    const outcome = await production(anIssueAt("deploying"), world);
    expect(outcome).toMatchObject({ kind: "wait", until: now });
    expect(outcome.evidence).toMatchObject([
      {
        kind: "deployment",
        deployment: {
          environment: "production",
          commit: candidateCommit,
          previousCommit,
          state: "pending",
          baseline: someErrors(4, 900),
        },
      },
    ]);
  });

  it("does not promote when it cannot tell which version serves: there would be no way back", async () => {
    const world = aWorld({
      repository: onMain,
      platform: { serving: async () => ({ kind: "unknown", why: "no answer" }) },
    });
    await expect(production(anIssueAt("deploying"), world)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("waits when the day's deployments are used up", async () => {
    const reserve = async () => ({
      kind: "full" as const,
      until: later(minute),
      because: "the limit of 10 a day is used up",
    });
    const world = aWorld({ repository: onMain, reserve });
    expect(await production(anIssueAt("deploying"), world)).toEqual(
      wait(later(minute), "the limit of 10 a day is used up"),
    );
  });

  it("carries no approval over to another main", async () => {
    const issue = anIssueAt("deploying", { approval: anApproval({ state: "approved" }) });
    const world = aWorld({ repository: { head: async () => aSha("9") } });
    expect(await production(issue, world)).toMatchObject({
      kind: "move",
      to: "testing",
      evidence: [{ kind: "approval_ended", state: "void" }],
    });
  });

  it("refuses an approval that expired on the way", async () => {
    const issue = anIssueAt("deploying", { approval: anApproval({ state: "approved", expiresAt: now }) });
    expect(await production(issue, aWorld({ at: later(1), repository: onMain }))).toMatchObject({
      kind: "move",
      to: "testing",
    });
  });

  it("asks the rules again: what was automatic and no longer is, does not ship", async () => {
    const world = aWorld({ repository: onMain, settings: { autonomyLevel: 1 } });
    expect(await production(anIssueAt("deploying"), world)).toMatchObject({ kind: "move", to: "testing" });
  });
});

describe("the promotion", () => {
  const moves: string[] = [];
  const advance: Repository["advance"] = async (branch, { from, to }) => {
    moves.push(`${branch} ${from} ${to}`);
    return { kind: "advanced" };
  };

  it("moves main from the tested base to the very candidate and deploys it", async () => {
    moves.length = 0;
    const platform: Partial<Platform> = { ensureDeployed: async () => ({ kind: "ready", providerId: "r2", url: "u" }) };
    const outcome = await production(shipping, aWorld({ repository: { ...onMain, advance }, platform }));
    expect(moves).toEqual([`main ${base} ${candidateCommit}`]);
    expect(outcome).toMatchObject({
      kind: "move",
      to: "monitoring",
      evidence: [
        { kind: "deployment", deployment: { state: "ready", watchFrom: now, watchUntil: later(30 * minute) } },
      ],
    });
  });

  it("does not move main a second time after a crash", async () => {
    const platform: Partial<Platform> = {
      ensureDeployed: async () => ({ kind: "pending", providerId: "r2", lookAgainMs: 100 }),
    };
    const world = aWorld({ repository: { head: async () => candidateCommit }, platform });
    expect(await production(shipping, world)).toMatchObject({ kind: "wait", until: later(100) });
  });

  it("tests again when main moved meanwhile", async () => {
    const repository: Partial<Repository> = { head: async () => aSha("9"), contains: async () => false };
    expect(await production(shipping, aWorld({ repository }))).toMatchObject({ kind: "move", to: "testing" });
    const raced: Partial<Repository> = { ...onMain, advance: async () => ({ kind: "moved", head: aSha("9") }) };
    expect(await production(shipping, aWorld({ repository: raced }))).toMatchObject({ kind: "move", to: "testing" });
  });

  it("leaves a person's version alone that was built on the candidate", async () => {
    const repository: Partial<Repository> = { head: async () => aSha("9"), contains: async () => true };
    const theirs: Platform["serving"] = async () => ({ kind: "serving", commit: aSha("9"), url: "u" });
    const left = await production(shipping, aWorld({ repository, platform: { serving: theirs } }));
    expect(left).toMatchObject({ kind: "move", to: "failed", because: expect.stringContaining("left alone") });
    // Theirs is pushed but does not serve: ours goes live meanwhile, and then it is watched.
    const ensureDeployed: Platform["ensureDeployed"] = async () => ({ kind: "ready", providerId: "r2", url: "u" });
    const watched = await production(shipping, aWorld({ repository, platform: { serving, ensureDeployed } }));
    expect(watched).toMatchObject({ kind: "move", to: "monitoring" });
  });

  it("ends with the remote's own words when the push is refused, and does not loop", async () => {
    const repository: Partial<Repository> = {
      ...onMain,
      advance: async () => ({ kind: "refused", why: "protected branch" }),
    };
    expect(await production(shipping, aWorld({ repository }))).toMatchObject({
      kind: "move",
      to: "failed",
      because: expect.stringContaining("protected branch"),
    });
  });

  it.each([
    ["fails", { kind: "failed" as const, why: "it crashed at start", log: "" }, now],
    ["never becomes ready", { kind: "pending" as const, providerId: "r2", lookAgainMs: 100 }, later(20 * minute + 1)],
  ])("takes the promotion back when the deployment %s", async (_, state, at) => {
    const platform: Partial<Platform> = { ensureDeployed: async () => state };
    const world = aWorld({ at, repository: { head: async () => candidateCommit }, platform });
    const issue = anIssueAt("deploying", { deployment: planned, fix: aTestedFix() });
    expect(await production(issue, world)).toMatchObject({ kind: "move", to: "rolling_back" });
  });
});
