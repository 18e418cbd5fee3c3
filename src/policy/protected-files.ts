import type { Edit, FileChange } from "#domain/fix.ts";
import type { Settings } from "#domain/settings.ts";
import { foldedPath, pathFault, pathMatcher } from "./paths.ts";

export { emptyChange } from "./empty-change.ts";

/** `rejected`: sentences why the fix ends here. `approval`: touched paths on the "requires approval" list. */
export interface FilesVerdict {
  rejected: string[];
  approval: string[];
}

const plainFile = "100644";
const executableFile = "100755";
const noFile = "000000";

/** Judges a commit as Git shows it, both sides of every entry (spec.md §10, reliability C13 and D5). */
export function fileVerdict(changes: FileChange[], settings: Settings): FilesVerdict {
  const { rejected, approval } = pathsVerdict(
    changes.map(({ path }) => path),
    settings,
  );
  if (changes.length === 0) rejected.push("The change is empty.");
  for (const change of changes) {
    const fault = changeFault(change);
    if (fault !== undefined) rejected.push(`${shown(change.path)} ${fault}.`);
  }
  const { changedFilesMax, changedLinesMax } = settings.files;
  if (!(changes.length <= changedFilesMax)) {
    rejected.push(`The change touches ${changes.length} files (limit ${changedFilesMax}).`);
  }
  const counts = changes.flatMap(({ addedLines, removedLines }) => [addedLines, removedLines]);
  const lines = counts.reduce((sum, count) => sum + (count >= 0 ? count : Number.NaN), 0);
  if (!(lines <= changedLinesMax)) rejected.push(`The change is ${lines} lines long (limit ${changedLinesMax}).`);
  return { rejected, approval };
}

/** Judges edits before they become a commit; `existing` knows the files of the base. Git is asked again afterwards. */
export function editsVerdict(edits: Edit[], existing: (path: string) => boolean, settings: Settings): FilesVerdict {
  const { rejected, approval } = pathsVerdict(
    edits.map(({ path }) => path),
    settings,
  );
  if (edits.length === 0) rejected.push("The change is empty.");
  const { changedFilesMax } = settings.files;
  if (!(edits.length <= changedFilesMax)) {
    rejected.push(`The change touches ${edits.length} files (limit ${changedFilesMax}).`);
  }
  const seen = new Set<string>();
  for (const { path, content } of edits) {
    if (content === null && !existing(path)) rejected.push(`${shown(path)} does not exist and cannot be deleted.`);
    if (content?.includes("\0")) rejected.push(`${shown(path)} would be binary.`);
    if (content !== null && !(content?.isWellFormed() ?? false))
      rejected.push(`${shown(path)} would not be valid UTF-8.`);
    const file = foldersOf(path).find(existing);
    if (file !== undefined) rejected.push(`${shown(path)} would lie inside the file ${shown(file)}.`);
    if (seen.has(foldedPath(path))) rejected.push(`${shown(path)} is edited twice.`);
    seen.add(foldedPath(path));
  }
  return { rejected, approval };
}

function pathsVerdict(paths: string[], settings: Settings): FilesVerdict {
  const isProtected = pathMatcher(settings.files.protected);
  const needsApproval = pathMatcher(settings.files.requiresApproval);
  const rejected: string[] = [];
  for (const path of paths) {
    const fault = pathFault(path);
    if (fault !== undefined) rejected.push(`The path ${shown(path)} ${fault}.`);
    if (isProtected(path)) rejected.push(`${shown(path)} is protected and never modified.`);
  }
  return { rejected, approval: paths.filter(needsApproval) };
}

/** What a fix never does to a file, whatever its name. A fix is text: it has no reason to change kinds or modes. */
function changeFault({ change, oldMode, newMode, binary }: FileChange): string | undefined {
  const modes = [oldMode, newMode];
  if (modes.includes("120000")) return "is a symbolic link";
  if (modes.includes("160000")) return "is a submodule";
  if (change === "type_changed") return "changes its kind";
  if (binary) return "is binary";
  const [before, after] = [change === "added" ? noFile : oldMode, change === "deleted" ? noFile : newMode];
  if (before === noFile && after !== plainFile) return `would be created with mode ${after}`;
  if (before !== noFile && ![plainFile, executableFile].includes(before)) return `has the unknown mode ${before}`;
  if (before !== noFile && after !== noFile && before !== after) return `changes its mode from ${before} to ${after}`;
  return undefined;
}

function foldersOf(path: string): string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, depth) => segments.slice(0, depth + 1).join("/"));
}

/** The path as people may read it: what is invisible or reorders text is written out. */
function shown(path: string): string {
  const escaped = path.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}"\\]/gu,
    (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`,
  );
  return `"${escaped.length > 200 ? `${escaped.slice(0, 200)}…` : escaped}"`;
}
