import { and, count, desc, eq, lt, max, ne, or, sql } from "drizzle-orm";
import type { Transaction } from "../connect.ts";
import { sourceMaps } from "../schema.ts";

/** A source map as it is kept: gzipped, named by the file that it describes. */
export interface StoredSourceMap {
  release: string;
  dist: string;
  file: string;
  debugId: string | null;
  /** sha256 of the map's own text. */
  digest: string;
  map: Uint8Array;
}

/** Bounds on what builds may leave behind (detection.md §2.1, §2.2). */
const mapsPerReleaseMax = 200;
const releasesMax = 20;

/**
 * Keeps a map; the same one again changes nothing, another one for the same file replaces it. The oldest releases make
 * room. `full`: the release has as many maps as one may have.
 */
export async function saveSourceMap(
  tx: Transaction,
  projectId: string,
  uploaded: StoredSourceMap,
): Promise<"saved" | "unchanged" | "full"> {
  const { release, dist, file, debugId, digest, map } = uploaded;
  const ofRelease = and(eq(sourceMaps.projectId, projectId), eq(sourceMaps.release, release));
  const others = or(ne(sourceMaps.dist, dist), ne(sourceMaps.file, file));
  const [kept] = await tx.select({ maps: count() }).from(sourceMaps).where(and(ofRelease, others));
  if ((kept?.maps ?? 0) >= mapsPerReleaseMax) return "full";
  const written = await tx
    .insert(sourceMaps)
    .values({ projectId, ...uploaded })
    .onConflictDoUpdate({
      target: [sourceMaps.projectId, sourceMaps.release, sourceMaps.dist, sourceMaps.file],
      set: { debugId, digest, map, createdAt: sql`clock_timestamp()` },
      setWhere: or(ne(sourceMaps.digest, digest), sql`${sourceMaps.debugId} IS DISTINCT FROM ${debugId}`),
    })
    .returning({ file: sourceMaps.file });
  if (written.length === 0) return "unchanged";
  await dropOldReleases(tx, projectId);
  return "saved";
}

async function dropOldReleases(tx: Transaction, projectId: string): Promise<void> {
  const newest = max(sourceMaps.createdAt);
  const [oldestKept] = await tx
    .select({ at: newest })
    .from(sourceMaps)
    .where(eq(sourceMaps.projectId, projectId))
    .groupBy(sourceMaps.release)
    .orderBy(desc(newest))
    .offset(releasesMax - 1)
    .limit(1);
  if (oldestKept?.at === undefined || oldestKept.at === null) return;
  const outdated = tx
    .select({ release: sourceMaps.release })
    .from(sourceMaps)
    .where(eq(sourceMaps.projectId, projectId))
    .groupBy(sourceMaps.release)
    .having(lt(newest, oldestKept.at));
  await tx
    .delete(sourceMaps)
    .where(and(eq(sourceMaps.projectId, projectId), sql`${sourceMaps.release} IN ${outdated}`));
}
