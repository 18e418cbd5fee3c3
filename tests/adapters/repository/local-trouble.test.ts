import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLocalRepository } from "#adapters/repository/local.ts";
import { Sha } from "#domain/ids.ts";
import type { GitWorld } from "#tests/support/git.ts";
import { aGitWorld, git, headOf } from "#tests/support/git.ts";
import { aSilentServer } from "#tests/support/git-server.ts";

const at = new Date("2026-03-04T05:06:07Z");
const root = new URL("../../../", import.meta.url);
let world: GitWorld;
let directory: string;

beforeEach(async () => {
  world = await aGitWorld({ "a.txt": "one\n" });
  directory = join(world.folder, "mirror.git");
});
afterEach(() => world.dispose());

const repositoryAt = (remote: string) => createLocalRepository({ remote, directory });

async function aCandidate(repository = repositoryAt(world.remote), base = world.first) {
  const edits = [{ path: "a.txt", content: "two\n" }];
  const fix = await repository.commit({ base, edits, message: "Fix\n", at });
  const merged = await repository.compose({ base, fix: fix.commit, message: "Merge\n", at });
  if (merged.kind === "conflict") throw new Error("there is no conflict");
  return merged.commit;
}

describe("a remote in an odd state (C10)", () => {
  it("that is empty has no branches and takes a first one", async () => {
    const empty = join(world.folder, "empty.git");
    await git(world.folder, "init", "--quiet", "--bare", empty);
    const repository = repositoryAt(empty);
    expect(await repository.head("main")).toBeUndefined();
    await expect(repository.snapshot(world.first)).rejects.toMatchObject({ code: "not_found" });
  });

  it("that vanished is a failure which says what to do, and works again when it is back", async () => {
    const repository = repositoryAt(world.remote);
    expect(await repository.head("main")).toBe(world.first);
    await rename(world.remote, `${world.remote}.away`);
    await expect(repository.head("main")).rejects.toMatchObject({
      code: "misconfigured",
      hint: expect.stringContaining("AGENT_REPOSITORY"),
    });
    await rename(`${world.remote}.away`, world.remote);
    expect(await repository.head("main")).toBe(world.first);
  });

  it("whose main was rewritten or renamed, or whose base is gone, is reported, never guessed at", async () => {
    const repository = repositoryAt(world.remote);
    const gone = await world.person.commit("main", { "b.txt": "b\n" });
    await world.person.git("push", "--quiet", "--force", "origin", `${world.first}:main`);
    await git(world.remote, "-c", "gc.reflogExpire=now", "gc", "--quiet", "--prune=now");
    const edits = [{ path: "a.txt", content: "two\n" }];
    const request = { base: gone, edits, message: "Fix\n", at };
    await expect(repository.commit(request)).rejects.toMatchObject({ code: "not_found" });
    await git(world.remote, "branch", "-m", "main", "production");
    expect(await repository.head("main")).toBeUndefined();
    const to = await aCandidate(repository);
    expect(await repository.advance("main", { from: world.first, to })).toEqual({ kind: "moved", head: undefined });
  });

  it("that is a shallow clone is refused, whatever is asked first", async () => {
    const tip = await world.person.commit("main", { "b.txt": "b\n" });
    const shallow = join(world.folder, "shallow");
    await git(world.folder, "clone", "--quiet", "--depth=1", `file://${world.remote}`, shallow);
    for (const [index, remote] of [shallow, `file://${shallow}`].entries()) {
      const repository = createLocalRepository({ remote, directory: join(world.folder, `mirror-${index}.git`) });
      expect(await repository.head("main")).toBe(tip);
      for (let again = 0; again < 2; again++) {
        await expect(repository.contains(tip, world.first)).rejects.toMatchObject({
          code: "misconfigured",
          hint: expect.stringContaining("--unshallow"),
        });
      }
    }
  });

  it("with a checked out main refuses the push, and says how to change that", async () => {
    const work = join(world.folder, "work");
    await git(world.folder, "clone", "--quiet", world.remote, work);
    await writeFile(join(work, "a.txt"), "unsaved\n");
    const repository = repositoryAt(work);
    const to = await aCandidate(repository);
    expect(await repository.advance("main", { from: world.first, to })).toEqual({
      kind: "refused",
      why: expect.stringMatching(/checked out.*use a bare repository/),
    });
    expect(await git(work, "status", "--porcelain")).toBe(" M a.txt");
    expect(await repository.publish("staging", to)).toBe("published");
  });

  it("that never answers is given up", async () => {
    const server = await aSilentServer();
    try {
      const remote = `http://127.0.0.1:${server.port}/x.git`;
      const repository = createLocalRepository({ remote, directory, timeoutMs: 300 });
      await expect(repository.head("main")).rejects.toMatchObject({ code: "unavailable" });
    } finally {
      await server.close();
    }
  });

  it("with an address that would run a program is refused", () => {
    for (const remote of [
      "",
      "-x",
      "ext::sh -c id",
      "fd::3",
      "git://host/x",

      "a\nb",
      "https://",
    ]) {
      expect(() => repositoryAt(remote), remote).toThrowError(expect.objectContaining({ code: "misconfigured" }));
    }
  });

  it("cannot be reached without git", async () => {
    const repository = createLocalRepository({ remote: world.remote, directory, searchPath: "/nonexistent" });
    await expect(repository.head("main")).rejects.toMatchObject({
      code: "misconfigured",
      hint: expect.stringContaining("git"),
    });
    expect(await repositoryAt(world.remote).head("main")).toBe(world.first);
  });
});

describe("a person who pushes between our look and our push", () => {
  /** The adapter on a git that lets the person push `commit` to `branch` first, whenever it is told to push. */
  async function overtaken(branch: string, commit: Sha) {
    const shims = join(world.folder, "shims");
    await mkdir(shims);
    const theirs = `env -i PATH="$PATH" git -C ${world.person.folder} push --quiet origin ${commit}:refs/heads/${branch}`;
    const script = `#!/bin/sh\nPATH="\${PATH#*:}"\ncase " $* " in *" push "*) ${theirs};; esac\nexec git "$@"\n`;
    await writeFile(join(shims, "git"), script, { mode: 0o755 });
    return createLocalRepository({ remote: world.remote, directory, searchPath: `${shims}:${process.env.PATH}` });
  }
  async function theirWork(): Promise<Sha> {
    await world.person.git("commit", "--quiet", "--allow-empty", "-m", "Theirs");
    return Sha.parse(await world.person.git("rev-parse", "HEAD"));
  }

  it("keeps main when we advance it", async () => {
    const to = await aCandidate();
    const head = await theirWork();
    const repository = await overtaken("main", head);
    expect(await repository.advance("main", { from: world.first, to })).toEqual({ kind: "moved", head });
    expect(await headOf(world.remote, "main")).toBe(head);
  });

  it("keeps staging when we replace it", async () => {
    const from = await world.person.commit("staging", { "b.txt": "b\n" });
    const to = await aCandidate();
    const head = await theirWork();
    const repository = await overtaken("staging", head);
    expect(await repository.replace("staging", { from, to })).toEqual({ kind: "moved", head });
    expect(await headOf(world.remote, "staging")).toBe(head);
  });

  it("keeps a branch that we publish under the same name", async () => {
    const commit = await aCandidate();
    const head = await theirWork();
    const repository = await overtaken("agent/fix-1", head);
    expect(await repository.publish("agent/fix-1", commit)).toBe("taken");
    expect(await headOf(world.remote, "agent/fix-1")).toBe(head);
  });
});

describe("our own copy", () => {
  it("is never made in a folder that holds something else", async () => {
    await mkdir(directory);
    await writeFile(join(directory, "precious.txt"), "mine");
    await expect(repositoryAt(world.remote).head("main")).rejects.toMatchObject({ code: "misconfigured" });
    expect(await readdir(directory)).toEqual(["precious.txt"]);
  });

  it("is made again when it was removed meanwhile", async () => {
    const repository = repositoryAt(world.remote);
    await repository.snapshot(world.first);
    await rm(directory, { recursive: true });
    expect(await (await repository.snapshot(world.first)).read("a.txt")).toBe("one\n");
  });

  it("is made once when many ask at the same time, in one process", async () => {
    const repositories = Array.from({ length: 6 }, () => repositoryAt(world.remote));
    const commits = await Promise.all(repositories.map((repository) => aCandidate(repository)));
    expect(new Set(commits).size).toBe(1);
    expect((await readdir(world.folder)).filter((name) => name.includes(".new-"))).toEqual([]);
    expect(await readdir(join(directory, "temporary"))).toEqual([]);
  });

  it("is freed from the locks and folders that a killed process left, and works while another holds a lock", async () => {
    await repositoryAt(world.remote).snapshot(world.first);
    const refs = join(directory, "refs", "remotes", "origin");
    const locks = [
      join(refs, "staging.lock"),
      join(directory, "packed-refs.lock"),
      join(directory, "temporary", "work-x"),
    ];
    await mkdir(refs, { recursive: true });
    for (const lock of locks) {
      await writeFile(lock, "");
      await utimes(lock, 0, 0);
    }
    await writeFile(join(refs, "main.lock"), "");
    const next = await world.person.commit("main", { "b.txt": "b\n" });
    expect(await (await repositoryAt(world.remote).snapshot(next)).read("b.txt")).toBe("b\n");
    const left = await readdir(directory, { recursive: true });
    expect(left.filter((name) => /\.lock$|work-x$/.test(name))).toEqual(["refs/remotes/origin/main.lock"]);
  });

  it("is tidied when many fetches left many packs, and keeps commits that no branch holds", async () => {
    const kept = await aCandidate();
    for (let n = 0; n < 101; n++) {
      await writeFile(join(world.folder, "blob"), `${n}\n`);
      const id = await git(directory, "hash-object", "-w", join(world.folder, "blob"));
      await writeFile(join(world.folder, "ids"), `${id}\n`);
      await git(directory, "-c", `alias.p=!git pack-objects -q objects/pack/pack < ${world.folder}/ids`, "p");
    }
    expect(await repositoryAt(world.remote).contains(kept, world.first)).toBe(true);
    const packs = (await readdir(join(directory, "objects", "pack"))).filter((name) => name.endsWith(".pack"));
    expect(packs).toHaveLength(1);
    await git(directory, "fsck", "--connectivity-only");
  });

  const shipping = (seed: string) => `
    const { createLocalRepository } = await import("#adapters/repository/local.ts");
    const repository = createLocalRepository({ remote: process.argv[1], directory: process.argv[2] });
    const at = new Date(1_700_000_000_000);
    for (let n = 0; n < 50; n++) {
      const base = await repository.head("main");
      const edits = [{ path: "${seed}-" + n + ".txt", content: "x".repeat(1_000) }];
      const { commit } = await repository.commit({ base, edits, message: "Fix\\n", at });
      const merged = await repository.compose({ base, fix: commit, message: "Merge\\n", at });
      const result = await repository.advance("main", { from: base, to: merged.commit });
      console.log(result.kind, merged.commit);
      if (n + 1 >= Number(process.argv[3])) break;
    }`;

  function start(seed: string, rounds: number) {
    const args = ["--input-type=module", "-e", shipping(seed), world.remote, directory, String(rounds)];
    const child = spawn(process.execPath, args, { cwd: root, detached: true, stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    return { child, lines, ended: once(child, "close") };
  }

  it("is shared by two processes that ship at the same time, and nothing that was shipped is lost", async () => {
    const both = [start("one", 4), start("two", 4)];
    for (const { ended } of both) expect(await ended).toEqual([0, null]);
    const shipped = both.flatMap(({ lines }) => lines).filter((line) => line.startsWith("advanced "));
    expect(shipped.length).toBeGreaterThan(3);
    const reachable = (await git(world.remote, "rev-list", "main")).split("\n");
    for (const line of shipped) expect(reachable).toContain(line.split(" ")[1]);
  });

  it("survives kill -9 of the agent and its git at any moment", async () => {
    for (const afterMs of [0, 35, 90, 160]) {
      const { child, ended } = start(`killed-${afterMs}`, 50);
      await once(child.stdout, "data");
      await new Promise((done) => setTimeout(done, afterMs));
      process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
      await ended;
      await world.person.commit("main", { [`person-${afterMs}.txt`]: "x\n" });
      const repository = repositoryAt(world.remote);
      const base = Sha.parse(await headOf(world.remote, "main"));
      const to = await aCandidate(repository, base);
      expect(await repository.advance("main", { from: base, to })).toEqual({ kind: "advanced" });
      const taken = await repository.revert({ commit: to, on: to, message: `Revert\n\nReverts: ${to}\n`, at });
      if (taken.kind !== "reverted") throw new Error("it can be taken back");
      expect(await repository.advance("main", { from: to, to: taken.commit })).toEqual({ kind: "advanced" });
    }
    await git(directory, "fsck", "--connectivity-only");
  });
});
