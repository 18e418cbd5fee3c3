import { Failure } from "#domain/failure.ts";
import type { Git } from "./local-git.ts";

/** One file of a commit. `path` is `undefined` where its name is not valid UTF-8: no text can name it. */
export interface TreeEntry {
  mode: string;
  id: string;
  /** Bytes; `undefined` for a submodule. */
  size: number | undefined;
  path: string | undefined;
}

const listingBytesMax = 256 * 1024 * 1024;

/** Every file of a commit (links and submodules too), in Git's order; or only what lies at `paths`. */
export async function treeEntries(git: Git, commit: string, paths: string[] = []): Promise<TreeEntry[]> {
  const args = ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", commit, ...paths];
  const result = await git.run(args, { outputBytesMax: listingBytesMax });
  if (result.exitCode !== 0) throw incomplete(result.stderr);
  if (result.cut) throw new Failure("too_large", "The repository holds more files than Vigil can list.");
  return splitAtZero(result.stdout).map(parseEntry);
}

function parseEntry(record: Buffer): TreeEntry {
  const tab = record.indexOf("\t");
  const [mode = "", , id = "", size = "-"] = record.subarray(0, tab).toString("latin1").split(/ +/);
  return { mode, id, size: size === "-" ? undefined : Number(size), path: textOf(record.subarray(tab + 1)) };
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

/** The records of git's `-z` output. */
export function splitAtZero(output: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let start = 0;
  for (let end = output.indexOf(0); end !== -1; end = output.indexOf(0, start)) {
    records.push(output.subarray(start, end));
    start = end + 1;
  }
  return records;
}

/** The text of valid UTF-8, byte for byte; `undefined` for anything else. */
export function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : undefined;
}

/** A piece of the history is not there: nothing may be concluded from what is left (reliability C10). */
export function incomplete(stderr: string): Failure {
  return new Failure("misconfigured", "The repository's history is incomplete or damaged.", {
    hint: "Check it with git fsck; remove the agent's own copy to have it fetched again.",
    cause: new Error(stderr.slice(0, 4_000)),
  });
}
