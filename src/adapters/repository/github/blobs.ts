import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Contents by their Git id, on disk. Nothing is ever stored under a name that came from outside, and what is read is checked
 * against its id: a damaged or planted file is as good as none.
 */
export interface BlobCache {
  get(id: string): Promise<Buffer | undefined>;
  has(id: string): Promise<boolean>;
  put(id: string, content: Buffer): Promise<void>;
  /** Forgets what was not used for longest until the cache is small enough again. */
  prune(): Promise<void>;
}

/** Beyond this a content is fetched when it is needed and not kept. */
export const cachedBytesMax = 8 * 1024 * 1024;
/** Pruned down to this share, so that the next file does not prune again. */
const keptShare = 0.7;

export function createBlobCache(directory: string, bytesMax: number): BlobCache {
  const place = (id: string) => join(directory, id.slice(0, 2), id.slice(2));
  return {
    async get(id) {
      const content = await readFile(place(id)).catch(() => undefined);
      if (content === undefined) return undefined;
      if (blobId(content) === id) return content;
      await rm(place(id), { force: true });
      return undefined;
    },
    async has(id) {
      const now = new Date();
      return utimes(place(id), now, now).then(
        () => true,
        () => false,
      );
    },
    async put(id, content) {
      if (content.length > cachedBytesMax) return;
      const path = place(id);
      const temporary = `${path}.${randomUUID()}`;
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(temporary, content);
        await rename(temporary, path);
      } catch {
        // A full disk makes it slower, not wrong: the content is fetched again.
        await rm(temporary, { force: true }).catch(() => {});
      }
    },
    prune: () => prune(directory, bytesMax),
  };
}

/** The id that Git gives to a content. */
export function blobId(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

async function prune(directory: string, bytesMax: number): Promise<void> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files: { path: string; bytes: number; usedMs: number }[] = [];
  for (const entry of found) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const facts = await stat(path).catch(() => undefined);
    if (facts !== undefined) files.push({ path, bytes: facts.size, usedMs: facts.mtimeMs });
  }
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= bytesMax) return;
  for (const file of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= bytesMax * keptShare) return;
    await rm(file.path, { force: true });
    bytes -= file.bytes;
  }
}
