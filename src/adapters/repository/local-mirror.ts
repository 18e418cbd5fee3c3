import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Failure } from "#domain/failure.ts";
import type { Git, GitOptions } from "./local-git.ts";
import { createGit } from "./local-git.ts";
import type { Remote, RemoteAddress } from "./local-remote.ts";
import { createRemote, remoteFailure } from "./local-remote.ts";

/** Our own bare copy of the repository. Everything that Vigil makes is made here, as objects; nothing is ever checked out. */
export interface Mirror {
  remote: Remote;
  /** Git on the copy, which is made first where it is missing. */
  git(): Promise<Git>;
  /** Brings these commits with their history into the copy, or throws `not_found`. */
  need(commits: string[]): Promise<void>;
  /** Which of these commits are in the copy, after a fetch where one is missing. */
  present(commits: string[]): Promise<Set<string>>;
  /** Calls `work` with an empty folder of its own and removes it afterwards. */
  withFolder<T>(work: (folder: string) => Promise<T>): Promise<T>;
}

const marker = "vigil-mirror";
const gitVersionMin = [2, 38] as const;
type GitAt = (directory: string) => Git;

/** Git holds a lock file for milliseconds; one this old belongs to a process that was killed. */
const lockStaleMs = 30_000;
/** Longer than any call may take, so that nobody works in such a folder any more. */
const folderStaleMs = 60 * 60_000;
const packsMax = 100;
const repackTimeoutFactor = 20;

/** Switches off everything by which a target's `.gitattributes` could change, hide or run something (reliability C16, D15). */
export const rawAttributes =
  "* !export-ignore !export-subst !text !eol !crlf !ident !filter !working-tree-encoding !diff !merge !whitespace !delta\n";

/** `borrowed`: folders of objects that are read in place instead of being fetched. */
export function createMirror(
  options: Omit<GitOptions, "protocol"> & { address: RemoteAddress; borrowed?: string[] },
): Mirror {
  const { address, borrowed = [] } = options;
  const directory = resolve(options.directory);
  const gitAt: GitAt = (folder) => createGit({ ...options, directory: folder, protocol: address.protocol });
  const ours = gitAt(directory);
  const prepared = { once: undefined as Promise<void> | undefined };

  async function git(): Promise<Git> {
    if (prepared.once === undefined || !existsSync(join(directory, marker)))
      prepared.once = prepare(directory, gitAt, borrowed);
    try {
      await prepared.once;
    } catch (error) {
      prepared.once = undefined;
      throw error;
    }
    return ours;
  }
  const remote = createRemote(address, git);
  const oneAtATime = createQueue();

  async function missing(commits: string[]): Promise<string[]> {
    const input = commits.map((commit) => `${commit}^{commit}\n`).join("");
    const lines = (await (await git()).output(["cat-file", "--batch-check"], { input })).toString("utf8").split("\n");
    return commits.filter((_, index) => !/^[0-9a-f]{40} commit /.test(lines[index] ?? ""));
  }
  async function fetchMissing(commits: string[]): Promise<string[]> {
    if ((await missing(commits)).length === 0) return [];
    await fetch(directory, remote, ["+refs/heads/*:refs/remotes/origin/*"]);
    const left = await missing(commits);
    if (left.length === 0) return [];
    // Commits that no branch holds any more are often still there, by their id.
    await remote.run([...fetchCommand, "--end-of-options", address.url, ...left]);
    return missing(commits);
  }
  async function stillMissing(commits: string[]): Promise<string[]> {
    refuseShallow(address);
    if (commits.length === 0 || (await missing(commits)).length === 0) return [];
    return oneAtATime(() => fetchMissing(commits));
  }
  return {
    remote,
    git,
    async need(commits) {
      const left = await stillMissing(commits.map(fullId));
      if (left[0] === undefined) return;
      throw new Failure("not_found", `The commit ${left[0].slice(0, 12)} is not in the repository ${address.label}.`, {
        hint: "It may have been removed by a rewritten branch.",
      });
    },
    async present(commits) {
      const ids = commits.map(fullId);
      const left = new Set(await stillMissing(ids));
      return new Set(ids.filter((id) => !left.has(id)));
    },
    async withFolder(work) {
      await git();
      const folder = await mkdtemp(join(directory, "temporary", "work-"));
      try {
        return await work(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

const fetchCommand = [
  "fetch",
  "--no-tags",
  "--no-write-fetch-head",
  "--no-auto-maintenance",
  "--no-recurse-submodules",
  // Progress is a sign of life for the limit on silence.
  "--progress",
];

/** Objects are what counts: when another process holds a lock on our refs, the commits are here all the same. */
async function fetch(directory: string, remote: Remote, refspecs: string[]): Promise<void> {
  const args = [...fetchCommand, "--prune", "--end-of-options", remote.address.url, ...refspecs];
  const result = await remote.run(args);
  if (/shallow (roots|update)/.test(result.stderr)) throw shallow(remote.address.label);
  if (result.exitCode === 0) return;
  if (!/cannot lock ref|unable to create|\.lock/i.test(result.stderr))
    throw remoteFailure(remote.address, result.stderr);
  await removeStaleLocks(directory);
}

function fullId(commit: string): string {
  if (/^[0-9a-f]{40}$/.test(commit)) return commit;
  throw new Failure("invalid", "A full commit id of 40 hexadecimal digits is needed.");
}

function refuseShallow({ path, label }: RemoteAddress): void {
  if (path === undefined) return;
  if (existsSync(join(path, "shallow")) || existsSync(join(path, ".git", "shallow"))) throw shallow(label);
}

/** A history with its end cut off cannot answer what contains what; guessing could lose someone's work (reliability C10). */
function shallow(label: string): Failure {
  return new Failure("misconfigured", `The repository ${label} is a shallow clone: a part of its history is missing.`, {
    hint: 'Run "git fetch --unshallow" there, or point AGENT_REPOSITORY to the original.',
  });
}

/** Makes the copy by renaming a finished one into place, so that a crash or a second process never sees a half-made one. */
async function prepare(directory: string, gitAt: GitAt, borrowed: string[]): Promise<void> {
  await mkdir(dirname(directory), { recursive: true });
  if (!existsSync(join(directory, marker))) {
    if (existsSync(directory) && (await readdir(directory)).length > 0) {
      throw new Failure("misconfigured", "The folder for the agent's copy of the repository holds something else.", {
        hint: "Choose an empty folder, or remove that one.",
      });
    }
    await initialise(directory, gitAt, borrowed);
  }
  await mkdir(join(directory, "temporary"), { recursive: true });
  await requireVersion(gitAt(directory));
  await removeStaleLocks(directory);
  await removeStaleFolders(join(directory, "temporary"), "work-");
  await removeStaleFolders(dirname(directory), `${basename(directory)}.new-`);
  await joinPacks(directory, gitAt(directory));
}

async function initialise(directory: string, gitAt: GitAt, borrowed: string[]): Promise<void> {
  const fresh = await mkdtemp(`${directory}.new-`);
  try {
    await gitAt(fresh).output(["init", "--bare", "--initial-branch=main", "--object-format=sha1"]);
    await rm(join(fresh, "hooks"), { recursive: true, force: true });
    await mkdir(join(fresh, "info"), { recursive: true });
    await writeFile(join(fresh, "info", "attributes"), rawAttributes);
    if (borrowed.length > 0) await writeFile(join(fresh, "objects", "info", "alternates"), alternatesOf(borrowed));
    await writeFile(join(fresh, marker), "1\n");
    await rename(fresh, directory).catch((error: NodeJS.ErrnoException) => {
      // Another process was faster, which is as good.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** One folder a line, quoted so that nothing in a name ends the line. */
export function alternatesOf(folders: string[]): string {
  return folders.map((folder) => `${quotedForGit(Buffer.from(folder))}\n`).join("");
}

/** A path as git quotes it: any byte, on one line. */
export function quotedForGit(path: Buffer): string {
  const signs = [...path].map((byte) => {
    const isPlain = byte >= 32 && byte < 127 && byte !== 34 && byte !== 92;
    return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${signs.join("")}"`;
}

async function requireVersion(git: Git): Promise<void> {
  const text = (await git.output(["version"])).toString("utf8");
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  const version = Number(major) * 1_000 + Number(minor);
  if (version >= gitVersionMin[0] * 1_000 + gitVersionMin[1]) return;
  throw new Failure("misconfigured", `Git is too old: ${text.trim()}.`, { hint: "Install git 2.38 or newer." });
}

async function removeStaleLocks(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true });
  const locks = names.filter(
    (name) => name.endsWith(".lock") && !name.startsWith("objects") && !name.startsWith("temporary"),
  );
  for (const name of locks) await removeOlder(join(directory, name), lockStaleMs);
}

async function removeStaleFolders(parent: string, prefix: string): Promise<void> {
  const folders = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  for (const name of folders) await removeOlder(join(parent, name), folderStaleMs);
}

async function removeOlder(path: string, ageMs: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || Date.now() - found.mtimeMs < ageMs) return;
  await rm(path, { recursive: true, force: true });
}

/** Each fetch leaves a pack. Joining them keeps look-ups fast; `-k` keeps commits that no branch holds. A failure changes nothing. */
async function joinPacks(directory: string, git: Git): Promise<void> {
  const packs = (await readdir(join(directory, "objects", "pack"))).filter((name) => name.endsWith(".pack"));
  if (packs.length > packsMax)
    await git.run(["repack", "-a", "-d", "-k", "--quiet"], { timeoutFactor: repackTimeoutFactor });
}

/** Runs one after the other what would only get in each other's way. */
function createQueue() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
