import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "#domain/failure.ts";
import { isGitOwn, isInside, isRegular } from "../tree-paths.ts";
import type { Commit, Objects } from "./objects.ts";

const exportBytesMax = 2 * 1024 * 1024 * 1024;
const filesMax = 500_000;

/** Writes a commit's regular files into the empty folder `directory`: names from its tree, contents checked against their ids. */
export async function exportFiles(objects: Objects, commit: Commit, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new Failure("invalid", "A commit's files are only written into an empty folder.");
  }
  const entries = (await objects.entries(commit)).filter(
    (entry) => isRegular(entry) && isInside(entry.path) && !isGitOwn(entry.path),
  );
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  if (bytes > exportBytesMax || entries.length > filesMax) {
    throw new Failure("too_large", `The repository is too large to copy: ${entries.length} files, ${bytes} bytes.`);
  }
  await objects.preload(commit, entries);
  for (const entry of entries) {
    const place = join(directory, ...entry.path.split("/"));
    await mkdir(dirname(place), { recursive: true });
    // `wx`: on a disk that ignores case a second name must not write over the first.
    await writeFile(place, await objects.content(entry), { flag: "wx", mode: entry.mode === "100755" ? 0o755 : 0o644 });
  }
}
