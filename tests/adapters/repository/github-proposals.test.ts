import { describe, expect, it } from "vitest";
import type { Sha } from "#domain/ids.ts";
import { git, headOf } from "#tests/support/git.ts";
import { serverError } from "#tests/support/github/faults.ts";
import { everyPermission } from "#tests/support/github/server.ts";
import { atGithub, type Stage } from "./a-github-repository.ts";

const request = {
  branch: "agent/fix-1",
  into: "main",
  title: "Fix: a line",
  body: "Why",
  path: "/dashboard/agent/issues/1",
};

async function aFixBranch({ repository, world }: Stage): Promise<Sha> {
  const edits = [{ path: "fix.txt", content: "fixed\n" }];
  const at = new Date("2026-03-04T05:06:07Z");
  const { commit } = await repository.commit({ base: world.first, edits, message: "Fix\n", at });
  await repository.publish("agent/fix-1", commit);
  return commit;
}

describe("Pull requests at GitHub", () => {
  it("opens one, with a link to the dashboard, and finds it again", () =>
    atGithub(async (stage) => {
      const head = await aFixBranch(stage);
      const repository = stage.another({ dashboardUrl: "https://vigil.example" });
      expect(await repository.proposal("agent/fix-1", "main")).toBeUndefined();
      const first = await repository.propose(request);
      expect(first).toEqual({
        kind: "proposed",
        number: 1,
        url: "https://github.com/acme/clinic/pull/1",
        state: "open",
        head,
        landed: null,
        by: null,
      });
      expect(await stage.another().propose(request)).toEqual(first);
      expect(stage.github.pulls()).toMatchObject([
        { title: "Fix: a line", body: expect.stringContaining("https://vigil.example/dashboard/agent/issues/1") },
      ]);
    }));

  it.each(["after", "cut"] as const)("opens one although the answer was lost (%s)", (when) =>
    atGithub(async (stage) => {
      await aFixBranch(stage);
      stage.github.faults.push({ method: "POST", path: /\/pulls$/, when, answer: serverError });
      expect(await stage.repository.propose(request)).toMatchObject({ kind: "proposed", number: 1, state: "open" });
      expect(stage.github.pulls()).toHaveLength(1);
    }),
  );

  it.each(["merge", "squash", "rebase"] as const)("tells who merged it and as what (%s)", (method) =>
    atGithub(async (stage) => {
      const head = await aFixBranch(stage);
      await stage.repository.propose(request);
      const landed = await stage.github.merge(1, { by: "ada", method });
      const proposal = await stage.repository.proposal("agent/fix-1", "main");
      expect(proposal).toMatchObject({ state: "merged", landed, by: "ada", head });
      expect(await stage.repository.head("main")).toBe(landed);
    }),
  );

  it("sees commits of people on the branch, and does not open again what a person closed", () =>
    atGithub(async (stage) => {
      await aFixBranch(stage);
      await stage.repository.propose(request);
      const theirs = await stage.world.person.commit("agent/fix-1", { "more.txt": "more\n" });
      expect(await stage.repository.proposal("agent/fix-1", "main")).toMatchObject({ state: "open", head: theirs });
      stage.github.close(1);
      expect(await stage.repository.propose(request)).toMatchObject({ kind: "proposed", state: "closed", number: 1 });
      expect(stage.github.pulls()).toHaveLength(1);
    }));

  const ended = (ours: Sha[]) => ({
    branch: "agent/fix-1",
    into: "main",
    ours,
    comment: "Not pursued:\n\n```text\nno\n```",
  });

  it("closes one with the reason, once, and removes its branch, also when answers were lost", () =>
    atGithub(async (stage) => {
      const head = await aFixBranch(stage);
      await stage.repository.propose(request);
      stage.github.faults.push(
        { method: "POST", path: /\/comments$/, when: "cut" },
        { method: "PATCH", path: /\/pulls\/1$/, when: "after", answer: serverError },
        { method: "POST", path: /\/graphql$/, when: "cut" },
      );
      await expect(stage.repository.withdraw(ended([head]))).rejects.toMatchObject({ code: "unavailable" });
      for (let time = 0; time < 2; time++) {
        expect(await stage.another().withdraw(ended([head]))).toEqual({ kind: "withdrawn" });
      }
      expect(stage.github.pulls()).toMatchObject([{ state: "closed", mergedAt: null }]);
      expect(stage.github.pulls()[0]?.comments.map(({ body }) => body)).toEqual([ended([]).comment]);
      expect(await headOf(stage.world.remote, "agent/fix-1")).toBeUndefined();
    }));

  it("says nothing on one that a person closed or merged, and removes its branch", () =>
    atGithub(async (stage) => {
      const head = await aFixBranch(stage);
      await stage.repository.propose(request);
      stage.github.close(1);
      expect(await stage.repository.withdraw(ended([head]))).toEqual({ kind: "withdrawn" });
      expect(stage.github.pulls()[0]?.comments).toEqual([]);
      expect(await headOf(stage.world.remote, "agent/fix-1")).toBeUndefined();
    }));

  it("touches neither when a person committed to the branch, even at that very moment", () =>
    atGithub(async (stage) => {
      const head = await aFixBranch(stage);
      await stage.repository.propose(request);
      const theirs = await stage.world.person.commit("elsewhere", { "b.txt": "b\n" });
      const push = () => git(stage.world.remote, "update-ref", "refs/heads/agent/fix-1", theirs);
      stage.github.faults.push({ path: /\/graphql$/, meanwhile: push });
      expect(await stage.repository.withdraw(ended([head]))).toEqual({ kind: "theirs", head: theirs });
      expect(await headOf(stage.world.remote, "agent/fix-1")).toBe(theirs);
    }));

  it("closes one whose conversation a person locked, and leaves a branch that is protected", () =>
    atGithub(async (stage) => {
      const head = await aFixBranch(stage);
      await stage.repository.propose(request);
      for (const pull of stage.github.pulls()) pull.locked = true;
      stage.github.protect("agent/fix-1", "Nobody deletes branches here.");
      expect(await stage.repository.withdraw(ended([head]))).toEqual({
        kind: "refused",
        why: expect.stringContaining("Nobody deletes branches here."),
      });
      expect(stage.github.pulls()).toMatchObject([{ state: "closed", comments: [] }]);
    }));

  it("names the permission that is missing", () =>
    atGithub(async (stage) => {
      await aFixBranch(stage);
      const token = stage.github.issueToken({ permissions: { ...everyPermission, pull_requests: "read" } });
      const repository = stage.another({ credentials: { kind: "token", token } });
      await expect(repository.propose(request)).rejects.toMatchObject({
        code: "misconfigured",
        message: expect.stringContaining("pull_requests=write"),
      });
    }));
});
