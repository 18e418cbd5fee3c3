import { Failure } from "#domain/failure.ts";
import type { Edit } from "#domain/fix.ts";

/** What any repository says about the files of a commit and about where an edit may go. */

/** A place in a commit. `path` is `undefined` where its name is not valid UTF-8: no text can name it. */
export interface Place {
  mode: string;
  path: string | undefined;
}

/** A file with content of its own; neither a symbolic link (120000) nor a submodule (160000). */
export function isRegular({ mode }: { mode: string }): boolean {
  return mode.startsWith("100");
}

/** Whether `path` is one that a file inside the commit can have: nothing that climbs out, nothing of Git's own. */
export function isInside(path: string): boolean {
  const parts = path.split("/");
  return path.length <= 4_096 && !path.includes("\0") && parts.every((part) => !["", ".", ".."].includes(part));
}

export function isGitOwn(path: string): boolean {
  return path.split("/").some((part) => part.toLowerCase() === ".git");
}

/** The text of valid UTF-8, byte for byte; `undefined` for anything else. */
export function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : undefined;
}

/** Checks every edit against what is at its place now and gives the mode it shall have there; `"0"` deletes. */
export function placesFor(edits: Edit[], entries: Place[]): Map<string, string> {
  if (edits.length === 0) throw new Failure("invalid", "There is nothing to commit.");
  const now = new Map(entries.flatMap((entry) => (entry.path === undefined ? [] : [[entry.path, entry]])));
  const folders = new Set([...now.keys()].flatMap(foldersOf));
  const written = edits.filter(({ content }) => content !== null).map(({ path }) => path);
  const modes = new Map<string, string>();
  for (const edit of edits) {
    const why = modes.has(edit.path) ? "it is edited twice" : refusal(edit, now, folders, written);
    if (why !== undefined) throw new Failure("invalid", `${JSON.stringify(edit.path)} cannot be written: ${why}.`);
    modes.set(edit.path, edit.content === null ? "0" : (now.get(edit.path)?.mode ?? "100644"));
  }
  return modes;
}

function refusal(
  { path, content }: Edit,
  now: Map<string, Place>,
  folders: Set<string>,
  written: string[],
): string | undefined {
  if (!isInside(path) || !path.isWellFormed()) return "it is not a path inside the repository";
  if (isGitOwn(path) || path.includes("\\")) return "such names are kept for Git or mean something else elsewhere";
  const entry = now.get(path);
  if (entry?.mode === "120000") return "it is a symbolic link";
  if (entry?.mode === "160000") return "it is a submodule";
  if (content === null) return entry !== undefined && isRegular(entry) ? undefined : "there is no such file to delete";
  if (!content.isWellFormed()) return "its content is not valid Unicode";
  if (folders.has(path)) return "it is a folder";
  for (const folder of foldersOf(path)) {
    const there = now.get(folder);
    if (there?.mode === "120000") return `${JSON.stringify(folder)} is a symbolic link`;
    if (there !== undefined || written.includes(folder)) return `${JSON.stringify(folder)} is not a folder`;
  }
  return undefined;
}

/** The folders around a file, outermost first. */
export function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** A commit's date in whole seconds and its message, or the reason why they are none. */
export function commitFacts({ message, at }: { message: string; at: Date }): { seconds: number } {
  const seconds = Math.floor(at.getTime() / 1_000);
  if (!Number.isFinite(seconds) || seconds < 0) throw new Failure("invalid", "A commit needs a date.");
  if (message.trim() === "" || message.includes("\0") || !message.isWellFormed()) {
    throw new Failure("invalid", "A commit needs a message in plain text.");
  }
  return { seconds };
}
