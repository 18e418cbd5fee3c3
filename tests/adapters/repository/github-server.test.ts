import { Octokit } from "@octokit/rest";
import { createEmulator } from "emulate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGitWorld, type GitWorld } from "#tests/support/git.ts";
import { startGithub, type TestGithub } from "#tests/support/github/server.ts";

/** The test server is believed everywhere else; here it is compared with an independent one, where that one is right. */
describe("The GitHub test server", () => {
  let world: GitWorld;
  let github: TestGithub;
  let emulator: { url: string; close(): Promise<void> };

  beforeAll(async () => {
    world = await aGitWorld();
    github = await startGithub({ remote: world.remote });
    const seed = {
      tokens: { token: { login: "acme" } },
      github: { users: [{ login: "acme" }], repos: [{ owner: "acme", name: "clinic", auto_init: true }] },
    };
    emulator = await createEmulator({ service: "github", port: 0, seed });
  }, 60_000);
  afterAll(async () => {
    await emulator?.close();
    await github?.stop();
    await world?.dispose();
  });

  it("answers plain calls in the shape of another implementation", async () => {
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const ours = await plainCalls(new Octokit({ auth: github.token, baseUrl: github.url, log: quiet }));
    const theirs = await plainCalls(new Octokit({ auth: "token", baseUrl: emulator.url, log: quiet }));
    for (const [name, answer] of Object.entries(ours)) {
      const other = theirs[name];
      expect(answer.status, name).toBe(other?.status);
      // A field that both give is of the same type in both.
      expect(shapeOf(answer.data, other?.data), name).toEqual(shapeOf(other?.data, answer.data));
    }
    expect(github.unknown).toEqual([]);
  }, 60_000);

  it("gives Git's own ids to objects", async () => {
    const octokit = new Octokit({ auth: github.token, baseUrl: github.url });
    const repo = { owner: "acme", repo: "clinic" };
    const blob = await octokit.rest.git.createBlob({ ...repo, content: "hello\n" });
    expect(blob.data.sha).toBe("ce013625030ba8dba906f756967f9e9ca394464a");
  });
});

interface Answered {
  status: number;
  data: unknown;
}

/** Blob, tree, commit, ref, pull request: made and read back. */
async function plainCalls(octokit: Octokit): Promise<Record<string, Answered>> {
  const repo = { owner: "acme", repo: "clinic" };
  const { git, pulls } = octokit.rest;
  const answers: Record<string, Answered> = {};
  const keep = async <T extends Answered>(name: string, answer: Promise<T>): Promise<T> => {
    answers[name] = await answer;
    return answer;
  };
  const main = await keep("getRef", git.getRef({ ...repo, ref: "heads/main" }));
  const parent = main.data.object.sha;
  const parentCommit = await keep("getCommit", git.getCommit({ ...repo, commit_sha: parent }));
  const blob = await keep("createBlob", git.createBlob({ ...repo, content: "fixed\n" }));
  await keep("getBlob", git.getBlob({ ...repo, file_sha: blob.data.sha }));
  const entry = { path: "fix.txt", mode: "100644", type: "blob", sha: blob.data.sha } as const;
  const tree = await keep(
    "createTree",
    git.createTree({ ...repo, base_tree: parentCommit.data.tree.sha, tree: [entry] }),
  );
  await keep("getTree", git.getTree({ ...repo, tree_sha: tree.data.sha, recursive: "1" }));
  const who = { name: "Vigil", email: "vigil@localhost", date: "2026-03-04T05:06:07Z" };
  const made = { message: "Fix", tree: tree.data.sha, parents: [parent], author: who, committer: who };
  const commit = await keep("createCommit", git.createCommit({ ...repo, ...made }));
  await keep("createRef", git.createRef({ ...repo, ref: "refs/heads/agent/fix-1", sha: commit.data.sha }));
  const proposed = { title: "Fix", head: "agent/fix-1", base: "main", body: "Why" };
  const pull = await keep("createPull", pulls.create({ ...repo, ...proposed }));
  await keep("getPull", pulls.get({ ...repo, pull_number: pull.data.number }));
  await keep("compare", octokit.rest.repos.compareCommitsWithBasehead({ ...repo, basehead: "main...agent/fix-1" }));
  return answers;
}

/** The types of the fields that both sides have; what may be null on one side says nothing. */
function shapeOf(value: unknown, other: unknown): unknown {
  if (value === null || other === null || value === undefined || other === undefined) return "any";
  if (Array.isArray(value)) return Array.isArray(other) ? [shapeOf(value[0], other[0])] : "array";
  if (typeof value !== "object") return typeof value;
  if (typeof other !== "object") return "object";
  const fields = value as Record<string, unknown>;
  const others = other as Record<string, unknown>;
  const names = Object.keys(fields).filter((name) => name in others);
  return Object.fromEntries(names.sort().map((name) => [name, shapeOf(fields[name], others[name])]));
}
