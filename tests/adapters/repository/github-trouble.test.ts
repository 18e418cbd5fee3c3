import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import { git, headOf } from "#tests/support/git.ts";
import { type Fault, primaryLimit, secondaryLimit, serverError } from "#tests/support/github/faults.ts";
import { everyPermission } from "#tests/support/github/server.ts";
import { atGithub } from "./a-github-repository.ts";

const at = new Date("2026-03-04T05:06:07Z");
const edits = [{ path: "fix.txt", content: "fixed\n" }];

/** A fix and its merge, as the pipeline makes them. */
async function candidateOf(repository: Repository, base: Sha) {
  const fix = await repository.commit({ base, edits, message: "Fix\n", at });
  const merged = await repository.compose({ base, fix: fix.commit, message: "Merge\n", at });
  if (merged.kind !== "composed") throw new Error("there is no conflict");
  return { fix: fix.commit, commit: merged.commit };
}

describe("GitHub says no", () => {
  it("names the variable when the token is wrong or expired, and never shows the token", () =>
    atGithub(async ({ github, another }) => {
      const expired = github.issueToken({ expiresAt: new Date(0) });
      for (const token of ["github_pat_wrong", expired]) {
        const failure = await another({ credentials: { kind: "token", token } })
          .head("main")
          .catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "misconfigured", message: "GitHub does not accept GITHUB_TOKEN." });
        expect(JSON.stringify(failure)).not.toContain(token);
      }
    }));

  it("names the permission that is missing", () =>
    atGithub(async ({ world, github, another }) => {
      for (const kind of ["installation", "personal"] as const) {
        const token = github.issueToken({ kind, permissions: { ...everyPermission, contents: "read" } });
        const repository = another({ credentials: { kind: "token", token } });
        expect(await repository.head("main")).toBe(world.first);
        await expect(repository.commit({ base: world.first, edits, message: "Fix\n", at })).rejects.toMatchObject({
          code: "misconfigured",
          message: expect.stringContaining("contents=write"),
        });
        const move = { from: world.first, to: await world.person.commit("other", { "a.txt": "a\n" }) };
        await expect(repository.advance("main", move)).rejects.toMatchObject({ code: "misconfigured" });
      }
      expect(await headOf(world.remote, "main")).toBe(world.first);
    }));

  it("says that the repository was renamed, and to what; nothing is written through a redirect", () =>
    atGithub(async ({ world, github, repository }) => {
      await repository.head("main");
      github.state.existence = { kind: "renamed", to: { owner: "acme", name: "practice" } };
      const renamed = {
        code: "misconfigured",
        message: "The repository acme/clinic was renamed or moved. It is acme/practice now.",
        hint: "Set AGENT_REPOSITORY to github:acme/practice.",
      };
      await expect(repository.head("main")).rejects.toMatchObject(renamed);
      await expect(repository.commit({ base: world.first, edits, message: "Fix\n", at })).rejects.toMatchObject(
        renamed,
      );
    }));

  it("says that the repository is gone, and does not take it for a branch that is not there", () =>
    atGithub(async ({ world, github, repository }) => {
      github.state.existence = { kind: "deleted" };
      for (const act of [
        () => repository.head("main"),
        () => repository.snapshot(world.first),
        () => repository.contains(world.first, world.first),
      ]) {
        await expect(act()).rejects.toMatchObject({
          code: "misconfigured",
          message: expect.stringContaining("acme/clinic"),
        });
      }
    }));

  it("comes back later at a limit, and says when", () =>
    atGithub(async ({ github, repository }) => {
      const reset = new Date(Date.now() + 1_800_000);
      github.faults.push({ path: /\/git\/ref\//, answer: primaryLimit(reset) });
      const time = new Date(Math.ceil(reset.getTime() / 1_000) * 1_000).toISOString().slice(0, 19).replace("T", " ");
      await expect(repository.head("main")).rejects.toMatchObject({
        code: "unavailable",
        message: `GitHub's limit is reached until ${time} UTC.`,
      });
      for (const status of [403, 429] as const) {
        github.faults.push({ path: /\/git\/ref\//, answer: secondaryLimit(600, status) });
        await expect(repository.head("main")).rejects.toMatchObject({
          code: "unavailable",
          message: expect.stringContaining("limit is reached until"),
        });
      }
      expect(await repository.head("main")).toBeDefined();
    }));

  it("waits out a short limit by itself", () =>
    atGithub(async ({ world, github, repository }) => {
      github.faults.push({ path: /\/git\/ref\//, answer: secondaryLimit(1) });
      expect(await repository.head("main")).toBe(world.first);
    }));

  it("reports what a protected branch says, in its own words, and moves nothing", () =>
    atGithub(async ({ world, github, repository }) => {
      const { commit } = await candidateOf(repository, world.first);
      github.protect("main", "Changes must be made through a pull request.");
      github.protect("agent/fix-1", "Only people may create branches.");
      for (let time = 0; time < 2; time++) {
        expect(await repository.advance("main", { from: world.first, to: commit })).toEqual({
          kind: "refused",
          why: "Repository rule violations found Changes must be made through a pull request.",
        });
      }
      expect(github.calls.filter((call) => call === "POST /graphql")).toHaveLength(2);
      await expect(repository.publish("agent/fix-1", commit)).rejects.toMatchObject({ code: "misconfigured" });
      expect(await headOf(world.remote, "main")).toBe(world.first);
    }));
});

describe("GitHub breaks", () => {
  it("tries again after a server error, and gives up with a reason", () =>
    atGithub(async ({ world, github, repository }) => {
      github.faults.push({ path: /\/git\/ref\//, answer: serverError, times: 2 });
      expect(await repository.head("main")).toBe(world.first);
      github.faults.push({ path: /\/git\/ref\//, answer: serverError, times: 9 });
      await expect(repository.head("main")).rejects.toMatchObject({
        code: "unavailable",
        message: "GitHub answered 502.",
      });
    }));

  it("does not wait for an answer that never comes", () =>
    atGithub(async ({ github, another }) => {
      github.faults.push({ path: /\/git\/ref\//, when: "hang", times: 9 });
      await expect(another({ timeoutMs: 200 }).head("main")).rejects.toMatchObject({ code: "unavailable" });
    }));

  const writes: { name: string; fault: Pick<Fault, "method" | "path"> }[] = [
    { name: "a tree", fault: { method: "POST", path: /\/git\/trees$/ } },
    { name: "a commit", fault: { method: "POST", path: /\/git\/commits$/ } },
    { name: "a branch", fault: { method: "POST", path: /\/git\/refs$/ } },
    { name: "a move of a branch", fault: { method: "POST", path: /\/graphql$/ } },
  ];
  for (const { name, fault } of writes) {
    for (const when of ["after", "cut"] as const) {
      it(`makes ${name} once although its answer was lost (${when})`, () =>
        atGithub(async ({ world, github, repository, another }) => {
          const undisturbed = await candidateOf(another(), world.first);
          github.faults.push({ ...fault, when, answer: serverError, times: 1 });
          const made = await candidateOf(repository, world.first);
          expect(made).toEqual(undisturbed);
          expect(await repository.publish("agent/fix-1", made.fix)).toBe("published");
          expect(await repository.advance("main", { from: world.first, to: made.commit })).toEqual({
            kind: "advanced",
          });
          expect(github.faults.map(({ times }) => times)).toEqual([0]);
          expect(await headOf(world.remote, "main")).toBe(made.commit);
          expect(await headOf(world.remote, "agent/fix-1")).toBe(made.fix);
        }));
    }
  }

  it("finds the work done when the process before it died after the effect", () =>
    atGithub(async ({ world, github, repository, another }) => {
      const { fix, commit } = await candidateOf(repository, world.first);
      github.faults.push({ path: /\/graphql$|\/git\/refs$/, method: "POST", when: "cut", times: 99 });
      await expect(repository.advance("main", { from: world.first, to: commit })).rejects.toMatchObject({
        code: "unavailable",
      });
      // The branch is there and the answer was lost each time: what is asked afterwards tells.
      await repository.publish("agent/fix-1", fix).catch(() => undefined);
      github.faults.length = 0;
      const next = another();
      expect(await next.advance("main", { from: world.first, to: commit })).toEqual({ kind: "advanced" });
      expect(await next.publish("agent/fix-1", fix)).toBe("published");
    }));

  it("does not believe a yes that moved nothing", () =>
    atGithub(async ({ world, github, repository }) => {
      const { commit } = await candidateOf(repository, world.first);
      await repository.advance("other", { from: world.first, to: commit });
      const yes = { status: 200, body: { data: { updateRefs: { clientMutationId: null } } } };
      github.faults.push({ path: /\/graphql$/, answer: yes });
      expect(await repository.advance("main", { from: world.first, to: commit })).toEqual({
        kind: "refused",
        why: "the remote accepted the push, but main does not show it",
      });
    }));

  it("does not overwrite a commit that a person pushes while staging is being replaced", () =>
    atGithub(async ({ world, github, repository }) => {
      const { commit } = await candidateOf(repository, world.first);
      const seen = await world.person.commit("staging", { "a.txt": "a\n" });
      const later = await world.person.commit("elsewhere", { "b.txt": "b\n" });
      // Between our look and our move: the compare-and-set must fail.
      github.faults.push({
        path: /\/graphql$/,
        meanwhile: () => git(world.remote, "update-ref", "refs/heads/staging", later),
      });
      const answer = await repository.replace("staging", { from: seen, to: commit });
      expect(answer).toEqual({ kind: "moved", head: later });
      expect(await headOf(world.remote, "staging")).toBe(later);
    }));
});

describe("A GitHub App", () => {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicKey = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  const app = { appId: "123", publicKey, permissions: everyPermission, installed: true };

  it("finds its installation by the repository and works with its token", () =>
    atGithub(
      async ({ world, github, another }) => {
        const repository = another({ credentials: { kind: "app", appId: "123", privateKey } });
        expect(await repository.head("main")).toBe(world.first);
        await candidateOf(repository, world.first);
        expect(github.calls.filter((call) => call.endsWith("/access_tokens"))).toHaveLength(1);
      },
      { app },
    ));

  it("says when it is not installed, has another key, or none that can be used", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
    const keysTried = [
      { key: privateKey, installed: false },
      { key: other.export({ type: "pkcs8", format: "pem" }).toString(), installed: true },
      { key: "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", installed: true },
    ];
    for (const { key, installed } of keysTried) {
      await atGithub(
        async ({ another }) => {
          const repository = another({ credentials: { kind: "app", appId: "123", privateKey: key } });
          const failure = await repository.head("main").catch((error: unknown) => error);
          expect(failure).toMatchObject({
            code: "misconfigured",
            message: expect.stringMatching(/not installed on acme\/clinic|GITHUB_APP_PRIVATE_KEY/),
          });
        },
        { app: { ...app, installed } },
      );
    }
  });
});
