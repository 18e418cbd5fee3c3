import { and, desc, eq, inArray, or, sql } from "drizzle-orm";
import type { Database } from "../connect.ts";
import { sourceMaps } from "../schema.ts";

/** By what a frame asks for its map. */
export interface SourceMapKey {
  debugId: string | null;
  release: string | null;
  dist: string | null;
  file: string;
}

/** Whether any build ever left a map here. */
export async function hasSourceMaps(db: Database, projectId: string): Promise<boolean> {
  const found = await db
    .select({ file: sourceMaps.file })
    .from(sourceMaps)
    .where(eq(sourceMaps.projectId, projectId))
    .limit(1);
  return found.length > 0;
}

/**
 * The gzipped map of a built file: by the debug id that its frame names, else by release and file, where a map for just
 * this `dist` comes before one for any.
 */
export async function storedSourceMap(
  db: Database,
  projectId: string,
  { debugId, release, dist, file }: SourceMapKey,
): Promise<Uint8Array | undefined> {
  const byFile = and(
    eq(sourceMaps.release, release ?? ""),
    inArray(sourceMaps.dist, [dist ?? "", ""]),
    eq(sourceMaps.file, file),
  );
  const [found] = await db
    .select({ map: sourceMaps.map })
    .from(sourceMaps)
    .where(
      and(
        eq(sourceMaps.projectId, projectId),
        debugId === null ? byFile : or(eq(sourceMaps.debugId, debugId.toLowerCase()), byFile),
      ),
    )
    .orderBy(desc(sql`coalesce(${sourceMaps.debugId} = ${debugId?.toLowerCase() ?? ""}, false)`), desc(sourceMaps.dist))
    .limit(1);
  return found?.map;
}
