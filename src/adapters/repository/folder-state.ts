import { existsSync } from "node:fs";
import { appendFile, copyFile, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { Folder } from "./folder.ts";
import { type Changes, changesIn } from "./folder-changes.ts";
import { createGit, type Git } from "./local-git.ts";
import { alternatesOf, rawAttributes } from "./local-mirror.ts";
import { incomplete } from "./local-tree.ts";

/** A folder as it is, uncommitted work included, as the branch `main` of a bare repository of our own. */
export interface FolderState {
  remote: string;
  base: Sha;
  /** Where its objects lie: ours and the folder's own, which are only read. */
  objects: string[];
  /** How the folder differs from what is committed. */
  uncommitted: Pick<Changes, "changed" | "added" | "removed">;
  /** What is not taken along, in sentences. */
  leftOut: string[];
}

export interface StateOptions {
  /** An empty folder for the bare repository. */
  directory: string;
  /** The date of the commit that holds uncommitted work. */
  at: Date;
  /** Whose own ignore rules hold besides the repository's. */
  home?: string;
}

const identity = { name: "Vigil", email: "vigil@localhost" };
const searchPath = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/usr/local/sbin:/usr/sbin:/sbin";
/** Hashing a large folder is silent work. */
const timeoutMs = 120_000;
const indexBytesMax = 512 * 1024 * 1024;

/** Our repository, and how it sees the folder's objects: while something is written it does not. */
interface Desk {
  git: Git;
  remote: string;
  /** Git renews the times of objects that it would write and finds elsewhere; the folder's own must stay as they are. */
  reading: { GIT_ALTERNATE_OBJECT_DIRECTORIES: string };
  index: string;
}

/**
 * Records the state of `folder` without writing to it: git runs on a repository of ours that borrows the folder's objects
 * and looks at its files, so that none of its hooks, filters, monitors and aliases ever runs.
 */
export async function recordState(folder: Folder, options: StateOptions): Promise<FolderState> {
  const theirs = join(folder.commonDirectory, "objects");
  const desk = await prepareDesk(options.directory, theirs);
  const { git, remote } = desk;
  const committed = folder.head === null ? null : await treeOf(desk, folder.head);
  const changes = folder.top === null ? nothing : await recordIndex(desk, { folder, top: folder.top, options });
  const tree = folder.top === null ? committed : await currentTree(desk, folder, changes, committed);
  const base = await baseOf(desk, { folder, committed, tree, at: options.at });
  await writeFile(join(remote, "objects", "info", "alternates"), alternatesOf([theirs]));
  await git.output(["update-ref", "refs/heads/main", base]);
  const { changed, added, removed, leftOut } = changes;
  const objects = [join(remote, "objects"), theirs];
  return { remote, base, objects, uncommitted: { changed, added, removed }, leftOut };
}

const nothing: Changes = { entries: [], changed: 0, added: 0, removed: 0, leftOut: [] };

async function prepareDesk(directory: string, theirs: string): Promise<Desk> {
  const remote = join(directory, "state.git");
  await mkdir(remote, { recursive: true });
  const git = createGit({ directory: remote, identity, protocol: "file", searchPath, timeoutMs });
  await git.output(["init", "--bare", "--initial-branch=main", "--object-format=sha1"]);
  // Nobody pushes anything that the folder's own branches could spare us: they are not asked for.
  await appendFile(join(remote, "config"), "[core]\n\talternateRefsCommand = true\n");
  await mkdir(join(remote, "info"), { recursive: true });
  await writeFile(join(remote, "info", "attributes"), rawAttributes);
  const reading = { GIT_ALTERNATE_OBJECT_DIRECTORIES: alternatesOf([theirs]).trimEnd() };
  return { git, remote, reading, index: join(directory, "index") };
}

/** Makes our index hold what lies in the folder now. */
async function recordIndex(
  desk: Desk,
  { folder, top, options }: { folder: Folder; top: string; options: StateOptions },
): Promise<Changes> {
  const { git, index } = desk;
  await takeIgnoreRules(desk, folder, options.home ?? homedir());
  await takeIndex(desk, folder);
  const changes = await changesIn(git, { top, index });
  const input = Buffer.concat(changes.entries);
  await git.output(["update-index", "-z", "--index-info"], { input, environment: { GIT_INDEX_FILE: index } });
  return changes;
}

/** What this person and this clone ignore besides the repository's own `.gitignore` files. */
async function takeIgnoreRules({ git, remote }: Desk, folder: Folder, home: string): Promise<void> {
  const own = await readFile(join(folder.commonDirectory, "info", "exclude")).catch(() => undefined);
  if (own !== undefined) await writeFile(join(remote, "info", "exclude"), own);
  const places = [join(home, ".gitconfig"), join(home, ".config", "git", "config")].filter((place) =>
    existsSync(place),
  );
  for (const place of places) {
    const args = ["config", "--file", place, "--type=path", "--get", "core.excludesFile"];
    const found = await git.run(args, { environment: { HOME: home } });
    const named = found.exitCode === 0 ? found.stdout.toString("utf8").trim() : "";
    if (named !== "") return void (await git.output(["config", "core.excludesFile", named]));
  }
  const usual = join(home, ".config", "git", "ignore");
  if (existsSync(usual)) await git.output(["config", "core.excludesFile", usual]);
}

/** A copy of the folder's index: it knows which files are unchanged, so that only the others are read. */
async function takeIndex({ git, remote, reading, index }: Desk, folder: Folder): Promise<void> {
  const theirs = join(folder.gitDirectory, "index");
  const environment = { GIT_INDEX_FILE: index };
  const found = await stat(theirs).catch(() => undefined);
  if (found?.isFile() && found.size <= indexBytesMax) {
    await copyFile(theirs, index);
    // A file changed in the second in which the index was written is only told apart by the index's own time.
    const writtenAt = Math.floor(found.mtimeMs / 1_000);
    await utimes(index, writtenAt, writtenAt);
    const shared = (await readdir(folder.gitDirectory)).filter((name) => /^sharedindex\.[0-9a-f]{40}$/.test(name));
    for (const name of shared) await copyFile(join(folder.gitDirectory, name), join(remote, name));
    if ((await git.run(["ls-files", "--stage"], { environment, outputBytesMax: 1 })).exitCode === 0) return;
  }
  // None, or one that cannot be read (another process is just writing it): every file is compared.
  const args = ["read-tree", folder.head === null ? "--empty" : folder.head];
  await git.output(args, { environment: { ...environment, ...reading } });
}

/** The tree of our index; the committed one where they are alike, so that nothing has to be written. */
async function currentTree(desk: Desk, folder: Folder, changes: Changes, committed: Sha | null): Promise<Sha> {
  const { git, index, reading } = desk;
  const environment = { GIT_INDEX_FILE: index };
  if (changes.entries.length === 0 && folder.head !== null && committed !== null) {
    const args = ["diff-index", "--cached", "--quiet", "--ignore-submodules=all", folder.head];
    const compared = await git.run(args, { environment: { ...environment, ...reading } });
    if (compared.exitCode === 0) return committed;
  }
  // The files' contents may lie among the folder's objects, which are out of sight.
  const result = await git.run(["write-tree", "--missing-ok"], { environment });
  if (result.exitCode !== 0) throw incomplete(result.stderr);
  return idIn(result.stdout);
}

async function treeOf({ git, reading }: Desk, commit: Sha): Promise<Sha> {
  const args = ["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`];
  const result = await git.run(args, { environment: reading });
  if (result.exitCode !== 0) throw incomplete(result.stderr);
  return idIn(result.stdout);
}

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** HEAD itself where nothing is uncommitted; else a commit on top of it. A history that is cut off is left behind. */
async function baseOf(
  { git }: Desk,
  given: { folder: Folder; committed: Sha | null; tree: Sha | null; at: Date },
): Promise<Sha> {
  const { folder, committed, tree, at } = given;
  if (tree === null || tree === emptyTree) throw empty();
  const parent = folder.isCutOff ? null : folder.head;
  if (parent !== null && committed === tree) return parent;
  const who = `${identity.name} <${identity.email}> ${Math.floor(at.getTime() / 1_000)} +0000`;
  const parents = parent === null ? [] : [`parent ${parent}`];
  const lines = [`tree ${tree}`, ...parents, `author ${who}`, `committer ${who}`, "", "The folder as it is", ""];
  return idIn(await git.output(["hash-object", "-w", "-t", "commit", "--stdin"], { input: lines.join("\n") }));
}

function idIn(output: Buffer): Sha {
  return Sha.parse(output.toString("latin1").trim());
}

function empty(): Failure {
  return new Failure("not_found", "The repository holds no files yet.", {
    hint: "There is nothing that could be fixed.",
  });
}
