import { fingerprintOf, groupingAlgorithm } from "#policy/fingerprint.ts";
import { keepName, oldGroups, renameGroup } from "#store/write/renamed-groups.ts";
import type { Engine } from "./engine.ts";

const pageMax = 100;

/**
 * Brings the groups of older algorithms along: each gets the name that its newest event has now. Without it every known
 * error would look new after an update, and stop releases that have nothing to do with it. Answers how many were renamed.
 */
export async function upgradeGroups(
  { connection, projectId, digest }: Pick<Engine, "connection" | "projectId" | "digest">,
  algorithm = groupingAlgorithm,
): Promise<number> {
  let renamed = 0;
  for (;;) {
    const page = await connection.db.transaction(async (tx) => {
      const groups = await oldGroups(tx, projectId, { algorithm, limit: pageMax });
      for (const { fingerprint: from, sample } of groups) {
        const to = sample === null ? from : fingerprintOf(sample, digest).fingerprint;
        if (to === from) await keepName(tx, projectId, from, algorithm);
        else {
          await renameGroup(tx, projectId, { from, to, algorithm });
          renamed++;
        }
      }
      return groups.length;
    });
    if (page < pageMax) return renamed;
  }
}
