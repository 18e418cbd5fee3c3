import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { extract } from "tar";
import { Failure } from "#domain/failure.ts";
import type { Git } from "./local-git.ts";
import { incomplete, treeEntries } from "./local-tree.ts";
import { isGitOwn, isRegular } from "./tree-paths.ts";

const exportBytesMax = 2 * 1024 * 1024 * 1024;
const filesMax = 500_000;

/**
 * Writes a commit's regular files into the empty folder `directory`. They come out of an archive, not out of a checkout: no
 * filter, no hook, no index, no link and no `.git` gets there. `folder` is for the archive.
 */
export async function exportFiles(git: Git, commit: string, directory: string, folder: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new Failure("invalid", "A commit's files are only written into an empty folder.");
  }
  const entries = (await treeEntries(git, commit)).filter(isRegular);
  const bytes = entries.reduce((sum, { size }) => sum + (size ?? 0), 0);
  if (bytes > exportBytesMax || entries.length > filesMax) {
    throw new Failure("too_large", `The repository is too large to copy: ${entries.length} files, ${bytes} bytes.`);
  }
  const archive = join(folder, "files.tar");
  const result = await git.run(["archive", "--format=tar", `--output=${archive}`, "--end-of-options", commit]);
  if (result.exitCode !== 0) throw incomplete(result.stderr);
  await extract({
    file: archive,
    cwd: directory,
    preserveOwner: false,
    filter: (path, entry) => "type" in entry && isFile(entry.type) && !isGitOwn(path),
  });
}

function isFile(type: string): boolean {
  return type === "File" || type === "OldFile" || type === "ContiguousFile";
}
