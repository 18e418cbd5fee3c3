import { Failure } from "#domain/failure.ts";
import type { FileChange } from "#domain/fix.ts";
import { cutText, diffBytesMax } from "../diff-limit.ts";
import { type Side, showChange } from "./diff-text.ts";
import type { Commit, Entry, Objects } from "./objects.ts";

const changedFilesMax = 20_000;

/**
 * What differs between two commits, from their trees and contents. GitHub's own comparison would leave out large files, hide
 * what `.gitattributes` calls binary and show renames as one entry (reliability D5, D15).
 */
export async function changesBetween(
  objects: Objects,
  from: Commit,
  to: Commit,
): Promise<{ files: FileChange[]; diff: string }> {
  if (from.tree === to.tree) return { files: [], diff: "" };
  const pairs = pairsOf(await objects.entries(from), await objects.entries(to));
  if (pairs.length > changedFilesMax) throw new Failure("too_large", "Too many files differ between the two commits.");
  await objects.preload(
    from,
    pairs.flatMap(({ before }) => before ?? []),
  );
  await objects.preload(
    to,
    pairs.flatMap(({ after }) => after ?? []),
  );
  const files: FileChange[] = [];
  const parts: string[] = [];
  let bytes = 0;
  for (const { path, before, after } of pairs) {
    const shown = showChange(path, await sideOf(objects, before), await sideOf(objects, after));
    files.push(shown.file);
    if (bytes > diffBytesMax) continue;
    parts.push(shown.text);
    bytes += Buffer.byteLength(shown.text);
  }
  const text = parts.join("");
  if (bytes <= diffBytesMax) return { files, diff: text };
  return { files, diff: cutText(Buffer.from(text).subarray(0, diffBytesMax).toString("utf8"), from.sha, to.sha) };
}

interface Pair {
  path: string;
  before: Entry | undefined;
  after: Entry | undefined;
}

function pairsOf(before: Entry[], after: Entry[]): Pair[] {
  const old = new Map(before.map((entry) => [entry.path, entry]));
  const now = new Map(after.map((entry) => [entry.path, entry]));
  const paths = [...new Set([...old.keys(), ...now.keys()])];
  return paths
    .map((path) => ({ path, before: old.get(path), after: now.get(path) }))
    .filter((pair) => pair.before?.id !== pair.after?.id || pair.before?.mode !== pair.after?.mode)
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

async function sideOf(objects: Objects, entry: Entry | undefined): Promise<Side | undefined> {
  if (entry === undefined) return undefined;
  const { mode, id } = entry;
  if (mode === "160000") return { mode, id, content: Buffer.from(`Subproject commit ${id}\n`) };
  return { mode, id, content: await objects.content(entry) };
}
