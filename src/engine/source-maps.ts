import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { Snapshot } from "#ports/repository.ts";
import { hasSourceMaps, type SourceMapKey, storedSourceMap } from "#store/read/source-maps.ts";
import { saveSourceMap } from "#store/write/source-maps.ts";
import type { Engine } from "./engine.ts";

/** A map as a build brings it. `file`: the built file as frames name it. */
export interface UploadedSourceMap {
  release: string;
  dist: string;
  file: string;
  debugId: string | null;
  text: string;
}

/** detection.md §2.1. What was packed by ourselves is unpacked within the same bound. */
const bytesMax = 20 * 1024 * 1024;
const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** Keeps a map for the frames of its release. Throws `conflict` when the release has as many as one may have. */
export async function keepSourceMap(
  { connection, projectId, digest }: Pick<Engine, "connection" | "projectId" | "digest">,
  { text, ...named }: UploadedSourceMap,
): Promise<{ stored: boolean }> {
  const kept = { ...named, digest: digest(text), map: await pack(text) };
  const outcome = await connection.db.transaction((tx) => saveSourceMap(tx, projectId, kept));
  if (outcome === "full") {
    throw new Failure("conflict", "This release has as many source maps as are kept of one.", {
      hint: "Upload only the maps of files that browsers or functions run.",
    });
  }
  return { stored: outcome === "saved" };
}

type FinderParts = Pick<Engine, "connection" | "projectId" | "monotonicMs"> & {
  ports: { repository: Pick<Engine["ports"]["repository"], "snapshot"> };
};

/** How long it is believed that nobody uploads maps, and that a release's tree holds none. */
const rememberMs = 60_000;
const releasesMax = 20;

/** Finds the text of the map that a frame asks for: uploaded ones first, then the build output of the release's commit. */
export function sourceMapFinder(parts: FinderParts): (key: SourceMapKey) => Promise<string | undefined> {
  const { connection, projectId, monotonicMs } = parts;
  const committed = committedMaps(parts);
  let any: { isTrue: boolean; atMs: number } | undefined;
  return async (key) => {
    // Most applications have none: their events must not cost a query for each file.
    if (any === undefined || monotonicMs() - any.atMs > rememberMs) {
      any = { isTrue: await hasSourceMaps(connection.db, projectId), atMs: monotonicMs() };
    }
    const packed = any.isTrue ? await storedSourceMap(connection.db, projectId, key) : undefined;
    if (packed !== undefined) return (await unpack(packed, { maxOutputLength: bytesMax })).toString("utf8");
    return committed(key);
  };
}

/** Maps that stand in the repository beside the built file. Where there is no such commit, there are none. */
function committedMaps({ ports: { repository } }: FinderParts) {
  const releases = new Map<string, Promise<{ snapshot: Snapshot; maps: string[] } | undefined>>();
  const look = async (commit: Sha) => {
    try {
      const snapshot = await repository.snapshot(commit);
      return { snapshot, maps: (await snapshot.list()).filter((path) => path.endsWith(".js.map")) };
    } catch (error) {
      if (error instanceof Failure) return undefined;
      throw error;
    }
  };
  return async ({ release, file }: SourceMapKey): Promise<string | undefined> => {
    const commit = Sha.safeParse(release);
    if (!commit.success) return undefined;
    const known = releases.get(commit.data) ?? look(commit.data);
    releases.set(commit.data, known);
    const [oldest] = releases.keys();
    if (releases.size > releasesMax && oldest !== undefined) releases.delete(oldest);
    const found = await known;
    // A site serves its build folder under another path: the longest common end decides.
    const path = found?.maps.find((map) => `/${map}`.endsWith(`/${file}.map`) || `/${file}.map`.endsWith(`/${map}`));
    return path === undefined ? undefined : found?.snapshot.read(path);
  };
}
