import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import { Parser, type ReadEntry } from "tar";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
import { type Client, fetchWithin } from "../../github/client.ts";
import { type BlobCache, blobId, cachedBytesMax } from "./blobs.ts";

/** As GitHub sends it, compressed; and unpacked. A repository beyond this is read file by file. */
const packedBytesMax = 256 * 1024 * 1024;
const unpackedBytesMax = 1024 * 1024 * 1024;
const timeoutMs = 120_000;

/** What a commit should hold at a path. */
export interface Wanted {
  id: string;
  size: number;
}

/**
 * Fetches a commit as one archive and keeps those contents that have exactly the id that the commit's tree gives them. What
 * the archive says otherwise is ignored: links, other paths, files that its attributes left out or changed.
 */
export async function loadArchive(
  client: Client,
  { commit, wanted, cache }: { commit: Sha; wanted: Map<string, Wanted>; cache: BlobCache },
): Promise<void> {
  const request = { parseSuccessResponseBody: false, redirect: "follow" as const, fetch: fetchWithin(timeoutMs) };
  const { data } = await client.call((api) =>
    api.repos.downloadTarballArchive({ ...client.repo, ref: commit, request }),
  );
  const body: unknown = data;
  if (!(body instanceof ReadableStream)) throw new Failure("unavailable", "GitHub sent no archive.");
  const writes: Promise<void>[] = [];
  const parser = new Parser({ strict: true });
  let unpacked = 0;
  parser.on("entry", (entry: ReadEntry) => {
    unpacked += entry.size;
    if (unpacked > unpackedBytesMax) {
      parser.abort(tooLarge());
      return;
    }
    const expected = wanted.get(entry.path.slice(entry.path.indexOf("/") + 1));
    if (expected === undefined || expected.size !== entry.size || entry.size > cachedBytesMax) {
      entry.resume();
      return;
    }
    const chunks: Buffer[] = [];
    entry.on("data", (chunk: Buffer) => chunks.push(chunk));
    entry.on("end", () => {
      const content = Buffer.concat(chunks);
      if (blobId(content) === expected.id) writes.push(cache.put(expected.id, content));
    });
  });
  try {
    await pipeline(Readable.fromWeb(body), atMost(packedBytesMax), parser as unknown as NodeJS.WritableStream);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("unavailable", "GitHub's archive of the commit is incomplete or damaged.", { cause: error });
  } finally {
    await Promise.all(writes);
  }
}

function tooLarge(): Failure {
  return new Failure("too_large", "The repository is too large to be read as a whole.");
}

function atMost(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(tooLarge());
      else done(null, chunk);
    },
  });
}
