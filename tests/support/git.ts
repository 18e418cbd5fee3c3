import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { extract } from "tar";
import { Sha } from "#domain/ids.ts";

const run = promisify(execFile);

const environment = {
  NODE_ENV: "test" as const,
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
};

/** Content by path; `null` deletes. */
export type Files = Record<string, string | Buffer | null>;

/** A remote with `main` and `staging`, and a person who works on it from a clone of their own. */
export interface GitWorld {
  folder: string;
  /** The bare repository. */
  remote: string;
  person: Person;
  /** The first commit, on which both branches begin. */
  first: Sha;
  dispose(): Promise<void>;
}

export interface Person {
  folder: string;
  email: string;
  /** Commits `files` on top of what the remote has on `branch` (or on `main`, for a new branch) and pushes. */
  commit(branch: string, files: Files, options?: { message?: string; mode?: "100755" }): Promise<Sha>;
  /** The same, but the answer is `undefined` when the push lost a race. */
  tryCommit(branch: string, files: Files): Promise<Sha | undefined>;
  /** Commits a tree entry that no ordinary file is: a link, a submodule, a strange name. */
  commitEntry(branch: string, entry: { mode: string; content: string | Buffer; path: string }): Promise<Sha>;
  git(...args: string[]): Promise<string>;
}

/** Runs git as a person would, without anyone's own configuration. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", args, { cwd: folder, env: environment, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trimEnd();
}

/** The files of a commit, in a new folder. Leaves the repository alone: many may do this at once. */
export async function checkOut(remote: string, commit: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const archive = join(folder, ".archive.tar");
  await git(remote, "archive", "--format=tar", `--output=${archive}`, commit);
  await extract({ file: archive, cwd: folder });
  await rm(archive);
}

export async function aGitWorld(files: Files = { "README.md": "A clinic.\n" }): Promise<GitWorld> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-git-"));
  const remote = join(folder, "remote.git");
  await git(folder, "init", "--quiet", "--bare", "--initial-branch=main", remote);
  const person = await aPerson(remote, join(folder, "person"));
  const first = await person.commit("main", files, { message: "Begin" });
  await person.git("push", "--quiet", "origin", "main:staging");
  return { folder, remote, person, first, dispose: () => rm(folder, { recursive: true, force: true }) };
}

/** A clone whose owner is not the agent. */
export async function aPerson(remote: string, folder: string, name = "Ada"): Promise<Person> {
  const email = `${name.toLowerCase()}@clinic.example`;
  await git(dirname(folder), "clone", "--quiet", remote, folder);
  await git(folder, "config", "user.name", name);
  await git(folder, "config", "user.email", email);
  const mine = (...args: string[]) => git(folder, ...args);

  async function startFrom(branch: string): Promise<void> {
    await mine("fetch", "--quiet", "--prune", "origin");
    const known = (await mine("for-each-ref", "--format=%(refname)", "refs/remotes/origin")).split("\n");
    const start = [branch, "main"].find((name) => known.includes(`refs/remotes/origin/${name}`));
    if (start === undefined) await mine("symbolic-ref", "HEAD", `refs/heads/${branch}`);
    else await mine("checkout", "--quiet", "--force", "-B", branch, `refs/remotes/origin/${start}`);
  }
  async function commitHere(branch: string, files: Files, message: string, mode?: string): Promise<Sha> {
    await startFrom(branch);
    for (const [path, content] of Object.entries(files)) {
      const place = join(folder, path);
      if (content === null) await rm(place);
      else {
        await mkdir(dirname(place), { recursive: true });
        await writeFile(place, content);
      }
      if (mode === "100755") await chmod(place, 0o755);
    }
    await mine("add", "--all", "--force");
    await mine("commit", "--quiet", "--allow-empty", "-m", message);
    return Sha.parse(await mine("rev-parse", "HEAD"));
  }
  const push = (branch: string) => mine("push", "--quiet", "origin", `HEAD:refs/heads/${branch}`);
  return {
    folder,
    email,
    git: mine,
    async commit(branch, files, { message = "Work", mode } = {}) {
      const commit = await commitHere(branch, files, message, mode);
      await push(branch);
      return commit;
    },
    async tryCommit(branch, files) {
      const commit = await commitHere(branch, files, "Work at the same time");
      return push(branch).then(
        () => commit,
        () => undefined,
      );
    },
    async commitEntry(branch, { mode, content, path }) {
      await startFrom(branch);
      const blob = join(folder, ".git", "entry");
      await writeFile(blob, content);
      const id =
        mode === "160000" ? await mine("rev-parse", "HEAD") : await mine("hash-object", "-w", "--no-filters", blob);
      await mine("update-index", "--add", "--cacheinfo", `${mode},${id},${path}`);
      await mine("commit", "--quiet", "-m", `Add ${mode}`);
      await push(branch);
      return Sha.parse(await mine("rev-parse", "HEAD"));
    },
  };
}

/** The commits among `recorded` that no branch and no tag of the remote holds any more: lost work (I1, reliability C3). */
export async function unreachableHumanCommits(remote: string, recorded: Sha[]): Promise<Sha[]> {
  const reachable = new Set((await git(remote, "rev-list", "--all")).split("\n"));
  return recorded.filter((commit) => !reachable.has(commit));
}

/** Installs a server-side hook at the remote. */
export async function installHook(remote: string, name: string, script: string): Promise<void> {
  await mkdir(join(remote, "hooks"), { recursive: true });
  await writeFile(join(remote, "hooks", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Where a branch of the remote points; `undefined` when there is none. */
export async function headOf(remote: string, branch: string): Promise<Sha | undefined> {
  const found = await git(remote, "for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`);
  return found === "" ? undefined : Sha.parse(found);
}

/** The branches of the remote, sorted. */
export async function branchesOf(remote: string): Promise<string[]> {
  return (await git(remote, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")).split("\n").sort();
}
