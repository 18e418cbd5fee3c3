import { rmSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOrphaned, ownName } from "#adapters/test-bench/owners.ts";

const prefix = "vigil-fix-";

/** A folder of our own for one run, outside of everybody's repositories. */
export interface Scratch {
  folder: string;
  remove(): Promise<void>;
}

/** Makes it readable by its owner only, and removes those whose process was killed. It goes with this process at the latest. */
export async function createScratch(parent = tmpdir()): Promise<Scratch> {
  await removeOrphans(parent);
  const folder = await mkdtemp(join(parent, `${prefix}${ownName("")}`));
  const atExit = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", atExit);
  return {
    folder,
    async remove() {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
      process.removeListener("exit", atExit);
    },
  };
}

async function removeOrphans(parent: string): Promise<void> {
  const uid = process.getuid?.();
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || !isOrphaned(name.slice(prefix.length))) continue;
    const found = await lstat(join(parent, name)).catch(() => undefined);
    if (found?.isDirectory() && found.uid === uid) await rm(join(parent, name), { recursive: true, force: true });
  }
}
