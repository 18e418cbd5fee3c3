import { foldersOf, isRegular, textOf } from "../tree-paths.ts";
import { mergeText } from "./merge-text.ts";
import type { Commit, Entry, Objects } from "./objects.ts";

/** One file of the merged tree that differs from ours: a known content, a new text, or nothing (`null`). */
export type MergedFile = { path: string; mode: string; to: { id: string } | { text: string } | null };

export type Merged = { kind: "merged"; files: MergedFile[] } | { kind: "conflict"; files: string[] };

const conflictFilesMax = 1_000;

/**
 * The three-way merge of two commits, as what must change in ours. GitHub merges only into branches; a branch of our own for
 * each merge would start the project's checks and deployments for nothing. Renames are not followed: a file that one side
 * moved and the other changed is a conflict, which is the safe side.
 */
export async function mergeTrees(
  objects: Objects,
  { base, ours, theirs }: { base: Commit; ours: Commit; theirs: Commit },
): Promise<Merged> {
  const [before, mine, other] = await Promise.all([base, ours, theirs].map((commit) => entriesOf(objects, commit)));
  if (before === undefined || mine === undefined || other === undefined) throw new Error("unreachable");
  const files: MergedFile[] = [];
  const conflicts: string[] = [];
  for (const path of new Set([...before.keys(), ...mine.keys(), ...other.keys()])) {
    const [b, o, t] = [before.get(path), mine.get(path), other.get(path)];
    if (isSame(o, t) || isSame(b, t)) continue;
    const merged = isSame(b, o) ? taken(path, t) : await mergeFile(objects, path, { b, o, t });
    if (merged === undefined) conflicts.push(path);
    else files.push(merged);
  }
  conflicts.push(...bothFileAndFolder(mine, files));
  if (conflicts.length === 0) return { kind: "merged", files };
  return { kind: "conflict", files: [...new Set(conflicts)].sort().slice(0, conflictFilesMax) };
}

async function entriesOf(objects: Objects, commit: Commit): Promise<Map<string, Entry>> {
  return new Map((await objects.entries(commit)).map((entry) => [entry.path, entry]));
}

function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  return a?.id === b?.id && a?.mode === b?.mode;
}

function taken(path: string, entry: Entry | undefined): MergedFile {
  return entry === undefined ? { path, mode: "100644", to: null } : { path, mode: entry.mode, to: { id: entry.id } };
}

/** Both sides changed the file. */
async function mergeFile(
  objects: Objects,
  path: string,
  { b, o, t }: { b: Entry | undefined; o: Entry | undefined; t: Entry | undefined },
): Promise<MergedFile | undefined> {
  if (b === undefined || o === undefined || t === undefined) return undefined;
  if (![b, o, t].every(isRegular)) return undefined;
  if (b.mode !== o.mode && b.mode !== t.mode && o.mode !== t.mode) return undefined;
  const mode = o.mode === b.mode ? t.mode : o.mode;
  if (t.id === b.id || t.id === o.id) return { path, mode, to: { id: o.id } };
  if (o.id === b.id) return { path, mode, to: { id: t.id } };
  const texts = [];
  for (const entry of [b, o, t]) {
    const content = await objects.content(entry);
    const text = content.includes(0) ? undefined : textOf(content);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  const [base = "", ours = "", theirs = ""] = texts;
  const text = mergeText(base, ours, theirs);
  return text === undefined ? undefined : { path, mode, to: { text } };
}

/** A path that one side made a file and the other a folder. */
function bothFileAndFolder(ours: Map<string, Entry>, files: MergedFile[]): string[] {
  const paths = new Set(ours.keys());
  for (const { path, to } of files) {
    if (to === null) paths.delete(path);
    else paths.add(path);
  }
  return [...paths].flatMap(foldersOf).filter((folder) => paths.has(folder));
}
