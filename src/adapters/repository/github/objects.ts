import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { Client } from "../../github/client.ts";
import { isRegular } from "../tree-paths.ts";
import { loadArchive, type Wanted } from "./archive.ts";
import { type BlobCache, blobId, cachedBytesMax } from "./blobs.ts";
import { createMemory } from "./memory.ts";

/** One file of a commit; links and submodules too. */
export interface Entry {
  mode: string;
  id: string;
  path: string;
  /** Bytes; 0 for a submodule. */
  size: number;
}

export interface Commit {
  sha: Sha;
  tree: Sha;
  parents: Sha[];
  message: string;
}

/** The repository's objects. They never change, so what was read once is remembered. */
export interface Objects {
  /** Throws `not_found` where there is no such commit. */
  commit(sha: string): Promise<Commit>;
  /** Every file of a commit, sorted by the bytes of its path. */
  entries(commit: Commit): Promise<Entry[]>;
  content(entry: Pick<Entry, "id">): Promise<Buffer>;
  /** Makes sure that many contents of a commit can be read without asking for each. */
  preload(commit: Commit, entries: Entry[]): Promise<void>;
}

const Listed = z.object({
  truncated: z.boolean(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.string(),
      type: z.string(),
      sha: z.string().regex(/^[0-9a-f]{40}$/),
      size: z.int().optional(),
    }),
  ),
});

const entriesMax = 500_000;
const blobBytesMax = 100 * 1024 * 1024;
/** From so many unread contents on, one archive is cheaper than a call for each. */
const singlesMax = 16;
const commitsKept = 500;
const treesKept = 6;

export function createObjects(client: Client, cache: BlobCache): Objects {
  const commits = createMemory<Commit>(commitsKept);
  const trees = createMemory<Entry[]>(treesKept);
  const archives = createMemory<true>(commitsKept);
  const objects: Objects = {
    commit: (sha) => commits(sha, () => readCommit(client, sha)),
    entries: ({ tree }) => trees(tree, async () => sorted(await listTree(client, tree, ""))),
    async content({ id }) {
      const known = await cache.get(id);
      if (known !== undefined) return known;
      const content = await readBlob(client, id);
      await cache.put(id, content);
      return content;
    },
    async preload(commit, entries) {
      const missing = await missingOf(cache, entries);
      if (missing.size <= singlesMax) return;
      // Attributes may leave files out of an archive: asking for it again would not bring them.
      await archives(commit.sha, async () => {
        await loadArchive(client, { commit: commit.sha, wanted: missing, cache });
        await cache.prune();
        return true;
      });
    },
  };
  return objects;
}

async function missingOf(cache: BlobCache, entries: Entry[]): Promise<Map<string, Wanted>> {
  const missing = new Map<string, Wanted>();
  for (const entry of entries) {
    if (!isRegular(entry) || entry.size > cachedBytesMax || (await cache.has(entry.id))) continue;
    missing.set(entry.path, { id: entry.id, size: entry.size });
  }
  return missing;
}

async function readCommit(client: Client, sha: string): Promise<Commit> {
  const found = await client.find((api) => api.git.getCommit({ ...client.repo, commit_sha: sha }));
  if (found === undefined) throw noCommit(sha);
  const { tree, parents, message } = found.data;
  return {
    sha: Sha.parse(found.data.sha),
    tree: Sha.parse(tree.sha),
    parents: parents.map((parent) => Sha.parse(parent.sha)),
    message,
  };
}

export function noCommit(sha: string): Failure {
  return new Failure("not_found", `The repository has no commit ${sha.slice(0, 12)}.`, {
    hint: "Its branch may have been rewritten or deleted.",
  });
}

async function listFolder(client: Client, tree: string, recursive: boolean) {
  const options = recursive ? { recursive: "1" } : {};
  const { data } = await client.call((api) => api.git.getTree({ ...client.repo, tree_sha: tree, ...options }));
  return Listed.parse(data);
}

/** GitHub cuts long lists; then each folder is asked for by itself. */
async function listTree(client: Client, tree: string, prefix: string): Promise<Entry[]> {
  const whole = await listFolder(client, tree, true);
  const { tree: listed } = whole.truncated ? await listFolder(client, tree, false) : whole;
  const entries: Entry[] = [];
  for (const { path, mode, type, sha, size } of listed) {
    if (type !== "tree") entries.push({ path: prefix + path, mode, id: sha, size: size ?? 0 });
    else if (whole.truncated) entries.push(...(await listTree(client, sha, `${prefix}${path}/`)));
    if (entries.length > entriesMax)
      throw new Failure("too_large", "The repository holds more files than Vigil can list.");
  }
  return entries;
}

function sorted(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

async function readBlob(client: Client, id: string): Promise<Buffer> {
  const { data } = await client.call((api) => api.git.getBlob({ ...client.repo, file_sha: id }));
  if ((data.size ?? 0) > blobBytesMax) throw new Failure("too_large", "A file is too large to be read.");
  const content = Buffer.from(data.content, data.encoding === "base64" ? "base64" : "utf8");
  if (blobId(content) !== id) throw new Failure("unavailable", "GitHub sent another content than the one asked for.");
  return content;
}
