import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findFolder } from "#adapters/repository/folder.ts";
import { recordState } from "#adapters/repository/folder-state.ts";
import { createLocalRepository } from "#adapters/repository/local.ts";
import type { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import { git } from "#tests/support/git.ts";
import { fingerprintOfTree } from "./trees.ts";

let place: string;
let repo: string;
let copies = 0;
const at = new Date("2026-03-04T05:06:07Z");

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "vigil folder ü-"));
  repo = join(place, "my repo");
});
afterEach(() => rm(place, { recursive: true, force: true }));

async function write(files: Record<string, string | Buffer>, folder = repo): Promise<void> {
  for (const path of new Set(Object.keys(files).map(dirname))) await mkdir(join(folder, path), { recursive: true });
  await Promise.all(Object.entries(files).map(([path, content]) => writeFile(join(folder, path), content)));
}

async function committed(files: Record<string, string | Buffer>, folder = repo): Promise<void> {
  await git(place, "init", "--quiet", "--initial-branch=trunk", folder);
  await git(folder, "config", "user.name", "Ada");
  await git(folder, "config", "user.email", "ada@clinic.example");
  await write(files, folder);
  await git(folder, "add", "--all");
  await git(folder, "commit", "--quiet", "-m", "Begin");
}

/** The folder as Vigil takes it; it must be the very same afterwards, byte for byte. */
async function taken(path = repo, home = place) {
  copies += 1;
  const directory = join(place, `.copy-${copies}`);
  await mkdir(directory);
  const before = await fingerprintOfTree(place, [`.copy-${copies}`]);
  const folder = await findFolder(path);
  const state = await recordState(folder, { directory, at, home });
  const repository = createLocalRepository({
    remote: state.remote,
    directory: join(directory, "copy.git"),
    borrowedObjects: state.objects,
  });
  const files = await exported(repository, state.base, join(directory, "files"));
  expect(await fingerprintOfTree(place, [`.copy-${copies}`])).toBe(before);
  return { folder, state, files, repository };
}

async function exported(repository: Repository, commit: Sha, folder: string): Promise<Record<string, string>> {
  await repository.export(commit, folder);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const places = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(places.map(async (path) => [relative(folder, path), await readFile(path, "utf8")]));
  return Object.fromEntries(read);
}

describe("the state of a folder", () => {
  it("is HEAD itself where nothing is uncommitted", async () => {
    await committed({ "a.txt": "one\n" });
    const { state, folder, files } = await taken();
    expect(state.base).toBe(await git(repo, "rev-parse", "HEAD"));
    expect(folder).toMatchObject({ branch: "trunk", prefix: "", unfinished: null, isCutOff: false });
    expect(files).toEqual({ "a.txt": "one\n" });
    expect(state.uncommitted).toEqual({ changed: 0, added: 0, removed: 0 });
  });

  it("holds what is changed, staged, new and removed, and nothing that is ignored", async () => {
    await committed({
      "a.txt": "one\n",
      "gone.txt": "x\n",
      "staged.txt": "s\n",
      ".gitignore": "*.log\n",
      "x/b.txt": "b\n",
    });
    await write({
      "a.txt": "two\n",
      "nöw/new file.txt": "n\n",
      "staged.txt": "t\n",
      "debug.log": "no",
      "secret.key": "no",
      "home.txt": "no",
    });
    await write({ "node_modules/p/index.js": "no", "x/node_modules/q/index.js": "no" });
    await git(repo, "add", "staged.txt");
    await rm(join(repo, "gone.txt"));
    await writeFile(join(repo, ".git", "info", "exclude"), "*.key\n");
    await write({ ".config/git/ignore": "home.txt\n" }, place);
    const { state, files, repository } = await taken();
    expect(files).toEqual({
      ".gitignore": "*.log\n",
      "a.txt": "two\n",
      "nöw/new file.txt": "n\n",
      "staged.txt": "t\n",
      "x/b.txt": "b\n",
    });
    expect(state.uncommitted).toEqual({ changed: 1, added: 1, removed: 1 });
    expect(await repository.head("main")).toBe(state.base);
    const [last, first] = await (await repository.snapshot(state.base)).history("a.txt", 5);
    expect([last?.subject, first?.subject]).toEqual(["The folder as it is", "Begin"]);
  });

  it("is taken from a detached HEAD, a linked worktree, a folder inside, and a bare repository", async () => {
    await committed({ "a.txt": "one\n", "packages/core/b.txt": "b\n" });
    await write({ "a.txt": "two\n" });
    await git(repo, "commit", "--quiet", "-am", "Second");
    await git(repo, "worktree", "add", "--quiet", join(place, "linked"), "HEAD~1");
    await write({ "new.txt": "n\n" }, join(place, "linked"));
    const linked = await taken(join(place, "linked"));
    expect(linked.folder).toMatchObject({ branch: null });
    expect(linked.files).toMatchObject({ "a.txt": "one\n", "new.txt": "n\n" });
    const inside = await taken(join(repo, "packages", "core"));
    expect(inside.folder).toMatchObject({ prefix: "packages/core", branch: "trunk" });
    expect(inside.files).toMatchObject({ "a.txt": "two\n" });
    await git(place, "clone", "--quiet", "--bare", repo, join(place, "bare.git"));
    const bare = await taken(join(place, "bare.git"));
    expect(bare.folder).toMatchObject({ top: null, branch: "trunk" });
    expect(bare.files).toMatchObject({ "a.txt": "two\n" });
  });

  it("is taken before the first commit, with packed branches, and without an index", async () => {
    await git(place, "init", "--quiet", "--initial-branch=trunk", repo);
    await expect(taken()).rejects.toMatchObject({ code: "not_found" });
    await write({ "a.txt": "one\n", "b.txt": "b\n" });
    await git(repo, "add", "b.txt");
    expect((await taken()).files).toEqual({ "a.txt": "one\n", "b.txt": "b\n" });
    await git(repo, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Begin");
    await git(repo, "pack-refs", "--all");
    await rm(join(repo, ".git", "index"));
    expect((await taken()).files).toEqual({ "a.txt": "one\n", "b.txt": "b\n" });
    await writeFile(join(repo, ".git", "index"), "not an index");
    expect((await taken()).files).toEqual({ "a.txt": "one\n", "b.txt": "b\n" });
  });

  it("is taken in the middle of a merge and of a rebase, conflict marks included", async () => {
    await committed({ "a.txt": "one\n" });
    await git(repo, "checkout", "--quiet", "-b", "other");
    await write({ "a.txt": "theirs\n" });
    await git(repo, "commit", "--quiet", "-am", "Theirs");
    await git(repo, "checkout", "--quiet", "trunk");
    await write({ "a.txt": "ours\n" });
    await git(repo, "commit", "--quiet", "-am", "Ours");
    await git(repo, "merge", "other").catch(() => undefined);
    const merging = await taken();
    expect(merging.folder.unfinished).toBe("a merge");
    expect(merging.files["a.txt"]).toMatch(/<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>>/);
    await git(repo, "merge", "--abort");
    await git(repo, "rebase", "other").catch(() => undefined);
    expect((await taken()).folder).toMatchObject({ unfinished: "a rebase", branch: null });
  });

  it("is taken from a shallow clone, with the history left behind", async () => {
    await committed({ "a.txt": "one\n" });
    await write({ "a.txt": "two\n" });
    await git(repo, "commit", "--quiet", "-am", "Second");
    const shallow = join(place, "shallow");
    await git(place, "clone", "--quiet", "--depth=1", `file://${repo}`, shallow);
    const { folder, state, files, repository } = await taken(shallow);
    expect(folder.isCutOff).toBe(true);
    expect(files).toEqual({ "a.txt": "two\n" });
    expect(await (await repository.snapshot(state.base)).history("a.txt", 5)).toHaveLength(1);
  });

  it("keeps links as links, leaves submodules out, and follows no link out of the folder", async () => {
    await committed({ "lib/a.txt": "a\n" }, join(place, "sub"));
    await committed({ "a.txt": "one\n", "folder/b.txt": "b\n" });
    await git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", join(place, "sub"), "sub");
    await git(repo, "commit", "--quiet", "-m", "Submodule");
    await write({ "sub/lib/a.txt": "changed\n" });
    await write({ "b.txt": "a stranger's\n" }, join(place, "outside"));
    await symlink("/etc/passwd", join(repo, "link"));
    await rm(join(repo, "folder"), { recursive: true });
    await symlink(join(place, "outside"), join(repo, "folder"));
    const { files, state } = await taken();
    expect(files).toEqual({ "a.txt": "one\n", ".gitmodules": expect.any(String) });
    expect(state.leftOut).toEqual(["the files of 1 submodule(s)"]);
    expect((await taken(join(repo, "sub"))).files).toEqual({ "lib/a.txt": "changed\n" });
  });

  it("takes CRLF files as the index knows them, and every name that a file can have", async () => {
    await committed({
      ".gitattributes": "*.txt text eol=crlf\n*.bin -text\n",
      "raw.bin": "a\r\nb\r\n",
      'q"uo\\te\n.md': "x\n",
    });
    await write({ "checked.txt": "a\r\nb\r\n", "raw.bin": "a\r\nc\r\n" });
    await git(repo, "add", "checked.txt");
    await git(repo, "commit", "--quiet", "-m", "Text");
    const { files } = await taken();
    expect(files).toMatchObject({ "checked.txt": "a\nb\n", "raw.bin": "a\r\nc\r\n", 'q"uo\\te\n.md': "x\n" });
  });

  it("leaves huge untracked folders and files out, and says so", async () => {
    await committed({ "a.txt": "one\n" });
    const many = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`data/${n}.txt`, "x"]));
    await write({ ...many, "dump.sql": Buffer.alloc(6 * 1024 ** 2, "x"), "src/new.ts": "n\n" });
    const { files, state } = await taken();
    expect(files).toEqual({ "a.txt": "one\n", "src/new.ts": "n\n" });
    expect(state.leftOut.join("; ")).toMatch(/folder data \(2001 files\).*1 untracked file/);
  });

  it("runs nothing that the folder configures", async () => {
    await committed({ "a.txt": "one\n", ".gitattributes": "* filter=evil\n" });
    const canary = join(place, "canary");
    const evil = `sh -c 'echo ran >> "${canary}"'`;
    for (const [name, value] of [
      ["core.fsmonitor", evil],
      ["core.hooksPath", join(repo, "hooks")],
      ["core.alternateRefsCommand", evil],
      ["filter.evil.clean", evil],
      ["filter.evil.smudge", evil],
      ["filter.evil.process", evil],
      ["alias.ls-files", `!${evil}`],
      ["core.sshCommand", evil],
      ["core.pager", evil],
      ["diff.external", evil],
    ] as const)
      await git(repo, "config", name, value);
    await write({
      "hooks/post-index-change": `#!/bin/sh\n${evil}\n`,
      "hooks/reference-transaction": `#!/bin/sh\n${evil}\n`,
    });
    for (const name of await readdir(join(repo, "hooks"))) await chmod(join(repo, "hooks", name), 0o755);
    await write({ "a.txt": "two\n" });
    await utimes(join(repo, ".gitattributes"), at, at);
    const { files } = await taken();
    expect(files["a.txt"]).toBe("two\n");
    await expect(readFile(canary)).rejects.toMatchObject({ code: "ENOENT" });
    // A person's own git does run it.
    await git(repo, "-c", "filter.evil.process=", "add", "a.txt").catch(() => undefined);
    expect(await readFile(canary, "utf8")).toContain("ran");
  });
});

describe("a folder that cannot be taken", () => {
  it("is named in a sentence", async () => {
    await expect(findFolder(join(place, "nowhere"))).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("no folder"),
    });
    await write({ "a.txt": "a" });
    await expect(findFolder(repo)).rejects.toMatchObject({
      code: "not_found",
      hint: expect.stringContaining("git init"),
    });
    await expect(findFolder(join(repo, "a.txt"))).rejects.toMatchObject({ code: "not_found" });
    await git(place, "init", "--quiet", "--object-format=sha256", join(place, "new"));
    await expect(findFolder(join(place, "new"))).rejects.toMatchObject({ code: "unsupported" });
    await write({ ".git": "gitdir: ../nowhere\n" }, join(place, "torn"));
    await expect(findFolder(join(place, "torn"))).rejects.toMatchObject({ code: "not_found" });
    await committed({ "a.txt": "a" }, join(place, "broken"));
    await writeFile(join(place, "broken", ".git", "HEAD"), "ref: refs/../../../etc/passwd\n");
    await expect(findFolder(join(place, "broken"))).rejects.toMatchObject({ code: "misconfigured" });
  });
});
