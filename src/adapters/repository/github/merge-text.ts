import { diffArrays } from "diff";

/** A run of the base's lines that one side replaced. `from` to `to` (exclusive) are the base's. */
interface Hunk {
  from: number;
  to: number;
  lines: string[];
}

/** Beyond so many differences two texts are not merged line by line. */
const editLengthMax = 4_000;

/**
 * The three-way merge of a text, line by line; `undefined` where both sides changed the same lines or lines that touch each
 * other: then a person or a new attempt decides, as with Git.
 */
export function mergeText(base: string, ours: string, theirs: string): string | undefined {
  const lines = linesOf(base);
  const mine = hunksOf(lines, linesOf(ours));
  const other = hunksOf(lines, linesOf(theirs));
  if (mine === undefined || other === undefined) return undefined;
  const merged: string[] = [];
  let at = 0;
  while (mine.length > 0 || other.length > 0) {
    const [first, second] = [mine[0], other[0]];
    if (first !== undefined && second !== undefined && touch(first, second)) {
      if (!isSame(first, second)) return undefined;
      other.shift();
    }
    const next =
      second === undefined || (first !== undefined && first.from <= second.from) ? mine.shift() : other.shift();
    if (next === undefined) break;
    merged.push(...lines.slice(at, next.from), ...next.lines);
    at = next.to;
  }
  return [...merged, ...lines.slice(at)].join("");
}

function touch(a: Hunk, b: Hunk): boolean {
  return a.from <= b.to && b.from <= a.to;
}

function isSame(a: Hunk, b: Hunk): boolean {
  return a.from === b.from && a.to === b.to && a.lines.join("") === b.lines.join("");
}

function hunksOf(base: string[], changed: string[]): Hunk[] | undefined {
  const parts = diffArrays(base, changed, { maxEditLength: editLengthMax });
  if (parts === undefined) return undefined;
  const hunks: Hunk[] = [];
  let at = 0;
  let open: Hunk | undefined;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length;
      open = undefined;
      continue;
    }
    if (open === undefined) {
      open = { from: at, to: at, lines: [] };
      hunks.push(open);
    }
    if (added) open.lines.push(...value);
    else {
      at += value.length;
      open.to = at;
    }
  }
  return hunks;
}

/** Lines with their ends, so that a file without a last line break stays one. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
