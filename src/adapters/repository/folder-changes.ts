import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, readFile, readlink, realpath } from "node:fs/promises";
import { Failure } from "#domain/failure.ts";
import type { Git } from "./local-git.ts";
import { quotedForGit } from "./local-mirror.ts";
import { splitAtZero } from "./local-tree.ts";

/** How the files of a folder differ from its index. */
export interface Changes {
  /** Records for `update-index -z --index-info`. */
  entries: Buffer[];
  changed: number;
  added: number;
  removed: number;
  leftOut: string[];
}

/** An untracked folder is worth taking along when someone wrote it by hand. */
const untracked = { filesInFolderMax: 2_000, filesMax: 5_000, fileBytesMax: 5 * 1024 ** 2, bytesMax: 64 * 1024 ** 2 };
const turnedBytesMax = 1_000_000;
const changedFileBytesMax = 100 * 1024 ** 2;
const listingBytesMax = 128 * 1024 ** 2;
const gitlink = "160000";
const symbolicLink = "120000";

interface Place {
  git: Git;
  top: string;
  index: string;
}

interface Found {
  /** The path as its bytes: names need not be UTF-8. */
  path: Buffer;
  stats: Stats;
}

/** Compares the work tree `top` with `index` by reading files only; what is ignored and `node_modules` stay out. */
export async function changesIn(git: Git, { top, index }: { top: string; index: string }): Promise<Changes> {
  const place: Place = { git, top, index };
  const known = await entriesIn(place);
  const listed = await list(place, ["--modified", "--deleted"]);
  const unmerged = [...known].filter(([, { stage }]) => stage !== "0").map(([key]) => Buffer.from(key, "latin1"));
  const unlike = unique([...listed.paths, ...unmerged]).filter((path) => known.get(keyOf(path))?.mode !== gitlink);
  const others = await list(place, ["--others", "--exclude-standard", "--exclude=node_modules"]);
  const leftOut = others.cut ? ["most untracked files: there are too many to list"] : [];
  const isOutside = createLinkWatch(top);
  const tracked = await lookAt(unlike, top, isOutside);
  const taken = chosen((await lookAt(others.paths, top, isOutside)).found, leftOut);
  const readable = tracked.found.filter(({ stats }) => isTaken(stats) && stats.size <= changedFileBytesMax);
  const present = await withoutTurnedLineEnds(readable, top, known);
  const tooLarge = tracked.found.filter(({ stats }) => stats.isFile() && stats.size > changedFileBytesMax);
  if (tooLarge.length > 0) leftOut.push(`changes to ${tooLarge.length} file(s) larger than 100 MB`);
  const gone = [...tracked.missing, ...tracked.found.filter(({ stats }) => !isTaken(stats)).map(({ path }) => path)];
  const submodules = [...known.values()].filter(({ mode }) => mode === gitlink).length;
  if (submodules > 0) leftOut.push(`the files of ${submodules} submodule(s)`);
  const written = [...(await entriesOf(place, present, known)), ...(await entriesOf(place, taken, known))];
  return {
    entries: [...gone.map((path) => entry("0", "0".repeat(40), path)), ...written],
    changed: present.length,
    added: taken.length,
    removed: gone.length,
    leftOut,
  };
}

/** What `git ls-files` answers for the work tree, one record a path. */
async function list({ git, top, index }: Place, args: string[]): Promise<{ paths: Buffer[]; cut: boolean }> {
  const environment = { GIT_INDEX_FILE: index, GIT_WORK_TREE: top };
  const result = await git.run(["ls-files", "-z", ...args], { environment, outputBytesMax: listingBytesMax });
  if (result.exitCode === 0) return { paths: splitAtZero(result.stdout), cut: result.cut };
  throw new Failure("unavailable", "The files of the folder could not be listed.", {
    hint: "Something else may be changing the folder right now; try again.",
    cause: new Error(result.stderr.slice(0, 4_000)),
  });
}

interface Known {
  mode: string;
  id: string;
  /** Not `0` while a merge has not been settled. */
  stage: string;
}

/** What the index says of every path. */
async function entriesIn(place: Place): Promise<Map<string, Known>> {
  const { paths } = await list(place, ["--stage"]);
  return new Map(
    paths.map((record) => {
      const [mode = "", id = "", stage = "0"] = record.toString("latin1", 0, record.indexOf("\t")).split(" ");
      return [keyOf(pathOf(record)), { mode, id, stage }];
    }),
  );
}

/** `<mode> <id> <stage>\t<path>` */
const pathOf = (record: Buffer): Buffer => record.subarray(record.indexOf("\t") + 1);
const keyOf = (path: Buffer): string => path.toString("latin1");

function unique(paths: Buffer[]): Buffer[] {
  return [...new Map(paths.map((path) => [keyOf(path), path])).values()];
}

/** A plain file or a link; devices, pipes and folders are nothing that Git keeps. */
function isTaken(stats: Stats): boolean {
  return stats.isFile() || stats.isSymbolicLink();
}

type LinkWatch = (path: Buffer) => Promise<boolean>;

/** Whether a link on the way to a path leads elsewhere: then nothing of ours lies there. */
function createLinkWatch(top: string): LinkWatch {
  const known = new Map<string, Promise<boolean>>();
  return (path) => {
    const folder = path.subarray(0, Math.max(0, path.lastIndexOf("/")));
    const lexical = Buffer.concat([Buffer.from(`${top}/`), folder]);
    const found =
      known.get(keyOf(folder)) ??
      realpath(lexical, "buffer").then(
        (real) => folder.length > 0 && !real.equals(lexical),
        () => false,
      );
    known.set(keyOf(folder), found);
    return found;
  };
}

async function lookAt(paths: Buffer[], top: string, isOutside: LinkWatch) {
  const found: Found[] = [];
  const missing: Buffer[] = [];
  for (const path of paths) {
    // A folder with a repository of its own is listed by its name.
    if (path.at(-1) === slash) continue;
    const stats = (await isOutside(path)) ? undefined : await lstat(absolute(top, path)).catch(() => undefined);
    if (stats === undefined) missing.push(path);
    else found.push({ path, stats });
  }
  return { found, missing };
}

const slash = 47;

function absolute(top: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${top}/`), path]);
}

/** The untracked files that are taken along: no dumps, no data sets, nothing huge. The others are named in `leftOut`. */
function chosen(found: Found[], leftOut: string[]): Found[] {
  const inFolder = Map.groupBy(found, ({ path }) => keyOf(path).split("/").slice(0, -1).join("/").split("/")[0]);
  const huge = [...inFolder].filter(([name, files]) => name !== "" && files.length > untracked.filesInFolderMax);
  for (const [name, files] of huge) leftOut.push(`the untracked folder ${name} (${files.length} files)`);
  const dropped = new Set(huge.map(([name]) => name));
  const small = [...inFolder]
    .filter(([name]) => !dropped.has(name))
    .flatMap(([, files]) => files)
    .filter(({ stats }) => isTaken(stats))
    .toSorted((a, b) => a.stats.size - b.stats.size);
  let bytes = 0;
  const taken = small.filter(({ stats }, index) => {
    bytes += stats.size;
    return index < untracked.filesMax && bytes <= untracked.bytesMax && stats.size <= untracked.fileBytesMax;
  });
  if (taken.length < small.length) leftOut.push(`${small.length - taken.length} untracked file(s) that are too large`);
  return taken;
}

/** Git turned the line ends of a file when it was checked out: that is no change of anybody's. */
async function withoutTurnedLineEnds(files: Found[], top: string, known: Map<string, Known>): Promise<Found[]> {
  const changed: Found[] = [];
  for (const file of files) {
    const { path, stats } = file;
    const isText = stats.isFile() && stats.size <= turnedBytesMax;
    const text = isText ? await readFile(absolute(top, path), "latin1").catch(() => "") : "";
    const turned = text.includes("\r\n") ? blobId(Buffer.from(text.replaceAll("\r\n", "\n"), "latin1")) : undefined;
    if (turned === undefined || turned !== known.get(keyOf(path))?.id) changed.push(file);
  }
  return changed;
}

function blobId(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** Writes the files' bytes as they are, without any filter, and gives their records for the index. */
async function entriesOf(place: Place, files: Found[], known: Map<string, Known>): Promise<Buffer[]> {
  const plain = files.filter(({ stats }) => stats.isFile());
  const names = plain.map(({ path }) => `${quotedForGit(absolute(place.top, path))}\n`).join("");
  const args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
  const result = plain.length === 0 ? undefined : await place.git.run(args, { input: names });
  const ids = result?.stdout.toString("latin1").split("\n").slice(0, -1) ?? [];
  if (result !== undefined && (result.exitCode !== 0 || ids.length !== plain.length)) {
    throw new Failure("unavailable", "A file of the folder could not be read.", {
      hint: "It may have changed meanwhile, or this user may not read it.",
      cause: new Error(result.stderr.slice(0, 4_000)),
    });
  }
  const records = plain.map(({ path, stats }, index) => entry(modeOf(path, stats, known), ids[index] ?? "", path));
  for (const { path } of files.filter(({ stats }) => stats.isSymbolicLink())) {
    const target = await readlink(absolute(place.top, path), "buffer");
    const id = await place.git.output(["hash-object", "-w", "-t", "blob", "--stdin"], { input: target });
    records.push(entry(symbolicLink, id.toString("latin1").trim(), path));
  }
  return records;
}

/** What is tracked keeps its mode: some file systems know no executable files. */
function modeOf(path: Buffer, stats: Stats, known: Map<string, Known>): string {
  const before = known.get(keyOf(path))?.mode;
  if (before?.startsWith("100")) return before;
  return (stats.mode & 0o100) === 0 ? "100644" : "100755";
}

function entry(mode: string, id: string, path: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${id}\t`), path, Buffer.alloc(1)]);
}
