import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import type { PullRequest } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import { tests } from "#pipeline/4-tests.ts";
import { approval } from "#pipeline/6-approval.ts";
import { production } from "#pipeline/7-production.ts";
import { openPullRequest } from "#pipeline/pull-request.ts";
import type { World } from "#pipeline/stage.ts";
import { policyHash } from "#policy/autonomy.ts";
import type { Proposal, Repository } from "#ports/repository.ts";
import {
  aDeployment,
  anApproval,
  anIssueAt,
  aSha,
  aTestedFix,
  aWrittenFix,
  base,
  candidateCommit,
  digest,
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
const open: Proposal = { number: 7, url, state: "open", head: candidateCommit, landed: null, by: null };
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

const pullRequest = { url, number: 7, head: candidateCommit, mergeAskedAt: null };
const withPull = (change: Partial<PullRequest> = {}) => aTestedFix({ pullRequest: { ...pullRequest, ...change } });
const waiting = anIssueAt("awaiting_approval", { fix: withPull() });
const asked = anIssueAt("awaiting_approval", { fix: withPull({ mergeAskedAt: now }) });
const planned = aDeployment({ environment: "production", state: "pending", watchFrom: null, watchUntil: null });
const shipping = anIssueAt("deploying", { fix: withPull(), deployment: planned });

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
  const because = `main is protected (only pull requests): a person has to merge ${url}`;

  it("asks a person to merge instead, which is a question like any other", async () => {
    const issue = anIssueAt("deploying", { deployment: planned });
    const outcome = await production(issue, worldWith(open, { advance: refused, propose }));
    expect(outcome).toMatchObject({
      kind: "move",
      to: "awaiting_approval",
      because,
      evidence: [
        { kind: "deployment", deployment: { state: "failed" } },
        { kind: "pull_request", pullRequest: { url, number: 7, head: candidateCommit, mergeAskedAt: now } },
        { kind: "approval_requested", approval: { reasons: [because], expiresAt: later(24 * hour) } },
      ],
    });
  });

  it("carries no approval over to that question", async () => {
    const issue = anIssueAt("deploying", { fix: withPull(), deployment: planned, approval: anApproval() });
    const outcome = await production(issue, worldWith(open, { advance: refused }));
    expect(outcome).toMatchObject({
      to: "awaiting_approval",
      evidence: [{ kind: "approval_ended", state: "void" }, {}, { kind: "pull_request" }, {}],
    });
  });

  it("fails where there is no such thing as a pull request", async () => {
    const issue = anIssueAt("deploying", { deployment: planned });
    const world = worldWith(open, { advance: refused });
    expect(await production(issue, world)).toMatchObject({ kind: "move", to: "failed" });
  });

  it("goes on with what a person merged", async () => {
    expect(await approval(asked, worldWith(merged, { head: async () => landed }))).toMatchObject({
      kind: "move",
      to: "deploying",
      evidence: [{ kind: "approval_ended" }, { kind: "landed", commit: landed }, { kind: "deployment" }],
    });
  });

  it("goes on with the very commit when a person pushed it", async () => {
    expect(await approval(asked, worldWith(open, { head: async () => candidateCommit }))).toMatchObject({
      kind: "move",
      to: "deploying",
      evidence: [{ kind: "approval_ended" }, { kind: "landed", commit: candidateCommit }, { kind: "deployment" }],
    });
  });

  it("ends when a person closes it, and when nobody merges in time", async () => {
    expect(await approval(asked, worldWith(closed))).toMatchObject({ kind: "move", to: "rejected" });
    expect(await approval(asked, worldWith(open, {}, asked.approval.expiresAt))).toMatchObject({
      kind: "move",
      to: "failed",
      because: "nobody merged pull request 7 before the question expired",
    });
  });

  it("builds the candidate anew when main moved while it waited, and asks for that one afterwards", async () => {
    const world = worldWith(open, { head: async () => aSha("9"), contains: async () => false });
    expect(await approval(asked, world)).toMatchObject({
      kind: "move",
      to: "testing",
      evidence: [
        { kind: "approval_ended", state: "void" },
        { kind: "pull_request", pullRequest: { mergeAskedAt: null } },
      ],
    });
  });

  it("looks again where GitHub is away, and gives up for nothing but what will not pass", async () => {
    const failing = (failure: Failure): Partial<Repository> => ({
      proposal: async () => {
        throw failure;
      },
    });
    const away = worldWith(open, failing(new Failure("unavailable", "GitHub answered 502.")));
    expect(await approval(asked, away)).toMatchObject({
      kind: "wait",
      until: later(minute),
      because: expect.stringContaining("GitHub answered 502."),
    });
    const wrong = worldWith(open, failing(new Failure("misconfigured", "GitHub does not accept GITHUB_TOKEN.")));
    await expect(approval(asked, wrong)).rejects.toMatchObject({ code: "misconfigured" });
  });

  it("prepares the release again when a person approves it after all", async () => {
    const issue = anIssueAt("deploying", {
      fix: withPull({ mergeAskedAt: now }),
      approval: anApproval({ policyHash: policyHash(worldWith(open).settings, digest) }),
      deployment: { ...planned, state: "failed" },
    });
    expect(await production(issue, worldWith(open))).toMatchObject({
      kind: "wait",
      evidence: [{ kind: "deployment", deployment: { state: "pending", startedAt: now, previousCommit } }],
    });
  });

  it("takes a merge that it made itself for its own", async () => {
    const own: Proposal = { ...merged, landed: candidateCommit };
    const world = worldWith(own, { head: async () => aSha("9"), contains: async () => true });
    expect(
      await production(shipping, { ...world, platform: { ...world.platform, ensureDeployed: ready } }),
    ).toMatchObject({
      kind: "move",
      to: "monitoring",
    });
  });
});

describe("the branch of a pull request", () => {
  const shown = (issue: Parameters<typeof openPullRequest>[0], world: World) =>
    openPullRequest(issue, { evidence: [], reasons: [] }, world);
  const found = (head: Sha): Partial<Repository> => {
    const proposal = { ...open, head };
    return { propose: async () => ({ kind: "proposed", ...proposal }), proposal: async () => proposal };
  };
  const [older, theirs] = [aSha("5"), aSha("6")];

  it("holds the candidate: what people see and merge is what was tested", async () => {
    const moves: unknown[] = [];
    const advance: Repository["advance"] = async (branch, move) => {
      moves.push([branch, move]);
      return { kind: "advanced" };
    };
    const issue = anIssueAt("awaiting_approval");
    expect(await shown(issue, aWorld({ repository: { ...found(fixCommit), advance } }))).toEqual({
      evidence: [{ kind: "pull_request", pullRequest }],
      standing: { kind: "ours" },
    });
    expect(moves).toEqual([[issue.fix.branch, { from: fixCommit, to: candidateCommit }]]);
  });

  it("is found to hold it already: nothing is moved or noted twice", async () => {
    expect(await shown(waiting, aWorld({ repository: found(candidateCommit) }))).toEqual({
      evidence: [],
      standing: { kind: "ours" },
    });
  });

  it("gets a candidate that was built anew in place of the one before", async () => {
    const issue = anIssueAt("awaiting_approval", { fix: withPull({ head: older }) });
    const world = aWorld({
      repository: {
        ...found(older),
        advance: async () => ({ kind: "not_forward" }),
        replace: async () => ({ kind: "replaced", archivedAs: null }),
      },
    });
    expect(await shown(issue, world)).toMatchObject({ evidence: [{ pullRequest: { head: candidateCommit } }] });
  });

  it("is ours as well where a process was killed after it had put an earlier candidate there", async () => {
    const placedOn = async () => [older];
    const world = aWorld({
      repository: { ...found(older), advance: async () => ({ kind: "advanced" }) },
      read: { placedOn },
    });
    expect(await shown(anIssueAt("awaiting_approval", { fix: withPull({ head: fixCommit }) }), world)).toMatchObject({
      evidence: [{ pullRequest: { head: candidateCommit } }],
      standing: { kind: "ours" },
    });
  });

  it("is left alone where a person committed to it, or where nobody may move it", async () => {
    expect(await shown(waiting, aWorld({ repository: found(theirs) }))).toMatchObject({
      evidence: [],
      standing: { kind: "ended", because: expect.stringContaining("theirs now") },
    });
    const refused: Repository["advance"] = async () => ({ kind: "refused", why: "protected" });
    expect(
      await shown(anIssueAt("awaiting_approval"), aWorld({ repository: { ...found(fixCommit), advance: refused } })),
    ).toMatchObject({ evidence: [{ pullRequest: { head: fixCommit } }], standing: { kind: "ours" } });
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
