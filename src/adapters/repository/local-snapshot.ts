import type { Sha } from "#domain/ids.ts";
import { Sha as ShaSchema } from "#domain/ids.ts";
import type { PastCommit, Snapshot } from "#ports/repository.ts";
import type { Git } from "./local-git.ts";
import { incomplete, splitAtZero, treeEntries } from "./local-tree.ts";
import { isInside, isRegular, textOf } from "./tree-paths.ts";

/** Bounds that the port promises. */
const filesMax = 50_000;
const fileBytesMax = 1_000_000;
/** A minified line is no use to a reader, and a generous caller must not fill the memory. */
const lineCharactersMax = 500;
const placesMax = 10_000;
const searchBytesMax = 16 * 1024 * 1024;
const historyMax = 1_000;
const blamedLinesMax = 200;

/** A commit's files, read from objects. `commit` and its history are in the copy already. */
export function createSnapshot(git: Git, commit: Sha): Snapshot {
  return {
    commit,
    async list() {
      const entries = await treeEntries(git, commit);
      const paths = entries
        .filter(isRegular)
        .flatMap(({ path }) => (path !== undefined && isInside(path) ? [path] : []));
      return paths.sort().slice(0, filesMax);
    },
    async read(path) {
      if (!isInside(path)) return undefined;
      const entry = (await treeEntries(git, commit, [path])).find((found) => found.path === path);
      if (entry === undefined || !isRegular(entry) || (entry.size ?? 0) > fileBytesMax) return undefined;
      const content = await git.output(["cat-file", "blob", entry.id]);
      return content.includes(0) ? undefined : textOf(content);
    },
    async search(text, limit) {
      const most = Math.min(Math.floor(limit), placesMax);
      if (text === "" || /[\n\0]/.test(text) || most < 1) return [];
      // Without a path of its own, the commit's id is what git grep writes before each path.
      const args = ["grep", "-F", "-n", "-z", "-I", "--no-color", `--max-count=${most}`, "-e", text, commit, "--"];
      const result = await git.run(args, { outputBytesMax: searchBytesMax });
      if (result.exitCode > 1) throw incomplete(result.stderr);
      return parsePlaces(result.stdout, commit, most);
    },
    async history(path, limit) {
      const most = Math.min(Math.floor(limit), historyMax);
      if (!isInside(path) || most < 1) return [];
      const format = "--format=%H%n%ct%n%an%n%s";
      const args = ["log", "-z", format, `--max-count=${most}`, "--end-of-options", commit, "--", path];
      const result = await git.run(args);
      if (result.exitCode !== 0) throw incomplete(result.stderr);
      return splitAtZero(Buffer.concat([result.stdout, Buffer.alloc(1)])).flatMap(parseCommit);
    },
    async blame(path, from, to) {
      const first = Math.max(1, Math.floor(from));
      const last = Math.min(Math.floor(to), first + blamedLinesMax - 1);
      if (!isInside(path) || !(first <= last)) return [];
      const text = await this.read(path);
      if (text === undefined) return [];
      const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
      if (first > lines) return [];
      const range = `${first},${Math.min(last, lines)}`;
      const result = await git.run(["blame", "--line-porcelain", "-L", range, commit, "--", path]);
      if (result.exitCode !== 0) throw incomplete(result.stderr);
      return parseBlame(result.stdout.toString("utf8"));
    },
  };
}

/** `<commit>:<path>\0<line>\0<text>\n`, repeated; a path may hold anything but a zero. */
function parsePlaces(output: Buffer, commit: Sha, most: number) {
  const places: { path: string; line: number; text: string }[] = [];
  let start = 0;
  while (places.length < most) {
    const afterPath = output.indexOf(0, start);
    const afterLine = afterPath === -1 ? -1 : output.indexOf(0, afterPath + 1);
    const end = afterLine === -1 ? -1 : output.indexOf("\n", afterLine + 1);
    if (end === -1) break;
    const path = textOf(output.subarray(start + commit.length + 1, afterPath));
    const line = Number(output.subarray(afterPath + 1, afterLine).toString("latin1"));
    const text = output
      .subarray(afterLine + 1, end)
      .toString("utf8")
      .replace(/\r$/, "")
      .slice(0, lineCharactersMax);
    if (path !== undefined) places.push({ path, line, text });
    start = end + 1;
  }
  return places;
}

function parseCommit(record: Buffer) {
  const [id, seconds, author = "", subject = ""] = record.toString("utf8").split("\n");
  const commit = ShaSchema.safeParse(id);
  return commit.success ? [{ commit: commit.data, at: new Date(Number(seconds) * 1_000), author, subject }] : [];
}

/** For each line a header `<commit> <line then> <line now>`, facts as `<name> <value>`, and the line itself after a tab. */
function parseBlame(output: string) {
  const blamed: (PastCommit & { line: number })[] = [];
  let facts: Record<string, string> = {};
  for (const row of output.split("\n")) {
    const header = /^([0-9a-f]{40}) \d{1,9} (\d{1,9})/.exec(row);
    if (header !== null) facts = { id: header[1] ?? "", line: header[2] ?? "" };
    else if (row.startsWith("\t")) blamed.push(...blameOf(facts));
    else {
      const space = row.indexOf(" ");
      if (space > 0) facts[row.slice(0, space)] = row.slice(space + 1);
    }
  }
  return blamed;
}

function blameOf({ id, line, author = "", summary = "", "author-time": seconds }: Record<string, string>) {
  const commit = ShaSchema.safeParse(id);
  if (!commit.success) return [];
  return [{ commit: commit.data, line: Number(line), at: new Date(Number(seconds) * 1_000), author, subject: summary }];
}
