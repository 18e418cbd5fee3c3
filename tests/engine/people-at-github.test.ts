import { describe, expect, it } from "vitest";
import type { Sha } from "#domain/ids.ts";
import type { IssueAt } from "#domain/issue.ts";
import type { Outcome } from "#domain/outcome.ts";
import { reconcileMain } from "#engine/reconcile.ts";
import { tests } from "#pipeline/4-tests.ts";
import { approval } from "#pipeline/6-approval.ts";
import { openPullRequest } from "#pipeline/pull-request.ts";
import type { World } from "#pipeline/stage.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { atGithub, type Stage } from "#tests/adapters/repository/a-github-repository.ts";
import { anIssueAt, aTestedFix, aWrittenFix, digest, now } from "#tests/support/builders.ts";
import { databases } from "#tests/support/databases.ts";
import { headOf } from "#tests/support/git.ts";
import { aWorld } from "#tests/support/world.ts";
import { anEngine, auditOf } from "./an-engine.ts";

const branch = "agent/fix-22222222";
const found = { evidence: ["Staging: healthy"], reasons: [] };

/** The question about a fix whose candidate is at GitHub, shown as pull request 1. */
async function aQuestion({ repository, world }: Stage): Promise<{ issue: IssueAt<"awaiting_approval">; world: World }> {
  const edits = [{ path: "fix.txt", content: "fixed\n" }];
  const fix = await repository.commit({ base: world.first, edits, message: "Fix\n", at: now });
  await repository.publish(branch, fix.commit);
  const merged = await repository.compose({ base: world.first, fix: fix.commit, message: "Merge\n", at: now });
  if (merged.kind !== "composed") throw new Error("there is no conflict");
  const candidate = { commit: merged.commit, tree: merged.tree, base: world.first, diffHash: digest("the diff") };
  const tested = aTestedFix({ branch, base: world.first, commit: fix.commit, files: ["fix.txt"], candidate });
  const about = aWorld({ repository, platform: { serving: async () => ({ kind: "unknown", why: "not asked" }) } });
  const shown = await openPullRequest(anIssueAt("awaiting_approval", { fix: tested }), found, about);
  const pullRequest = shown.evidence.find((item) => item.kind === "pull_request")?.pullRequest;
  if (pullRequest === undefined) throw new Error("there is no pull request");
  const issue = anIssueAt("awaiting_approval", { fix: { ...tested, pullRequest } });
  return { issue: { ...issue, approval: { ...issue.approval, candidate } }, world: about };
}

const at = (outcome: Outcome) => (outcome.kind === "move" ? [outcome.to, outcome.because] : ["waits", outcome.because]);

describe("What people do at GitHub while a fix waits", { timeout: 240_000 }, () => {
  it("nothing: it waits, and its pull request shows the candidate", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      expect(at(await approval(issue, world))).toEqual(["waits", "waiting for a person"]);
      expect(await headOf(stage.world.remote, branch)).toBe(issue.fix.candidate.commit);
    }));

  it("they edit the pull request: their words stay, and it is the same one", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      const [pull] = stage.github.pulls();
      Object.assign(pull ?? {}, { title: "My title", body: "My words", draft: true });
      expect(at(await approval(issue, world))[0]).toBe("waits");
      const again = await openPullRequest({ ...issue, fix: { ...issue.fix, pullRequest: null } }, found, world);
      expect(again.standing).toEqual({ kind: "ours" });
      expect(stage.github.pulls()).toMatchObject([{ number: 1, title: "My title", body: "My words" }]);
    }));

  it("they point it at another branch: merging it there is no answer", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      const [pull] = stage.github.pulls();
      Object.assign(pull ?? {}, { base: "staging" });
      await stage.github.merge(1);
      expect(at(await approval(issue, world))).toEqual(["waits", "waiting for a person"]);
      expect(await headOf(stage.world.remote, "main")).toBe(stage.world.first);
    }));

  it("they close it: that is a no", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      stage.github.close(1, "ada");
      expect(at(await approval(issue, world))).toEqual([
        "rejected",
        "a person closed pull request 1 without merging it",
      ]);
    }));

  it("they commit to its branch: it is theirs, and stays as they left it", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      const theirs = await stage.world.person.commit(branch, { "mine.txt": "mine\n" });
      expect(at(await approval(issue, world))).toEqual(["rejected", expect.stringContaining("theirs now")]);
      await openPullRequest(issue, found, world);
      expect(await headOf(stage.world.remote, branch)).toBe(theirs);
      // Merged with what they added, it is not what was tested.
      await stage.github.merge(1, { method: "squash" });
      expect(at(await approval(issue, world))).toEqual(["failed", expect.stringContaining("with other changes")]);
    }));

  it("they delete its branch: GitHub closes the pull request, and that is a no", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      await stage.world.person.git("push", "--quiet", "origin", `:refs/heads/${branch}`);
      expect(at(await approval(issue, world))[0]).toBe("rejected");
    }));

  it("they rewrite main: the candidate is built on what main is now, and nothing of theirs is undone", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      const { person } = stage.world;
      await person.git("checkout", "--quiet", "-B", "main", "origin/main");
      await person.git("commit", "--quiet", "--amend", "-m", "Rewritten");
      await person.git("push", "--quiet", "--force", "origin", "main");
      const rewritten = await headOf(stage.world.remote, "main");
      expect(at(await approval(issue, world))).toEqual([
        "testing",
        "main moved: the fix is built, tested and asked about again",
      ]);
      const testing = anIssueAt("testing", { fix: aWrittenFix({ ...issue.fix }) });
      await expect(tests(testing, world)).rejects.toMatchObject({
        code: "conflict",
        message: "The fix and the branch it is for share no history any more.",
      });
      expect(await headOf(stage.world.remote, "main")).toBe(rewritten);
    }));

  it("they revoke the token or rename the repository: what to change is named", () =>
    atGithub(async (stage) => {
      const { issue, world } = await aQuestion(stage);
      stage.github.state.existence = { kind: "renamed", to: { owner: "acme", name: "practice" } };
      await expect(approval(issue, world)).rejects.toMatchObject({
        code: "misconfigured",
        hint: "Set AGENT_REPOSITORY to github:acme/practice.",
      });
      stage.github.state.existence = { kind: "here" };
      stage.github.revokeToken(stage.github.token);
      await expect(approval(issue, world)).rejects.toMatchObject({
        code: "misconfigured",
        message: "GitHub does not accept GITHUB_TOKEN.",
      });
    }));
});

describe.each(databases())("main at GitHub on $name", { timeout: 240_000 }, ({ open }) => {
  it("is reported once when it was rewritten behind our back, and not when people build on it", () =>
    atGithub(async ({ repository, world }) => {
      const connection = await open();
      const engine = await anEngine(connection, { ports: { repository } });
      try {
        const ours = await world.person.commit("main", { "fix.txt": "fixed\n" });
        await moved(ours);
        await world.person.commit("main", { "more.txt": "more\n" });
        await reconcileMain(engine);
        expect(await rewritten()).toEqual([]);
        await world.person.git("push", "--quiet", "--force", "origin", `${world.first}:refs/heads/main`);
        for (let time = 0; time < 3; time++) await reconcileMain(engine);
        expect(await rewritten()).toEqual(["branch.rewritten main done"]);
        expect(await repository.head("main")).toBe(world.first);
      } finally {
        await engine.queue.stop();
        await connection.close();
      }
      function moved(to: Sha) {
        const done = action({ actor: "agent", action: "repository.advance", subject: "main", detail: { to } });
        return connection.db.transaction((tx) => appendActions(tx, [{ ...done, issueId: null }]));
      }
      async function rewritten() {
        return (await auditOf(connection)).filter((line) => line.startsWith("branch."));
      }
    }));
});
