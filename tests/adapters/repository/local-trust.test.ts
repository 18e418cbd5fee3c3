import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLocalRepository } from "#adapters/repository/local.ts";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import type { GitWorld } from "#tests/support/git.ts";
import { aGitWorld, aPerson, git, headOf, unreachableHumanCommits } from "#tests/support/git.ts";
import type { GitServer } from "#tests/support/git-server.ts";
import { aGitServer } from "#tests/support/git-server.ts";

const at = new Date("2026-03-04T05:06:07Z");
let world: GitWorld;

beforeEach(async () => {
  world = await aGitWorld({ "a.txt": "one\n", "b.txt": "$Format:%H$\n", "c.txt": "c\n" });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await world.dispose();
});

const repositoryAt = (remote: string) => createLocalRepository({ remote, directory: join(world.folder, "mirror.git") });

/** Everything that the adapter does with git, once. */
async function everything(repository: Repository, folder: string): Promise<Sha> {
  const base = await repository.head("main");
  if (base === undefined) throw new Error("there is no main");
  const snapshot = await repository.snapshot(base);
  await Promise.all([snapshot.list(), snapshot.read("a.txt"), snapshot.search("one", 3), snapshot.history("a.txt", 3)]);
  await repository.export(base, folder);
  const fix = await repository.commit({ base, edits: [{ path: "a.txt", content: "two\n" }], message: "Fix\n", at });
  expect(await repository.publish("agent/fix-1", fix.commit)).toBe("published");
  const merged = await repository.compose({ base, fix: fix.commit, message: "Merge\n", at });
  if (merged.kind === "conflict") throw new Error("there is no conflict");
  await repository.changes(base, merged.commit);
  expect(await repository.advance("main", { from: base, to: merged.commit })).toEqual({ kind: "advanced" });
  const staging = await repository.head("staging");
  if (staging === undefined) throw new Error("there is no staging");
  expect(await repository.replace("staging", { from: staging, to: merged.commit })).toMatchObject({ kind: "replaced" });
  const reverted = await repository.revert({ commit: merged.commit, on: merged.commit, message: "Revert\n", at });
  expect(reverted).toMatchObject({ kind: "reverted" });
  return merged.commit;
}

describe("what others configured", () => {
  const unreachable = "ssh://nobody@127.0.0.1:1/x.git";
  let server: GitServer;
  beforeEach(async () => {
    server = await aGitServer(world.remote, { user: "agent", password: "unknown" });
  });
  afterEach(() => server.close());
  const planted = ["hook", "fsmonitor", "sshcommand", "credential", "filter", "alias"];

  /** Configuration that leaves a file in `canaries` whenever git obeys it, and sends pushes to another repository. */
  async function configurationThat(canaries: string, evil: string): Promise<string> {
    const hooks = join(world.folder, "evil-hooks");
    await mkdir(hooks);
    const clientHooks = ["pre-push", "post-checkout", "pre-commit", "post-commit", "commit-msg", "post-index-change"];
    for (const name of [...clientHooks, "post-merge", "pre-auto-gc", "sendemail-validate", "applypatch-msg"]) {
      await writeFile(join(hooks, name), `#!/bin/sh\ntouch ${canaries}/hook\n`);
      await chmod(join(hooks, name), 0o755);
    }
    return `
[core]
  hooksPath = ${hooks}
  fsmonitor = "touch ${canaries}/fsmonitor; false"
  sshCommand = "touch ${canaries}/sshcommand; false"
[credential]
  helper = "!touch ${canaries}/credential"
[filter "evil"]
  clean = "touch ${canaries}/filter; cat"
  smudge = "touch ${canaries}/filter; cat"
[alias]
${["archive", "commit-tree", "merge-tree", "x"].map((name) => `  ${name} = "!touch ${canaries}/alias"`).join("\n")}
[url "${evil}"]
  insteadOf = ${world.remote}
  pushInsteadOf = ${world.remote}
`;
  }

  it("executes 0 of 7 planted things, in the remote, in the user's configuration or in our copy (C16)", async () => {
    const canaries = join(world.folder, "canaries");
    const evil = join(world.folder, "evil.git");
    await mkdir(canaries);
    await git(world.folder, "init", "--quiet", "--bare", evil);
    await world.person.commit("main", { ".gitattributes": "* filter=evil export-subst\nc.txt export-ignore\n" });
    const configuration = await configurationThat(canaries, evil);
    const home = join(world.folder, "home");
    await mkdir(home);
    await writeFile(join(home, ".gitconfig"), configuration);
    for (const name of ["HOME", "XDG_CONFIG_HOME"]) vi.stubEnv(name, home);
    vi.stubEnv("GIT_CONFIG_GLOBAL", join(home, ".gitconfig"));
    vi.stubEnv("GIT_CONFIG_SYSTEM", join(home, ".gitconfig"));
    vi.stubEnv("GIT_SSH_COMMAND", `touch ${canaries}/sshcommand; false`);
    vi.stubEnv("GIT_EXTERNAL_DIFF", `touch ${canaries}/alias; false`);
    vi.stubEnv("GIT_DIR", evil);
    const remoteConfiguration = await readFile(join(world.remote, "config"), "utf8");
    const repository = repositoryAt(world.remote);
    await repository.head("main");
    await writeFile(join(world.remote, "config"), remoteConfiguration + configuration);
    await git(
      world.folder,
      "clone",
      "--quiet",
      "--bare",
      "--template=",
      world.remote,
      join(world.folder, "unused.git"),
    );
    await mkdir(join(world.folder, "mirror.git", "hooks"));
    await writeFile(
      join(world.folder, "mirror.git", "hooks", "reference-transaction"),
      `#!/bin/sh\ntouch ${canaries}/hook\n`,
      { mode: 0o755 },
    );
    const folder = join(world.folder, "export");
    const shipped = await everything(repository, folder);
    for (const remote of [unreachable, `http://127.0.0.1:${server.port}/remote.git`]) {
      const directory = join(world.folder, `${remote.slice(0, 4)}.git`);
      await expect(createLocalRepository({ remote, directory }).head("main")).rejects.toBeInstanceOf(Failure);
    }
    expect(await readdir(canaries)).toEqual([]);
    expect(await headOf(world.remote, "main")).toBe(shipped);
    expect(await git(evil, "for-each-ref")).toBe("");
    expect((await readdir(folder)).sort()).toEqual([".gitattributes", "a.txt", "b.txt", "c.txt"]);
    expect(await readFile(join(folder, "b.txt"), "utf8")).toBe("$Format:%H$\n");
  });

  it("would notice them: the same things do run for a person whose git obeys them", async () => {
    const canaries = join(world.folder, "canaries");
    await mkdir(canaries);
    const configuration = await configurationThat(canaries, join(world.folder, "evil.git"));
    const own = await readFile(join(world.person.folder, ".git", "config"), "utf8");
    await writeFile(join(world.person.folder, ".git", "config"), own + configuration.replace(/\[url[\s\S]*/, ""));
    await writeFile(join(world.person.folder, ".gitattributes"), "* filter=evil\n");
    await writeFile(join(world.person.folder, "new.txt"), "new\n");
    await world.person.git("add", "--all");
    await world.person.git("commit", "--quiet", "-m", "Obey");
    await world.person.git("x");
    for (const remote of [unreachable, `http://127.0.0.1:${server.port}/remote.git`]) {
      await expect(world.person.git("ls-remote", remote)).rejects.toThrow();
    }
    expect((await readdir(canaries)).sort()).toEqual(planted.sort());
  });

  it("would notice a push that goes elsewhere, too", async () => {
    const evil = join(world.folder, "evil.git");
    await git(world.folder, "init", "--quiet", "--bare", evil);
    await world.person.git("config", `url.${evil}.pushInsteadOf`, world.remote);
    await world.person.git("push", "--quiet", "origin", "HEAD:main");
    expect(await headOf(evil, "main")).toBe(world.first);
  });
});

describe("credentials in the address (C17)", () => {
  const canary = "canary-Pa55%2Fword";
  const forms = [canary, "canary-Pa55/word", Buffer.from("agent:canary-Pa55/word").toString("base64")];
  let server: GitServer;
  beforeEach(async () => {
    server = await aGitServer(world.remote, { user: "agent", password: "canary-Pa55/word" });
  });
  afterEach(() => server.close());

  it("are used for reading and pushing, and are in no file of ours", async () => {
    const repository = repositoryAt(`http://agent:${canary}@127.0.0.1:${server.port}/remote.git`);
    const shipped = await everything(repository, join(world.folder, "export"));
    expect(await headOf(world.remote, "main")).toBe(shipped);
    expect(new Set(server.authorizations).size).toBe(1);
    const mirror = join(world.folder, "mirror.git");
    for (const entry of await readdir(mirror, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = await readFile(join(entry.parentPath, entry.name), "latin1");
      for (const form of forms) expect(content.includes(form), entry.name).toBe(false);
    }
  });

  it("never show in a failure, not even in its private cause", async () => {
    const { port } = server;
    const addresses = [
      `http://agent:wrong-${canary}@127.0.0.1:${port}/remote.git`,
      `http://agent:${canary}@127.0.0.1:${port}/missing.git`,
      `http://agent:${canary}@127.0.0.1:1/remote.git`,
      `http://${canary}@127.0.0.1:${port}/remote.git`,
      `https://agent:${canary}@127.0.0.1:${port}/remote.git`,
      `ftp://agent:${canary}@127.0.0.1/remote.git`,
    ];
    const codes: string[] = [];
    for (const [index, remote] of addresses.entries()) {
      const directory = join(world.folder, `mirror-${index}.git`);
      const failure = await (async () => createLocalRepository({ remote, directory }).head("main"))().catch(
        (error: unknown) => error,
      );
      if (!(failure instanceof Failure)) throw new Error(`no failure for address ${index}`);
      codes.push(failure.code);
      const shown = inspect(failure, { depth: 10, showHidden: true });
      for (const form of forms) expect(shown.includes(form), shown).toBe(false);
    }
    expect(codes).toEqual([
      "misconfigured",
      "misconfigured",
      "unavailable",
      "misconfigured",
      "unavailable",
      "misconfigured",
    ]);
  });
});

describe("the source of the adapter", () => {
  it("has no forced push: no --force but the lease, no + in a pushed refspec (C3)", async () => {
    const folder = new URL("../../../src/adapters/repository/", import.meta.url);
    for (const name of (await readdir(folder)).filter((path) => path.endsWith(".ts"))) {
      const source = await readFile(new URL(name, folder), "utf8");
      expect(source.match(/--force(?!-with-lease=)[\w-]*|--mirror\b|["'`]-f["'`]/g), name).toBeNull();
      const plus = source.split("\n").filter((line) => /["'`]\+/.test(line) && !line.includes("refs/remotes/origin/*"));
      expect(plus, name).toEqual([]);
    }
  });

  it("asks GitHub for a forced move in one place, where staging is replaced", async () => {
    const folder = new URL("../../../src/adapters/repository/github/", import.meta.url);
    const sources = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), "utf8")));
    expect(sources.join("").match(/to, force: true/g)).toHaveLength(1);
    expect(sources.join("").match(/updateRef\b|merge\(/g)).toBeNull();
  });
});

describe("the check for lost work", () => {
  it("turns red when a forced push drops a person's commit, lease or not (I1)", async () => {
    const first = world.first;
    const theirs = await world.person.commit("main", { "theirs.txt": "x\n" });
    expect(await unreachableHumanCommits(world.remote, [first, theirs])).toEqual([]);
    const other = await aPerson(world.remote, join(world.folder, "other"), "Bob");
    await other.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "Instead");
    // The lease is right and the push is forced all the same: that is why the ancestor check is a duty of its own (Fact 6).
    await other.git("push", "--quiet", `--force-with-lease=main:${theirs}`, "origin", "HEAD:main");
    expect(await unreachableHumanCommits(world.remote, [first, theirs])).toEqual([first, theirs].slice(1));
    await other.git("push", "--quiet", "--force", "origin", `${first}:main`, `${first}:staging`);
    expect(await unreachableHumanCommits(world.remote, [first, theirs])).toEqual([theirs]);
  });
});

describe("hostile trees", () => {
  it("never leave the folder they are exported to", async () => {
    const repository = repositoryAt(world.remote);
    const blob = await git(world.remote, "hash-object", "-w", join(world.remote, "HEAD"));
    const treeOf = async (entries: string) => {
      const file = join(world.folder, "entries");
      await writeFile(file, entries);
      return git(world.remote, "-c", "alias.t=!git mktree <", "t", file);
    };
    const inner = await treeOf(`100644 blob ${blob}\tescaped\n`);
    const tree = await treeOf(`040000 tree ${inner}\t..\n040000 tree ${inner}\t.git\n100644 blob ${blob}\tgood.txt\n`);
    const author = ["-c", "user.name=Eve", "-c", "user.email=eve@x"];
    const commit = Sha.parse(await git(world.remote, ...author, "commit-tree", tree, "-m", "Hostile"));
    await git(world.remote, "update-ref", "refs/heads/hostile", commit);
    const parent = await mkdtemp(join(tmpdir(), "vigil-hostile-"));
    try {
      await repository.export(commit, join(parent, "inside")).catch((error: unknown) => {
        expect(error).toBeInstanceOf(Failure);
      });
      expect(await readdir(parent)).toEqual(["inside"]);
      expect((await readdir(join(parent, "inside"))).filter((name) => name !== "good.txt")).toEqual([]);
      const snapshot = await repository.snapshot(commit);
      expect(await snapshot.list()).not.toContain("../escaped");
      expect(await snapshot.read("../escaped")).toBeUndefined();
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });
});
