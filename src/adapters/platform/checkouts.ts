import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { Sha } from "#domain/ids.ts";

/** Checkouts that no environment uses and that are kept for a later return. */
const unusedMax = 10;
/** An export that was not finished for this long belongs to a process that was killed. */
const unfinishedMs = 60 * 60_000;
const unfinished = ".unfinished-";

export interface Checkouts {
  /** The folder with the commit's files. It appears whole or not at all; a commit is exported once. */
  ensure(commit: Sha): Promise<string>;
  has(commit: Sha): boolean;
  folder(commit: Sha): string;
  /** Removes the oldest unused checkouts above ten, and what killed exports left. */
  prune(used: readonly Sha[]): Promise<void>;
}

/** The commits' files below `directory`, one folder each, written by `source` and shared by both environments. */
export function createCheckouts({
  directory,
  source,
  now,
}: {
  directory: string;
  source: { export(commit: Sha, directory: string): Promise<void> };
  now: () => Date;
}): Checkouts {
  const folder = (commit: Sha) => join(directory, commit);
  const has = (commit: Sha) => existsSync(folder(commit));

  async function ensure(commit: Sha): Promise<string> {
    if (has(commit)) {
      await utimes(folder(commit), now(), now());
      return folder(commit);
    }
    await mkdir(directory, { recursive: true });
    const work = await mkdtemp(join(directory, unfinished));
    try {
      await source.export(commit, work);
      await rename(work, folder(commit));
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      // Someone else finished the same export first; any other error is the caller's.
      if (!has(commit)) throw error;
    }
    return folder(commit);
  }

  async function prune(used: readonly Sha[]): Promise<void> {
    const unused: { path: string; touchedMs: number }[] = [];
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      const touchedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      // Finished or removed by someone else since the folder was listed.
      if (touchedMs === undefined) continue;
      if (name.startsWith(unfinished) && touchedMs < now().getTime() - unfinishedMs) await remove(path);
      const commit = Sha.safeParse(name).data;
      if (commit !== undefined && !used.includes(commit)) unused.push({ path, touchedMs });
    }
    const oldest = unused.sort((a, b) => b.touchedMs - a.touchedMs).slice(unusedMax);
    for (const { path } of oldest) await remove(path);
  }

  /** Renamed first: half a checkout must never look like a whole one. */
  async function remove(path: string): Promise<void> {
    const doomed = await mkdtemp(join(directory, unfinished));
    await rename(path, doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  return { ensure, has, folder, prune };
}
