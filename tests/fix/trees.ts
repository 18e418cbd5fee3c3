import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** A digest of everything in a folder: names, kinds, modes, times and bytes; `except` names what is left aside at its top. */
export async function fingerprintOfTree(folder: string, except: string[] = []): Promise<string> {
  const digest = createHash("sha256");
  const walk = async (path: string, depth: number): Promise<void> => {
    const names = (await readdir(path)).toSorted();
    for (const name of names) {
      if (depth === 0 && except.includes(name)) continue;
      const place = join(path, name);
      const stats = await lstat(place);
      const isTop = depth === 0 && stats.isDirectory();
      digest.update(`${place}\0${stats.mode}\0${isTop ? "" : stats.mtimeMs}\0`);
      if (stats.isSymbolicLink()) digest.update(await readlink(place));
      else if (stats.isFile()) digest.update(await readFile(place));
      else if (stats.isDirectory()) await walk(place, depth + 1);
    }
  };
  await walk(folder, 0);
  return digest.digest("hex");
}
