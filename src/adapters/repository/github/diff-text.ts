import { structuredPatch } from "diff";
import type { FileChange } from "#domain/fix.ts";

/** One side of a change; `undefined`: there is nothing. */
export interface Side {
  mode: string;
  id: string;
  content: Buffer;
}

export interface Shown {
  file: FileChange;
  /** As Git writes it with `--full-index --text --no-renames`. */
  text: string;
}

const noMode = "000000";
const noId = "0".repeat(40);
const context = 3;
/** Git's own measure of what is text. */
const binaryLooksAt = 8_000;
/** Beyond so many differences the whole file is shown as replaced: a count and not a time, so that the same gives the same. */
const editLengthMax = 4_000;

/** A change of one path, as data and as text. Neither attributes nor binary contents hide anything in it (reliability D15). */
export function showChange(path: string, before: Side | undefined, after: Side | undefined): Shown {
  const kind = changeOf(before, after);
  const binary = [before, after].some((side) => side?.content.subarray(0, binaryLooksAt).includes(0));
  const parts =
    kind === "type_changed"
      ? [patchOf(path, before, undefined), patchOf(path, undefined, after)]
      : [patchOf(path, before, after)];
  const count = (sign: "added" | "removed") => (binary ? 0 : parts.reduce((sum, part) => sum + part[sign], 0));
  return {
    file: {
      path,
      change: kind,
      oldMode: before?.mode ?? noMode,
      newMode: after?.mode ?? noMode,
      binary,
      addedLines: count("added"),
      removedLines: count("removed"),
    },
    text: parts.map((part) => part.text).join(""),
  };
}

function changeOf(before: Side | undefined, after: Side | undefined): FileChange["change"] {
  if (before === undefined) return "added";
  if (after === undefined) return "deleted";
  return before.mode.slice(0, 3) === after.mode.slice(0, 3) ? "modified" : "type_changed";
}

function patchOf(path: string, before: Side | undefined, after: Side | undefined) {
  const [a, b] = [quoted(`a/${path}`), quoted(`b/${path}`)];
  const head = [`diff --git ${a} ${b}`];
  if (before === undefined) head.push(`new file mode ${after?.mode}`);
  else if (after === undefined) head.push(`deleted file mode ${before.mode}`);
  else if (before.mode !== after.mode) head.push(`old mode ${before.mode}`, `new mode ${after.mode}`);
  if (before?.id !== after?.id) {
    const mode = before !== undefined && before.mode === after?.mode ? ` ${before.mode}` : "";
    head.push(`index ${before?.id ?? noId}..${after?.id ?? noId}${mode}`);
  }
  const hunks = hunksOf(before?.content.toString("utf8") ?? "", after?.content.toString("utf8") ?? "");
  if (hunks.lines.length > 0) {
    head.push(`--- ${before === undefined ? "/dev/null" : a}`, `+++ ${after === undefined ? "/dev/null" : b}`);
  }
  const text = `${[...head, ...hunks.lines].join("\n")}\n`;
  return { text, added: hunks.added, removed: hunks.removed };
}

function hunksOf(before: string, after: string): { lines: string[]; added: number; removed: number } {
  if (before === after) return { lines: [], added: 0, removed: 0 };
  const whole = before === "" || after === "";
  const patch = whole
    ? undefined
    : structuredPatch("a", "b", before, after, undefined, undefined, { context, maxEditLength: editLengthMax });
  const hunks = patch?.hunks ?? [replacement(before, after)];
  const lines = hunks.flatMap((hunk) => [
    `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`,
    ...hunk.lines,
  ]);
  const count = (sign: string) =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((l) => l.startsWith(sign)).length, 0);
  return { lines, added: count("+"), removed: count("-") };
}

/** Everything that was there goes, everything that is there comes. */
function replacement(before: string, after: string) {
  const [old, now] = [linesOf(before, "-"), linesOf(after, "+")];
  const size = (lines: string[]) => lines.filter((line) => !line.startsWith("\\")).length;
  const [oldLines, newLines] = [size(old), size(now)];
  return {
    oldStart: oldLines === 0 ? 0 : 1,
    oldLines,
    newStart: newLines === 0 ? 0 : 1,
    newLines,
    lines: [...old, ...now],
  };
}

function linesOf(text: string, sign: string): string[] {
  if (text === "") return [];
  const whole = text.endsWith("\n");
  const lines = (whole ? text.slice(0, -1) : text).split("\n").map((line) => `${sign}${line}`);
  return whole ? lines : [...lines, "\\ No newline at end of file"];
}

function range(start: number, lines: number): string {
  return lines === 1 ? `${start}` : `${start},${lines}`;
}

/** Git's way of writing a name that holds more than plain characters. */
function quoted(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are what is quoted
  if (!/["\\\u0000-\u001f\u007f-\uffff]/.test(path)) return path;
  const named: Record<number, string> = {
    7: "a",
    8: "b",
    9: "t",
    10: "n",
    11: "v",
    12: "f",
    13: "r",
    34: '"',
    92: "\\",
  };
  const written = [...Buffer.from(path)].map((byte) => {
    if (named[byte] !== undefined) return `\\${named[byte]}`;
    return byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, "0")}` : String.fromCharCode(byte);
  });
  return `"${written.join("")}"`;
}
