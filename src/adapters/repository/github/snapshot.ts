import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { PastCommit, Snapshot } from "#ports/repository.ts";
import type { Client } from "../../github/client.ts";
import { isInside, isRegular, textOf } from "../tree-paths.ts";
import { cachedBytesMax } from "./blobs.ts";
import type { Commit, Entry, Objects } from "./objects.ts";

/** Bounds that the port promises. */
const filesMax = 50_000;
const fileBytesMax = 1_000_000;
const lineCharactersMax = 500;
const placesMax = 10_000;
const historyMax = 1_000;
const blamedLinesMax = 200;
const pageSize = 100;
/** As much is kept on disk for a search; a repository beyond it is not searched. */
const searchedBytesMax = 200 * 1024 * 1024;
/** Git's own measure of what is text. */
const binaryLooksAt = 8_000;
/** So many single reads tell that a reader goes through the whole repository. */
const readsBeforeArchive = 12;

/** A commit's files as GitHub has them. */
export function createSnapshot(client: Client, objects: Objects, commit: Commit): Snapshot {
  const readable = (entry: Entry) => isRegular(entry) && isInside(entry.path) && !entry.path.includes("\uFFFD");
  let reads = 0;
  async function textAt(path: string): Promise<string | undefined> {
    if (!isInside(path)) return undefined;
    const entries = await objects.entries(commit);
    const entry = entries.find((found) => found.path === path);
    if (entry === undefined || !readable(entry) || entry.size > fileBytesMax) return undefined;
    reads += 1;
    if (reads === readsBeforeArchive) await objects.preload(commit, smallOf(entries)).catch(ignoreSize);
    const content = await objects.content(entry);
    return content.includes(0) ? undefined : textOf(content);
  }
  return {
    commit: commit.sha,
    async list() {
      const entries = await objects.entries(commit);
      return entries
        .filter(readable)
        .map(({ path }) => path)
        .sort()
        .slice(0, filesMax);
    },
    read: textAt,
    async search(text, limit) {
      const most = Math.min(Math.floor(limit), placesMax);
      if (text === "" || /[\n\0]/.test(text) || most < 1) return [];
      const entries = (await objects.entries(commit)).filter(readable);
      return searchIn(objects, commit, smallOf(entries), { text, most });
    },
    async history(path, limit) {
      const most = Math.min(Math.floor(limit), historyMax);
      if (!isInside(path) || most < 1) return [];
      return historyOf(client, commit.sha, path, most);
    },
    async blame(path, from, to) {
      const first = Math.max(1, Math.floor(from));
      const text = first <= Math.floor(to) ? await textAt(path) : undefined;
      if (text === undefined) return [];
      const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
      const last = Math.min(Math.floor(to), first + blamedLinesMax - 1, lines);
      return first > last ? [] : blameOf(client, commit.sha, path, { first, last });
    },
  };
}

function smallOf(entries: Entry[]): Entry[] {
  return entries.filter((entry) => isRegular(entry) && entry.size <= cachedBytesMax);
}

/** Too large for one archive: then file by file, as before. */
function ignoreSize(error: unknown): void {
  if (!(error instanceof Failure) || error.code !== "too_large") throw error;
}

async function searchIn(
  objects: Objects,
  commit: Commit,
  entries: Entry[],
  { text, most }: { text: string; most: number },
) {
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  if (bytes > searchedBytesMax) throw new Failure("too_large", "The repository is too large to be searched here.");
  await objects.preload(commit, entries);
  const places: { path: string; line: number; text: string }[] = [];
  for (const entry of entries) {
    const content = await objects.content(entry);
    if (!content.includes(text) || content.subarray(0, binaryLooksAt).includes(0)) continue;
    for (const [index, line] of content.toString("utf8").split("\n").entries()) {
      if (!line.includes(text)) continue;
      places.push({ path: entry.path, line: index + 1, text: line.replace(/\r$/, "").slice(0, lineCharactersMax) });
      if (places.length === most) return places;
    }
  }
  return places;
}

const Listed = z.array(
  z.object({
    sha: Sha,
    commit: z.object({
      message: z.string(),
      author: z.object({ name: z.string().catch("") }).nullable(),
      committer: z.object({ date: z.string() }).nullable(),
    }),
  }),
);

async function historyOf(client: Client, sha: Sha, path: string, most: number): Promise<PastCommit[]> {
  const found: PastCommit[] = [];
  for (let page = 1; found.length < most; page++) {
    const asked = { ...client.repo, sha, path, per_page: Math.min(pageSize, most), page };
    const { data } = await client.call((api) => api.repos.listCommits(asked));
    const commits = Listed.parse(data);
    found.push(
      ...commits.map(({ sha: commit, commit: { author, committer, message } }) => ({
        commit,
        at: new Date(committer?.date ?? 0),
        author: author?.name ?? "",
        subject: message.split("\n")[0] ?? "",
      })),
    );
    if (commits.length < asked.per_page) break;
  }
  return found.slice(0, most);
}

const blameQuery = `query ($owner: String!, $name: String!, $oid: GitObjectID!, $path: String!) {
  repository(owner: $owner, name: $name) {
    object(oid: $oid) {
      ... on Commit {
        blame(path: $path) {
          ranges { startingLine endingLine commit { oid authoredDate messageHeadline author { name } } }
        }
      }
    }
  }
}`;

const Blamed = z.object({
  repository: z.object({
    object: z
      .object({
        blame: z.object({
          ranges: z.array(
            z.object({
              startingLine: z.int(),
              endingLine: z.int(),
              commit: z.object({
                oid: Sha,
                authoredDate: z.string(),
                messageHeadline: z.string(),
                author: z.object({ name: z.string().nullable() }).nullable(),
              }),
            }),
          ),
        }),
      })
      .nullable(),
  }),
});

/** Only GraphQL tells who wrote a line. */
async function blameOf(client: Client, oid: Sha, path: string, { first, last }: { first: number; last: number }) {
  const { owner, repo: name } = client.repo;
  const data = await client.call((_api, octokit) => octokit.graphql(blameQuery, { owner, name, oid, path }));
  const ranges = Blamed.parse(data).repository.object?.blame.ranges ?? [];
  return ranges.flatMap(({ startingLine, endingLine, commit }) => {
    const facts = {
      commit: commit.oid,
      at: new Date(commit.authoredDate),
      author: commit.author?.name ?? "",
      subject: commit.messageHeadline,
    };
    const [from, to] = [Math.max(first, startingLine), Math.min(last, endingLine)];
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => ({ ...facts, line: from + index }));
  });
}
