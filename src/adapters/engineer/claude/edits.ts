import type { Edit } from "#domain/fix.ts";
import { cleanLine } from "#domain/text.ts";
import type { FixAnswer } from "./answers.ts";
import type { Reader } from "./reader.ts";

const filesMax = 20;
const fileCharactersMax = 1_000_000;

export type Applied = { kind: "applied"; edits: Edit[] } | { kind: "refused"; because: string };

/**
 * Turns exact replacements and new files into whole files. Nothing is guessed: a text that is absent, or there twice,
 * refuses the whole answer. Line breaks of the file are kept as they are.
 */
export async function apply(answer: Pick<FixAnswer, "replacements" | "newFiles">, reader: Reader): Promise<Applied> {
  const drafts = new Map<string, { before: string | null; after: string }>();
  const complaints: string[] = [];
  for (const [index, { path: given, search, replace }] of answer.replacements.entries()) {
    const path = given.replace(/^(?:\.\/)+/, "");
    const draft = drafts.get(path) ?? (await draftOf(path, reader));
    const where = `replacements.${index} (${shown(path)})`;
    if (draft === undefined) {
      complaints.push(`${where}: no such text file in this version.`);
      continue;
    }
    const result = replaced(draft.after, search, replace);
    if (typeof result === "string") complaints.push(`${where}: ${result}`);
    else drafts.set(path, { before: draft.before, after: result.text });
  }
  const taken = new Set((await reader.paths()).map((path) => path.toLowerCase()));
  for (const [index, { path: given, content }] of answer.newFiles.entries()) {
    const path = given.replace(/^(?:\.\/)+/, "");
    const objection = objectionToNew(path, taken);
    if (objection !== undefined) complaints.push(`newFiles.${index} (${shown(path)}): ${objection}`);
    else drafts.set(path, { before: null, after: content.endsWith("\n") ? content : `${content}\n` });
    taken.add(path.toLowerCase());
  }
  const changed = [...drafts].filter(([, { before, after }]) => before !== after);
  if (complaints.length === 0 && changed.length === 0) complaints.push("Nothing is changed by this answer.");
  if (changed.length > filesMax) complaints.push(`More than ${filesMax} files are changed.`);
  if (changed.some(([, { after }]) => after.length > fileCharactersMax))
    complaints.push("A file gets larger than 1 MB.");
  if (complaints.length > 0) return { kind: "refused", because: complaints.slice(0, 10).join("\n") };
  return { kind: "applied", edits: changed.map(([path, { after }]) => ({ path, content: after })) };
}

async function draftOf(path: string, reader: Reader): Promise<{ before: string; after: string } | undefined> {
  const text = await reader.original(path);
  return text === undefined ? undefined : { before: text, after: text };
}

/**
 * The text with its one occurrence of `search` replaced, or what is in the way. Models write \n: where the file breaks
 * its lines with \r\n, both sides are read that way, exactly.
 */
function replaced(text: string, search: string, replace: string): { text: string } | string {
  if (search === replace) return "search and replace are the same.";
  const plain = unixBreaks(search);
  const windows = plain.replaceAll("\n", "\r\n");
  const forms = [...new Set([search, plain, windows])];
  const found = forms.map((form) => ({ form, count: occurrences(text, form) })).filter(({ count }) => count > 0);
  const [only] = found;
  if (only === undefined) {
    return "the search text is not in the file. Read the lines again and copy them exactly, without line numbers. Lines with hidden secrets cannot be replaced.";
  }
  if (found.length > 1 || only.count > 1) {
    return "the search text occurs more than once in the file. Take more lines around it.";
  }
  const usesWindows = only.form.includes("\r\n") || (!only.form.includes("\n") && hasWindowsBreaks(text));
  const wanted = usesWindows ? unixBreaks(replace).replaceAll("\n", "\r\n") : replace;
  const at = text.indexOf(only.form);
  return { text: text.slice(0, at) + wanted + text.slice(at + only.form.length) };
}

function unixBreaks(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

/** Overlapping ones count too: they are ambiguous all the same. Two are enough to know. */
function occurrences(text: string, search: string): number {
  const first = text.indexOf(search);
  if (first === -1) return 0;
  return text.indexOf(search, first + 1) === -1 ? 1 : 2;
}

function hasWindowsBreaks(text: string): boolean {
  const breaks = text.split("\n").length - 1;
  return breaks > 0 && (text.split("\r\n").length - 1) * 2 > breaks;
}

/** Whether a path may be made. The protected list is policy's business; this only keeps it a plain file of this repository. */
function objectionToNew(path: string, taken: Set<string>): string | undefined {
  const segments = path.split("/");
  if (
    /^[/~]|^[A-Za-z]:|\\|\p{Cc}/u.test(path) ||
    segments.some((part) => part === "" || part === "." || part === "..")
  ) {
    return "must be a path inside the repository, with /.";
  }
  if (segments.some((part) => /^\.git$/i.test(part))) return "Git's own folder is not part of the repository.";
  if (taken.has(path.toLowerCase())) return "exists already; use replacements.";
  const parents = segments.slice(0, -1).map((_, index) =>
    segments
      .slice(0, index + 1)
      .join("/")
      .toLowerCase(),
  );
  if (parents.some((parent) => taken.has(parent))) return "lies under a file.";
  return undefined;
}

function shown(path: string): string {
  return JSON.stringify(cleanLine(path).slice(0, 200));
}
