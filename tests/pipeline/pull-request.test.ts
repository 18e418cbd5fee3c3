import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { tests } from "#pipeline/4-tests.ts";
import { approval } from "#pipeline/6-approval.ts";
import { production } from "#pipeline/7-production.ts";
import { openPullRequest } from "#pipeline/pull-request.ts";
import type { Proposal, Repository } from "#ports/repository.ts";
import {
  aDeployment,
  anIssueAt,
  aSha,
  aTestedFix,
  aWrittenFix,
  base,
  candidateCommit,
  fixCommit,
  later,
  minute,
  now,
  previousCommit,
} from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

const url = "https://github.com/acme/clinic/pull/7";
const landed = aSha("7");
const hour = 60 * minute;
const open: Proposal = { number: 7, url, state: "open", head: fixCommit, landed: null, by: null };
const merged: Proposal = { ...open, state: "merged", landed, by: "ada" };
const closed: Proposal = { ...open, state: "closed", by: "ada" };
const same: Repository["changes"] = async () => ({ files: [], diff: "" });
const different: Repository["changes"] = async () => ({
  files: [
    { path: "a", change: "added", oldMode: "000000", newMode: "100644", binary: false, addedLines: 1, removedLines: 0 },
  ],
  diff: "+",
});
const serving = async () => ({ kind: "serving" as const, commit: previousCommit, url: "u" });

function worldWith(proposal: Proposal, repository: Partial<Repository> = {}, at = now) {
  const asked: Partial<Repository> = { head: async () => base, proposal: async () => proposal, changes: same };
  return aWorld({ at, repository: { ...asked, ...repository }, platform: { serving } });
}

const withPull = (mergeAskedAt: Date | null = null) => aTestedFix({ pullRequest: { url, number: 7, mergeAskedAt } });
const waiting = anIssueAt("awaiting_approval", { fix: withPull() });
const planned = aDeployment({ environment: "production", state: "pending", watchFrom: null, watchUntil: null });
const shipping = (mergeAskedAt: Date | null) =>
  anIssueAt("deploying", { fix: withPull(mergeAskedAt), deployment: planned });

describe("while a person thinks", () => {
  it("takes closing the pull request for a no", async () => {
    expect(await approval(waiting, worldWith(closed))).toMatchObject({
      kind: "move",
      to: "rejected",
      because: "ada closed pull request 7 without merging it",
    });
  });

  it("leaves the branch to whoever committed to it", async () => {
    const outcome = await approval(waiting, worldWith({ ...open, head: aSha("8") }));
    expect(outcome).toMatchObject({ kind: "move", to: "rejected", because: expect.stringContaining("theirs now") });
  });

  it("takes merging for a yes where what landed is what was tested, and goes on to watch it", async () => {
    const outcome = await approval(waiting, worldWith(merged, { head: async () => landed }));
    expect(outcome).toMatchObject({
      kind: "move",
      to: "deploying",
      evidence: [
        { kind: "approval_ended" },
        { kind: "landed", commit: landed, by: "ada", previousCommit },
        { kind: "deployment", deployment: { commit: landed, previousCommit, startedAt: now } },
      ],
    });
  });

  it("judges nothing that was merged together with other changes", async () => {
    const outcome = await approval(waiting, worldWith(merged, { changes: different }));
    expect(outcome).toMatchObject({ kind: "move", to: "failed", because: expect.stringContaining("left alone") });
  });
});

describe("where main is protected", () => {
  const refused: Repository["advance"] = async () => ({ kind: "refused", why: "only pull requests" });
  const propose: Repository["propose"] = async () => ({ kind: "proposed", ...open });

  it("asks a person to merge instead, and pushes no second time", async () => {
    const issue = anIssueAt("deploying", { deployment: planned });
    const outcome = await production(issue, worldWith(open, { advance: refused, propose }));
    expect(outcome).toMatchObject({
      kind: "wait",
      because: `main is protected (only pull requests): a person has to merge ${url}`,
      evidence: [{ kind: "pull_request", pullRequest: { url, number: 7, mergeAskedAt: now } }],
    });
    // `advance` is not there any more: a second push would be an unexpected call.
    expect(await production(shipping(now), worldWith(open))).toMatchObject({ kind: "wait", until: later(minute) });
  });

  it("fails where there is no such thing as a pull request", async () => {
    const issue = anIssueAt("deploying", { deployment: planned });
    const world = worldWith(open, { advance: refused });
    expect(await production(issue, world)).toMatchObject({ kind: "move", to: "failed" });
  });

  it("goes on with what a person merged", async () => {
    const world = worldWith(merged, { head: async () => landed, contains: async () => false });
    expect(await production(shipping(now), world)).toMatchObject({
      kind: "wait",
      until: now,
      evidence: [
        { kind: "landed", commit: landed },
        { kind: "deployment", deployment: { commit: landed } },
      ],
    });
  });

  it("ends when a person closes it, and when nobody merges in time", async () => {
    expect(await production(shipping(now), worldWith(closed))).toMatchObject({ kind: "move", to: "rejected" });
    const late = worldWith(open, {}, later(24 * hour));
    expect(await production(shipping(now), late)).toMatchObject({
      kind: "move",
      to: "failed",
      because: "nobody merged pull request 7 before the question expired",
    });
  });

  it("builds the candidate anew when main moved while it waited", async () => {
    const world = worldWith(open, { head: async () => aSha("9"), contains: async () => false });
    expect(await production(shipping(now), world)).toMatchObject({ kind: "move", to: "testing" });
  });

  it("takes a merge that it made itself for its own", async () => {
    const own: Proposal = { ...merged, landed: candidateCommit };
    const world = worldWith(own, { head: async () => aSha("9"), contains: async () => true });
    expect(
      await production(shipping(null), { ...world, platform: { ...world.platform, ensureDeployed: ready } }),
    ).toMatchObject({
      kind: "move",
      to: "monitoring",
    });
  });
});

const ready = async () => ({ kind: "ready" as const, providerId: "r", url: "u" });

describe("a pull request that cannot be opened", () => {
  const issue = anIssueAt("awaiting_approval");

  it("keeps no fix from shipping, and is noted", async () => {
    const propose: Repository["propose"] = async () => {
      throw new Failure("misconfigured", "GITHUB_TOKEN may not do this.");
    };
    const opened = await openPullRequest(issue, { evidence: [], reasons: [] }, aWorld({ repository: { propose } }));
    expect(opened).toEqual({
      evidence: [{ kind: "note", text: "No pull request: GITHUB_TOKEN may not do this." }],
      standing: { kind: "ours" },
    });
  });

  it("is tried again where GitHub is away", async () => {
    const propose: Repository["propose"] = async () => {
      throw new Failure("unavailable", "GitHub answered 502.");
    };
    const opening = openPullRequest(issue, { evidence: [], reasons: [] }, aWorld({ repository: { propose } }));
    await expect(opening).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a change that main holds already", () => {
  it("is neither tested nor shipped again", async () => {
    const repository: Partial<Repository> = {
      head: async () => base,
      compose: async () => ({ kind: "composed", commit: candidateCommit, tree: aSha("e") }),
      changes: same,
    };
    const issue = anIssueAt("testing", { fix: aWrittenFix() });
    expect(await tests(issue, aWorld({ repository }))).toMatchObject({ kind: "move", to: "failed" });
  });
});
