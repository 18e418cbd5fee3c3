import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import type { Files, GitWorld } from "#tests/support/git.ts";
import { aGitWorld, branchesOf, git, headOf, installHook } from "#tests/support/git.ts";
import { interleave } from "#tests/support/interleaving.ts";

export interface RepositoryFixture {
  repository: Repository;
  close(): Promise<void>;
}

export interface ContractOptions {
  /** Rounds of the agent and a person pushing at the same time; `npm run chaos` runs 1,000. */
  rounds: number;
  /** Whether the remote runs its own hooks (a plain Git server does, an API in front of it may not). */
  runsHooks: boolean;
}

const at = new Date("2026-03-04T05:06:07Z");
/** Only stops a run that hangs. */
const roundLimitMs = 10_000;
const nowhere = Sha.parse("0123456789012345678901234567890123456789");

/** What every Repository promises. `open` answers with an adapter on the bare repository `world.remote`. */
export function repositoryContract(
  name: string,
  open: (world: GitWorld) => Promise<RepositoryFixture>,
  options: ContractOptions,
): void {
  describe(`${name} as a Repository`, () => {
    const it: Promised = (promise, act, limitMs = 240_000) =>
      test.concurrent(promise, () => withWorld(open, act), limitMs);
    readingPromises(it);
    changesPromises(it);
    committingPromises(it);
    mergingPromises(it);
    revertingPromises(it);
    movingPromises(it);
    replacingPromises(it);
    withdrawingPromises(it);
    if (options.runsHooks) refusingPromises(it);

    it(
      "loses no commit of a person, whatever the order in which both push",
      async (context) => {
        const report = await interleave(context, { seed: 20_260_304, rounds: options.rounds });
        expect(report.lost).toEqual([]);
        expect(report.humanCommits).toBeGreaterThan(options.rounds / 3);
        expect(Object.keys(report.answers)).toEqual(
          expect.arrayContaining(["main advanced", "main moved", "staging advanced", "staging replaced and kept"]),
        );
      },
      options.rounds * roundLimitMs,
    );
  });
}

interface Context {
  repository: Repository;
  world: GitWorld;
}

/** Declares one promise; each is tried on a remote of its own, several at the same time. */
type Promised = (name: string, act: (context: Context) => Promise<void>, limitMs?: number) => void;

async function withWorld(
  open: (world: GitWorld) => Promise<RepositoryFixture>,
  act: (context: Context) => Promise<void>,
): Promise<void> {
  const world = await aGitWorld(startFiles);
  try {
    const { repository, close } = await open(world);
    await act({ repository, world }).finally(close);
  } finally {
    await world.dispose();
  }
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`);
const code = `${lines(30).join("\n")}\n`;
const startFiles: Files = {
  "README.md": "A clinic.\n",
  "src/code.ts": code,
  "src/windows.ts": "one\r\ntwo\r\n",
  "docs/odd names/naïve \"quoted\"\n'file'.txt": "found here: needle\n",
  "logo.bin": Buffer.from([0, 1, 2, 255]),
};

function withLine(line: number, text: string): string {
  return `${lines(30)
    .map((old, index) => (index + 1 === line ? text : old))
    .join("\n")}\n`;
}

/** A fix of line 3 as the pipeline makes it: a commit on main and its merge. */
async function aCandidate({ repository, world }: Context, base = world.first, content = withLine(3, "fixed")) {
  const edits = [{ path: "src/code.ts", content }];
  const fix = await repository.commit({ base, edits, message: "Fix line 3\n", at });
  const merged = await repository.compose({ base, fix: fix.commit, message: "Merge the fix\n", at });
  if (merged.kind === "conflict") throw new Error("a fix on its own base cannot conflict");
  return { fix: fix.commit, commit: merged.commit, tree: merged.tree };
}

/** Asks twice and answers once: every method may be repeated. */
async function twice<T>(act: () => Promise<T>): Promise<T> {
  const once = await act();
  expect(await act()).toEqual(once);
  return once;
}

function readingPromises(it: Promised): void {
  it("says where a branch points, and that a missing one points nowhere", async ({ repository, world }) => {
    expect(await repository.head("main")).toBe(world.first);
    expect(await repository.head("missing")).toBeUndefined();
    const next = await world.person.commit("main", { "a.txt": "a\n" });
    expect(await repository.head("main")).toBe(next);
    await world.person.git("push", "--quiet", "origin", ":refs/heads/staging");
    expect(await repository.head("staging")).toBeUndefined();
  });

  it("takes only plain branch names and full commit ids", async ({ repository, world }) => {
    for (const name of [
      "",
      "-x",
      "--upload-pack=x",
      "a b",
      "a..b",
      "../main",
      "a\nb",
      "refs/heads/*",
      "a~1",
      "@{-1}",
      "x.lock",
    ]) {
      await expect(repository.head(name), name).rejects.toMatchObject({ code: "invalid" });
      await expect(repository.publish(name, world.first), name).rejects.toMatchObject({ code: "invalid" });
    }
    await expect(repository.snapshot(nowhere)).rejects.toMatchObject({ code: "not_found" });
  });

  it("lists regular files only, sorted, whatever they are called", async ({ repository, world }) => {
    await world.person.commitEntry("main", { mode: "120000", content: "/etc/passwd", path: "link" });
    const commit = await world.person.commitEntry("main", { mode: "160000", content: "", path: "module" });
    const snapshot = await repository.snapshot(commit);
    expect(await twice(() => snapshot.list())).toEqual(Object.keys(startFiles).sort());
    expect(await snapshot.read("link")).toBeUndefined();
    expect(await snapshot.read("module")).toBeUndefined();
  });

  it("reads text byte for byte and nothing else", async ({ repository, world }) => {
    const commit = await world.person.commit("main", {
      "big.txt": "x".repeat(1_000_001),
      "just.txt": "y".repeat(1_000_000),
      "latin1.txt": Buffer.from([0x63, 0x61, 0x66, 0xe9]),
      "bom.txt": "\uFEFFbom\n",
      "empty.txt": "",
    });
    const snapshot = await repository.snapshot(commit);
    expect(await snapshot.read("src/windows.ts")).toBe("one\r\ntwo\r\n");
    expect(await snapshot.read("docs/odd names/naïve \"quoted\"\n'file'.txt")).toBe("found here: needle\n");
    expect(await snapshot.read("bom.txt")).toBe("\uFEFFbom\n");
    expect(await snapshot.read("empty.txt")).toBe("");
    expect((await snapshot.read("just.txt"))?.length).toBe(1_000_000);
    const unreadable = [
      "big.txt",
      "logo.bin",
      "latin1.txt",
      "missing",
      "src",
      "src/",
      "",
      ".",
      "..",
      "../x",
      "/etc/passwd",
    ];
    const hostile = [
      "src/../README.md",
      "./README.md",
      "src//code.ts",
      "README.md\0",
      ":(glob)*",
      "*",
      "-p",
      ":/README.md",
    ];
    for (const path of [...unreadable, ...hostile]) expect(await snapshot.read(path), path).toBeUndefined();
  });

  it("still shows the commit it was opened on after the branch moved", async ({ repository, world }) => {
    const snapshot = await repository.snapshot(world.first);
    await world.person.commit("main", { "README.md": "Other.\n" });
    expect(await snapshot.read("README.md")).toBe("A clinic.\n");
  });

  it("finds text literally, in at most so many places", async ({ repository, world }) => {
    const commit = await world.person.commit("main", { "re.txt": "a.c\nabc\n-e a.c\n" });
    const snapshot = await repository.snapshot(commit);
    expect(await snapshot.search("a.c", 10)).toEqual([
      { path: "re.txt", line: 1, text: "a.c" },
      { path: "re.txt", line: 3, text: "-e a.c" },
    ]);
    expect(await snapshot.search("a.c", 1)).toEqual([{ path: "re.txt", line: 1, text: "a.c" }]);
    expect(await snapshot.search("needle", 5)).toEqual([
      { path: "docs/odd names/naïve \"quoted\"\n'file'.txt", line: 1, text: "found here: needle" },
    ]);
    expect(await snapshot.search("two", 5)).toEqual([{ path: "src/windows.ts", line: 2, text: "two" }]);
    for (const text of ["", "nowhere to be found", "a\nb", "--version"])
      expect(await snapshot.search(text, 5)).toEqual([]);
    expect(await snapshot.search("a", 0)).toEqual([]);
  });

  it("tells who touched a file, newest first", async ({ repository, world }) => {
    const second = await world.person.commit("main", { "src/code.ts": "changed\n" }, { message: "Change\n\nBody" });
    await world.person.commit("main", { "other.txt": "x" });
    const head = Sha.parse(await headOf(world.remote, "main"));
    const snapshot = await repository.snapshot(head);
    const history = await snapshot.history("src/code.ts", 10);
    expect(history.map(({ commit, author, subject }) => ({ commit, author, subject }))).toEqual([
      { commit: second, author: "Ada", subject: "Change" },
      { commit: world.first, author: "Ada", subject: "Begin" },
    ]);
    expect(Math.abs((history[0]?.at.getTime() ?? 0) - Date.now())).toBeLessThan(3_600_000);
    expect(await snapshot.history("src/code.ts", 1)).toHaveLength(1);
    expect(await snapshot.history("missing", 10)).toEqual([]);
    expect(await snapshot.history("--all", 10)).toEqual([]);
  });

  it("tells who last changed which line, and nothing of what is not there", async ({ repository, world }) => {
    await world.person.commit("main", { "src/lines.ts": "one\ntwo\nthree\n" }, { message: "Write" });
    const second = await world.person.commit("main", { "src/lines.ts": "one\n2\nthree\n" }, { message: "Count" });
    const snapshot = await repository.snapshot(second);
    const lines = await snapshot.blame("src/lines.ts", 2, 99);
    expect(lines.map(({ line, author, subject }) => ({ line, author, subject }))).toEqual([
      { line: 2, author: "Ada", subject: "Count" },
      { line: 3, author: "Ada", subject: "Write" },
    ]);
    expect(lines[0]?.commit).toBe(second);
    for (const [path, from, to] of [
      ["missing", 1, 2],
      ["../etc/passwd", 1, 2],
      ["--all", 1, 2],
      ["src/lines.ts", 4, 9],
      ["src/lines.ts", 3, 2],
    ] as const) {
      expect(await snapshot.blame(path, from, to)).toEqual([]);
    }
  });

  it("knows what is contained in what", async ({ repository, world }) => {
    const next = await world.person.commit("main", { "a.txt": "a\n" });
    expect(await repository.contains(next, world.first)).toBe(true);
    expect(await repository.contains(world.first, next)).toBe(false);
    expect(await repository.contains(next, next)).toBe(true);
    expect(await repository.contains(next, nowhere)).toBe(false);
    await expect(repository.contains(nowhere, next)).rejects.toMatchObject({ code: "not_found" });
  });

  it("exports plain files with their bytes and modes, without links, submodules and .git", async ({
    repository,
    world,
  }) => {
    await world.person.commitEntry("main", { mode: "120000", content: "/etc", path: "link" });
    await world.person.commitEntry("main", { mode: "160000", content: "", path: "module" });
    const commit = await world.person.commit("main", { "run.sh": "#!/bin/sh\n" }, { mode: "100755" });
    const folder = await mkdtemp(join(tmpdir(), "vigil-export-"));
    try {
      await repository.export(commit, folder);
      const found = await readdir(folder, { recursive: true, withFileTypes: true });
      expect(found.filter((entry) => !entry.isFile() && !entry.isDirectory())).toEqual([]);
      expect((await readdir(folder)).sort()).toEqual(["README.md", "docs", "logo.bin", "run.sh", "src"]);
      expect(await readFile(join(folder, "src/windows.ts"), "utf8")).toBe("one\r\ntwo\r\n");
      expect(await readFile(join(folder, "docs/odd names/naïve \"quoted\"\n'file'.txt"), "utf8")).toContain("needle");
      expect(await readFile(join(folder, "logo.bin"))).toEqual(Buffer.from([0, 1, 2, 255]));
      expect((await stat(join(folder, "run.sh"))).mode & 0o777).toBe(0o755);
      expect((await stat(join(folder, "README.md"))).mode & 0o777).toBe(0o644);
      await expect(repository.export(commit, folder)).rejects.toMatchObject({ code: "invalid" });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}

function changesPromises(it: Promised): void {
  it("shows every change with both modes; a rename is a deletion and an addition", async ({ repository, world }) => {
    await world.person.commit("main", { "src/code.ts": null, "src/moved.ts": code, "logo.bin": Buffer.from([0, 9]) });
    const linked = await world.person.commitEntry("main", {
      mode: "120000",
      content: "/etc/passwd",
      path: "README.md",
    });
    const { files, diff } = await twice(() => repository.changes(world.first, linked));
    const none = { addedLines: 0, removedLines: 0 };
    expect(files).toEqual([
      {
        path: "README.md",
        change: "type_changed",
        oldMode: "100644",
        newMode: "120000",
        binary: false,
        addedLines: 1,
        removedLines: 1,
      },
      { path: "logo.bin", change: "modified", oldMode: "100644", newMode: "100644", binary: true, ...none },
      {
        path: "src/code.ts",
        change: "deleted",
        oldMode: "100644",
        newMode: "000000",
        binary: false,
        addedLines: 0,
        removedLines: 30,
      },
      {
        path: "src/moved.ts",
        change: "added",
        oldMode: "000000",
        newMode: "100644",
        binary: false,
        addedLines: 30,
        removedLines: 0,
      },
    ]);
    expect(diff).toContain("--- a/src/code.ts\n+++ /dev/null\n");
  });

  it("hides nothing that .gitattributes wants hidden", async ({ repository, world }) => {
    await world.person.commit("main", { ".gitattributes": "* -diff -text export-ignore\n*.ts binary\n" });
    const commit = await world.person.commit("main", { "src/code.ts": withLine(7, "eval(secret)") });
    const { files, diff } = await repository.changes(world.first, commit);
    expect(diff).toContain("-line 7\n+eval(secret)\n");
    expect(files.find(({ path }) => path === "src/code.ts")).toMatchObject({
      binary: false,
      addedLines: 1,
      removedLines: 1,
    });
    expect(await (await repository.snapshot(commit)).search("eval(secret)", 5)).toHaveLength(1);
  });

  it("cuts a huge diff at 1 MB and says so", async ({ repository, world }) => {
    const commit = await world.person.commit("main", { "huge.txt": "0123456789abcdef\n".repeat(200_000) });
    const { files, diff } = await repository.changes(world.first, commit);
    expect(files).toMatchObject([{ path: "huge.txt", addedLines: 200_000 }]);
    expect(diff.length).toBeLessThan(1_000_200);
    expect(diff).toMatch(new RegExp(`left out: the diff from ${world.first} to ${commit} is larger than 1 MB\\.\n$`));
  });

  it("has nothing to show between a commit and itself", async ({ repository, world }) => {
    expect(await repository.changes(world.first, world.first)).toEqual({ files: [], diff: "" });
  });
}

function committingPromises(it: Promised): void {
  it("makes the same commit from the same request, and moves no branch", async ({ repository, world }) => {
    const edits = [
      { path: "src/new file.ts", content: "new\r\n" },
      { path: "src/code.ts", content: withLine(3, "fixed") },
      { path: "README.md", content: null },
    ];
    const before = await branchesOf(world.remote);
    const made = await twice(() => repository.commit({ base: world.first, edits, message: "Fix\n\nWhy.\n", at }));
    expect(await branchesOf(world.remote)).toEqual(before);
    const { files } = await repository.changes(world.first, made.commit);
    expect(files.map(({ path, change }) => `${change} ${path}`)).toEqual([
      "deleted README.md",
      "modified src/code.ts",
      "added src/new file.ts",
    ]);
    const snapshot = await repository.snapshot(made.commit);
    expect(await snapshot.read("src/new file.ts")).toBe("new\r\n");
    const [mine] = await snapshot.history("src/code.ts", 1);
    expect(mine).toMatchObject({ commit: made.commit, at, subject: "Fix" });
  });

  it("keeps the mode of an executable file", async ({ repository, world }) => {
    const base = await world.person.commit("main", { "run.sh": "a\n" }, { mode: "100755" });
    const made = await repository.commit({ base, edits: [{ path: "run.sh", content: "b\n" }], message: "Fix\n", at });
    expect((await repository.changes(base, made.commit)).files).toMatchObject([
      { oldMode: "100755", newMode: "100755" },
    ]);
  });

  it("never writes through links, over folders, into .git or outside", async ({ repository, world }) => {
    await world.person.commitEntry("main", { mode: "120000", content: "/etc", path: "link" });
    const base = await world.person.commitEntry("main", { mode: "160000", content: "", path: "module" });
    const places = [
      "link",
      "link/passwd",
      "module",
      "module/x",
      "src",
      "README.md/x",
      "../x",
      "/x",
      "a/../x",
      "",
      ".git/config",
    ];
    for (const path of [...places, "src/.GIT/hooks/x", "a\\b", "a\0b", "./x", "a//b", "lone\uD800"]) {
      const request = { base, edits: [{ path, content: "x" }], message: "Fix\n", at };
      await expect(repository.commit(request), path).rejects.toMatchObject({ code: "invalid" });
    }
  });

  it("refuses a request that means nothing", async ({ repository, world }) => {
    const good = { base: world.first, edits: [{ path: "a", content: "a" }], message: "Fix\n", at };
    const bad = [
      { ...good, edits: [] },
      { ...good, edits: [{ path: "README.md", content: "A clinic.\n" }] },
      { ...good, edits: [{ path: "missing", content: null }] },
      { ...good, edits: [...good.edits, { path: "a", content: "b" }] },
      { ...good, edits: [...good.edits, { path: "a/b", content: "b" }] },
      { ...good, edits: [{ path: "a", content: "\uD800" }] },
      { ...good, message: " \n" },
      { ...good, message: "a\0b" },
      { ...good, at: new Date(Number.NaN) },
    ];
    for (const request of bad) await expect(repository.commit(request)).rejects.toMatchObject({ code: "invalid" });
    await expect(repository.commit({ ...good, base: nowhere })).rejects.toMatchObject({ code: "not_found" });
  });

  it("commits names with spaces, quotes, newlines and other scripts", async ({ repository, world }) => {
    const paths = ["a b.txt", "q\"uo'te.txt", "new\nline.txt", "日本/ファイル.txt", "-dash", ":(top)x", "tab\there"];
    const edits = paths.map((path) => ({ path, content: `${path}\n` }));
    const made = await repository.commit({ base: world.first, edits, message: "Fix\n", at });
    const snapshot = await repository.snapshot(made.commit);
    for (const path of paths) expect(await snapshot.read(path)).toBe(`${path}\n`);
    expect((await repository.changes(world.first, made.commit)).files.map(({ path }) => path).sort()).toEqual(
      [...paths].sort(),
    );
  });
}

function mergingPromises(it: Promised): void {
  it("composes a merge commit with both parents, also directly on the base", async ({ repository, world }) => {
    const fix = await repository.commit({
      base: world.first,
      edits: [{ path: "a", content: "a" }],
      message: "Fix\n",
      at,
    });
    const request = { base: world.first, fix: fix.commit, message: "Merge\n", at };
    const merged = await twice(() => repository.compose(request));
    expect(merged).toMatchObject({ kind: "composed", tree: fix.tree });
    if (merged.kind !== "composed") return;
    expect(merged.commit).not.toBe(fix.commit);
    expect(await repository.contains(merged.commit, world.first)).toBe(true);
    expect(await repository.contains(merged.commit, fix.commit)).toBe(true);
  });

  it("keeps what a person changed elsewhere, also in the same file", async ({ repository, world }) => {
    const { fix } = await aCandidate({ repository, world });
    const base = await world.person.commit("main", { "src/code.ts": withLine(25, "theirs"), "b.txt": "b\n" });
    const merged = await repository.compose({ base, fix, message: "Merge\n", at });
    if (merged.kind !== "composed") throw new Error("there is no conflict");
    const snapshot = await repository.snapshot(merged.commit);
    const both = withLine(25, "theirs").replace("line 3\n", "fixed\n");
    expect([await snapshot.read("src/code.ts"), await snapshot.read("b.txt")]).toEqual([both, "b\n"]);
  });

  it("names the files that conflict", async ({ repository, world }) => {
    const { fix } = await aCandidate({ repository, world });
    const base = await world.person.commit("main", { "src/code.ts": withLine(3, "theirs") });
    const request = { base, fix, message: "Merge\n", at };
    expect(await twice(() => repository.compose(request))).toEqual({ kind: "conflict", files: ["src/code.ts"] });
  });

  it("says so when the histories have nothing in common", async ({ repository, world }) => {
    const { fix } = await aCandidate({ repository, world });
    await world.person.git("checkout", "--quiet", "--orphan", "other");
    await world.person.git("commit", "--quiet", "-m", "Rewritten");
    await world.person.git("push", "--quiet", "origin", "other");
    const base = Sha.parse(await headOf(world.remote, "other"));
    await expect(repository.compose({ base, fix, message: "Merge\n", at })).rejects.toMatchObject({ code: "conflict" });
  });
}

function revertingPromises(it: Promised): void {
  it("takes a merge back and leaves the tree as it was", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const request = { commit, on: commit, message: `Revert\n\nReverts: ${commit}\n`, at };
    const reverted = await twice(() => repository.revert(request));
    if (reverted.kind !== "reverted") throw new Error("it can be taken back");
    expect(await repository.changes(world.first, reverted.commit)).toEqual({ files: [], diff: "" });
    expect(await repository.contains(reverted.commit, commit)).toBe(true);
    const again = { ...request, on: reverted.commit };
    expect(await twice(() => repository.revert(again))).toEqual({ kind: "already" });
  });

  it("keeps what people added since, in other files and in other lines of the same file", async ({
    repository,
    world,
  }) => {
    const { commit } = await aCandidate({ repository, world });
    expect(await repository.advance("main", { from: world.first, to: commit })).toEqual({ kind: "advanced" });
    const theirs = withLine(3, "fixed").replace("line 25\n", "theirs\n");
    const on = await world.person.commit("main", { "src/code.ts": theirs, "b.txt": "b\n" });
    const reverted = await repository.revert({ commit, on, message: `Revert\n\nReverts: ${commit}\n`, at });
    if (reverted.kind !== "reverted") throw new Error("it can be taken back");
    const snapshot = await repository.snapshot(reverted.commit);
    expect([await snapshot.read("src/code.ts"), await snapshot.read("b.txt")]).toEqual([withLine(25, "theirs"), "b\n"]);
  });

  it("reports a conflict when people changed the same line since, and moves nothing", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    await repository.advance("main", { from: world.first, to: commit });
    const on = await world.person.commit("main", { "src/code.ts": withLine(3, "theirs") });
    const request = { commit, on, message: `Revert\n\nReverts: ${commit}\n`, at };
    expect(await twice(() => repository.revert(request))).toEqual({ kind: "conflict", files: ["src/code.ts"] });
    expect(await headOf(world.remote, "main")).toBe(on);
  });

  it("sees that a person took it back by hand", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    await repository.advance("main", { from: world.first, to: commit });
    const on = await world.person.commit("main", { "src/code.ts": code, "b.txt": "b\n" });
    expect(await repository.revert({ commit, on, message: "Revert\n", at })).toEqual({ kind: "already" });
  });

  it("refuses to take back what never landed", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const request = { commit, on: world.first, message: "Revert\n", at };
    await expect(repository.revert(request)).rejects.toMatchObject({ code: "invalid" });
  });
}

function movingPromises(it: Promised): void {
  it("publishes a branch once and never touches one that holds something else", async ({ repository, world }) => {
    const { fix } = await aCandidate({ repository, world });
    expect(await twice(() => repository.publish("agent/fix-1", fix))).toBe("published");
    expect(await headOf(world.remote, "agent/fix-1")).toBe(fix);
    const foreign = await world.person.commit("agent/fix-2", { "mine.txt": "mine\n" });
    expect(await twice(() => repository.publish("agent/fix-2", fix))).toBe("taken");
    expect(await headOf(world.remote, "agent/fix-2")).toBe(foreign);
  });

  it("moves a branch forward once, and says so again", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const move = { from: world.first, to: commit };
    expect(await twice(() => repository.advance("main", move))).toEqual({ kind: "advanced" });
    expect(await headOf(world.remote, "main")).toBe(commit);
    await world.person.commit("main", { "b.txt": "b\n" });
    expect(await repository.advance("main", move)).toEqual({ kind: "advanced" });
  });

  it("moves nothing when someone was faster", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const head = await world.person.commit("main", { "b.txt": "b\n" });
    const move = { from: world.first, to: commit };
    expect(await twice(() => repository.advance("main", move))).toEqual({ kind: "moved", head });
    expect(await headOf(world.remote, "main")).toBe(head);
    expect(await repository.advance("gone", move)).toEqual({ kind: "moved", head: undefined });
  });

  it("moves nothing backwards or sideways, even with the right lease", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const head = await world.person.commit("main", { "b.txt": "b\n" });
    for (const to of [commit, world.first]) {
      expect(await twice(() => repository.advance("main", { from: head, to }))).toEqual({ kind: "not_forward" });
    }
    expect(await headOf(world.remote, "main")).toBe(head);
  });

  it("answers `moved` after main was rewritten", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    await world.person.git("checkout", "--quiet", "-B", "main", "origin/main");
    await world.person.git("commit", "--quiet", "--amend", "-m", "Rewritten");
    await world.person.git("push", "--quiet", "--force", "origin", "main");
    const head = await headOf(world.remote, "main");
    expect(await repository.advance("main", { from: world.first, to: commit })).toEqual({ kind: "moved", head });
  });

  it("lets exactly one of many identical or competing moves win", async ({ repository, world }) => {
    const candidates = await Promise.all(
      ["one", "two", "three"].map((text) => aCandidate({ repository, world }, world.first, withLine(3, text))),
    );
    const answers = await Promise.all(
      candidates.map(({ commit }) => repository.advance("main", { from: world.first, to: commit })),
    );
    expect(answers.filter(({ kind }) => kind === "advanced")).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === "moved")).toHaveLength(2);
    const winner = candidates[answers.findIndex(({ kind }) => kind === "advanced")];
    expect(await headOf(world.remote, "main")).toBe(winner?.commit);
  });
}

function replacingPromises(it: Promised): void {
  it("resets staging and keeps what a person committed there", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const theirs = await world.person.commit("staging", { "theirs.txt": "x\n" });
    const archivedAs = `agent/archive/staging-${theirs.slice(0, 8)}`;
    const move = { from: theirs, to: commit };
    expect(await twice(() => repository.replace("staging", move))).toEqual({ kind: "replaced", archivedAs });
    expect([await headOf(world.remote, "staging"), await headOf(world.remote, archivedAs)]).toEqual([commit, theirs]);
  });

  it("archives nothing when only the agent's own commits, or commits that another branch holds, leave staging", async ({
    repository,
    world,
  }) => {
    const old = await aCandidate({ repository, world });
    const next = await aCandidate({ repository, world }, world.first, withLine(3, "otherwise"));
    await repository.advance("staging", { from: world.first, to: old.commit });
    const first = await repository.replace("staging", { from: old.commit, to: next.commit });
    expect(first).toEqual({ kind: "replaced", archivedAs: null });
    const feature = await world.person.commit("staging", { "feature.txt": "x\n" });
    await world.person.git("push", "--quiet", "origin", `${feature}:refs/heads/feature`);
    const second = await repository.replace("staging", { from: feature, to: old.commit });
    expect(second).toEqual({ kind: "replaced", archivedAs: null });
    expect(await branchesOf(world.remote)).toEqual(["feature", "main", "staging"]);
  });

  it("never replaces main, and nothing that moved", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    for (const branch of ["main", "master"]) {
      await expect(repository.replace(branch, { from: world.first, to: commit })).rejects.toMatchObject({
        code: "invalid",
      });
    }
    const head = await world.person.commit("staging", { "theirs.txt": "x\n" });
    expect(await repository.replace("staging", { from: world.first, to: commit })).toEqual({ kind: "moved", head });
    expect(await repository.replace("gone", { from: world.first, to: commit })).toEqual({
      kind: "moved",
      head: undefined,
    });
    expect(await headOf(world.remote, "staging")).toBe(head);
  });

  it("does not take another commit's archive for its own", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const theirs = await world.person.commit("staging", { "theirs.txt": "x\n" });
    await git(world.remote, "update-ref", `refs/heads/agent/archive/staging-${theirs.slice(0, 8)}`, world.first);
    const archivedAs = `agent/archive/staging-${theirs}`;
    const replaced = await repository.replace("staging", { from: theirs, to: commit });
    expect(replaced).toEqual({ kind: "replaced", archivedAs });
    expect(await headOf(world.remote, archivedAs)).toBe(theirs);
  });
}

function withdrawingPromises(it: Promised): void {
  it("removes the branch of an ended fix, and says so again", async ({ repository, world }) => {
    const { fix, commit } = await aCandidate({ repository, world });
    await repository.publish("agent/fix-1", fix);
    const request = { branch: "agent/fix-1", into: "main", ours: [commit, fix], comment: "It is over." };
    expect(await twice(() => repository.withdraw(request))).toEqual({ kind: "withdrawn" });
    expect(await branchesOf(world.remote)).toEqual(["main", "staging"]);
    expect(await repository.publish("agent/fix-1", fix)).toBe("published");
  });

  it("leaves a branch that a person committed to", async ({ repository, world }) => {
    const { fix } = await aCandidate({ repository, world });
    await repository.publish("agent/fix-1", fix);
    const head = await world.person.commit("agent/fix-1", { "mine.txt": "mine\n" });
    const request = { branch: "agent/fix-1", into: "main", ours: [fix], comment: "It is over." };
    expect(await twice(() => repository.withdraw(request))).toEqual({ kind: "theirs", head });
    expect(await headOf(world.remote, "agent/fix-1")).toBe(head);
  });

  it("removes nothing that is not the agent's own, whatever is asked", async ({ repository, world }) => {
    const kept = "agent/archive/staging-1";
    await git(world.remote, "update-ref", `refs/heads/${kept}`, world.first);
    for (const branch of ["main", "staging", kept, "agent/../main", "feature"]) {
      const request = { branch, into: "main", ours: [world.first], comment: "It is over." };
      await expect(repository.withdraw(request)).rejects.toMatchObject({ code: "invalid" });
    }
    expect(await branchesOf(world.remote)).toEqual([kept, "main", "staging"]);
  });
}

function refusingPromises(it: Promised): void {
  it("reports the remote's own words when it refuses", async ({ repository, world }) => {
    const { commit, fix } = await aCandidate({ repository, world });
    await installHook(world.remote, "pre-receive", 'printf "Only on\\033[31m Mondays.\\n" >&2\nexit 1');
    const refused = await twice(() => repository.advance("main", { from: world.first, to: commit }));
    expect(refused).toEqual({ kind: "refused", why: "pre-receive hook declined: Only on [31m Mondays." });
    expect(await headOf(world.remote, "main")).toBe(world.first);
    await expect(repository.publish("agent/fix-1", fix)).rejects.toMatchObject({ code: "misconfigured" });
    const theirs = world.first;
    expect(await repository.replace("staging", { from: theirs, to: commit })).toMatchObject({ kind: "refused" });
  });

  it("does not replace what it could not keep", async ({ repository, world }) => {
    const { commit } = await aCandidate({ repository, world });
    const theirs = await world.person.commit("staging", { "theirs.txt": "x\n" });
    await installHook(world.remote, "update", 'case "$1" in refs/heads/agent/*) echo "no room" >&2; exit 1;; esac');
    const answer = await repository.replace("staging", { from: theirs, to: commit });
    expect(answer).toMatchObject({ kind: "refused", why: expect.stringContaining("no room") });
    expect(await headOf(world.remote, "staging")).toBe(theirs);
  });

  it("does not believe a remote that says yes and moves the branch back", async ({ repository, world }) => {
    const { commit, fix } = await aCandidate({ repository, world });
    const undo = `while read old new ref; do git update-ref "$ref" "$old" || git update-ref -d "$ref"; done`;
    await installHook(world.remote, "post-receive", undo);
    const answer = await repository.advance("main", { from: world.first, to: commit });
    expect(answer).toEqual({ kind: "refused", why: "the remote accepted the push, but main does not show it" });
    await installHook(world.remote, "post-receive", 'while read old new ref; do git update-ref -d "$ref"; done');
    await expect(repository.publish("agent/fix-1", fix)).rejects.toMatchObject({ code: "unavailable" });
  });
}
