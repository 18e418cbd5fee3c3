import { Failure } from "#domain/failure.ts";
import type { Git } from "./local-git.ts";
import { textOf } from "./tree-paths.ts";

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

/** A piece of the history is not there: nothing may be concluded from what is left (reliability C10). */
export function incomplete(stderr: string): Failure {
  return new Failure("misconfigured", "The repository's history is incomplete or damaged.", {
    hint: "Check it with git fsck; remove the agent's own copy to have it fetched again.",
    cause: new Error(stderr.slice(0, 4_000)),
  });
}
