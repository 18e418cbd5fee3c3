import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";

/**
 * Someone's folder and the repository that it belongs to. Found by reading files, never by running git there: a
 * repository's own configuration may name programs.
 */
export interface Folder {
  /** The folder that was named, links resolved. */
  path: string;
  /** The top of its work tree; `null` for a bare repository. */
  top: string | null;
  /** Where the folder lies below the top, with `/`; empty at the top. */
  prefix: string;
  /** Holds HEAD and index; of a linked worktree its own one. */
  gitDirectory: string;
  /** Holds objects, branches and configuration. */
  commonDirectory: string;
  /** What is checked out; `null` before the first commit. */
  head: Sha | null;
  /** `null`: no branch is checked out. */
  branch: string | null;
  /** What a person began here and has not ended. */
  unfinished: string | null;
  /** A shallow or partial clone: older commits or their files are not here. */
  isCutOff: boolean;
}

const smallFileBytesMax = 64 * 1024;
const packedRefsBytesMax = 256 * 1024 * 1024;
const linksMax = 5;

/** Finds the repository of `path`, from there upwards. Failures: `not_found` (no folder, no repository), `unsupported`. */
export async function findFolder(path: string): Promise<Folder> {
  const named = await realpath(resolve(path)).catch(() => undefined);
  if (named === undefined || !(await isFolder(named))) {
    throw new Failure("not_found", `There is no folder ${path}.`, { hint: "Name the folder of a Git repository." });
  }
  for (let here = named; ; here = dirname(here)) {
    const gitDirectory = await gitDirectoryIn(here);
    if (gitDirectory !== undefined) return folderOf({ path: named, top: here, gitDirectory });
    if (await isGitDirectory(here)) return folderOf({ path: named, top: null, gitDirectory: here });
    if (dirname(here) === here) break;
  }
  throw new Failure("not_found", `${path} is not a Git repository, and no folder above it is one.`, {
    hint: 'Run "git init" there and try again; nothing has to be committed.',
  });
}

async function folderOf(found: { path: string; top: string | null; gitDirectory: string }): Promise<Folder> {
  const { path, top, gitDirectory } = found;
  const pointer = (await textOf(join(gitDirectory, "commondir")))?.trim();
  const commonDirectory = pointer === undefined ? gitDirectory : await realpath(resolve(gitDirectory, pointer));
  await refuseUnreadable(commonDirectory);
  const { head, branch } = await headIn(gitDirectory, commonDirectory);
  return {
    path,
    top,
    prefix: top === null ? "" : relative(top, path).split("\\").join("/"),
    gitDirectory,
    commonDirectory,
    head,
    branch,
    unfinished: await unfinishedIn(gitDirectory),
    isCutOff: await isCutOff(commonDirectory),
  };
}

/** `.git` is the folder itself, or a file that says where it is (linked worktrees, submodules). */
async function gitDirectoryIn(folder: string): Promise<string | undefined> {
  const place = join(folder, ".git");
  const found = await stat(place).catch(() => undefined);
  if (found?.isDirectory()) return (await isGitDirectory(place)) ? realpath(place) : undefined;
  if (!found?.isFile()) return undefined;
  const [, target] = /^gitdir: (.+)$/m.exec((await textOf(place)) ?? "") ?? [];
  if (target === undefined) return undefined;
  const pointed = await realpath(resolve(folder, target.trim())).catch(() => undefined);
  if (pointed !== undefined) return pointed;
  throw new Failure("not_found", `${place} points to a Git folder that is not there.`, {
    hint: 'The main repository was moved or removed: "git worktree repair" there mends it.',
  });
}

async function isGitDirectory(folder: string): Promise<boolean> {
  const hasHead = await lstat(join(folder, "HEAD")).then(
    () => true,
    () => false,
  );
  return hasHead && (await isFolder(join(folder, "objects"))) && (await isFolder(join(folder, "refs")));
}

/** What our own git could not read, said before it stumbles over it. */
async function refuseUnreadable(commonDirectory: string): Promise<void> {
  const configuration = (await textOf(join(commonDirectory, "config"), smallFileBytesMax * 16)) ?? "";
  if (/^\s*objectformat\s*=\s*"?sha256/im.test(configuration)) {
    throw new Failure("unsupported", "The repository uses SHA-256 object names, which Vigil cannot read yet.");
  }
  if (await isFolder(join(commonDirectory, "reftable"))) {
    throw new Failure("unsupported", "The repository keeps its branches in the reftable format.", {
      hint: 'Run "git refs migrate --ref-format=files" there.',
    });
  }
}

async function headIn(gitDirectory: string, commonDirectory: string): Promise<Pick<Folder, "head" | "branch">> {
  let name = "HEAD";
  let branch: string | null = null;
  for (let link = 0; link < linksMax; link++) {
    const place = name === "HEAD" ? join(gitDirectory, name) : join(commonDirectory, name);
    const text = (await textOf(place))?.trim() ?? (await packedRef(commonDirectory, name));
    if (text === undefined) return { head: null, branch };
    const [, target] = /^ref: (refs\/.+)$/.exec(text) ?? [];
    if (target === undefined) return { head: headOf(text), branch };
    if (target.split("/").some((part) => part === "" || part === "." || part === "..")) break;
    branch ??= target.replace(/^refs\/heads\//, "");
    name = target;
  }
  throw damaged();
}

function headOf(text: string): Sha {
  const sha = Sha.safeParse(text);
  if (!sha.success) throw damaged();
  return sha.data;
}

function damaged(): Failure {
  return new Failure("misconfigured", "HEAD of the repository does not name a commit.", {
    hint: 'Check the repository with "git fsck".',
  });
}

async function packedRef(commonDirectory: string, name: string): Promise<string | undefined> {
  const packed = (await textOf(join(commonDirectory, "packed-refs"), packedRefsBytesMax)) ?? "";
  const line = packed.split("\n").find((candidate) => candidate.slice(41) === name);
  return line?.slice(0, 40);
}

const unfinishedWork: [file: string, what: string][] = [
  ["MERGE_HEAD", "a merge"],
  ["rebase-merge", "a rebase"],
  ["rebase-apply", "a rebase"],
  ["CHERRY_PICK_HEAD", "a cherry-pick"],
  ["REVERT_HEAD", "a revert"],
  ["BISECT_LOG", "a bisect"],
];

async function unfinishedIn(gitDirectory: string): Promise<string | null> {
  for (const [file, what] of unfinishedWork) if (await isThere(join(gitDirectory, file))) return what;
  return null;
}

async function isCutOff(commonDirectory: string): Promise<boolean> {
  if (await isThere(join(commonDirectory, "shallow"))) return true;
  const configuration = (await textOf(join(commonDirectory, "config"), smallFileBytesMax * 16)) ?? "";
  return /^\s*(?:partialclone|promisor)\s*=/im.test(configuration);
}

/** The file's text; `undefined` where there is none. Larger than `bytesMax` is none of Git's own. */
async function textOf(path: string, bytesMax = smallFileBytesMax): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size > bytesMax) return undefined;
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new Failure("misconfigured", `${basename(path)} of the repository cannot be read.`, {
      hint: "Run Vigil as a user who may read that folder.",
      cause,
    });
  });
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Whether `path` is the folder `parent` or lies in it. */
export function isWithin(path: string, parent: string): boolean {
  const way = relative(parent, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}
