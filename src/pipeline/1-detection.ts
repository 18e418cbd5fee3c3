import { move, wait } from "#domain/outcome.ts";
import type { Stage } from "./stage.ts";

const dayMs = 24 * 60 * 60_000;
const rivalRetryMs = 30_000;
const placeRetryMs = 30_000;
/** A long line looks less often: whoever is far behind has nothing to see. */
const placeRetriesMax = 20;

/** Stage 1: decide whether the problem is worth a diagnosis now. One fix at a time for one cause; no endless attempts. */
export const detection: Stage<"detected"> = async (issue, world) => {
  const { limits } = world.settings;
  const rival = await world.read.inFlightWithCause(issue);
  const now = world.clock.now();
  if (rival !== undefined) {
    return wait(new Date(now.getTime() + rivalRetryMs), `"${rival.title}" has the same cause and is being fixed`);
  }
  const written = await world.read.fixesWrittenSince(issue.id, new Date(now.getTime() - dayMs), null);
  if (written >= limits.fixesPerFingerprintPerDay) {
    const because = `${written} fixes were written for it in 24 hours (limit ${limits.fixesPerFingerprintPerDay}); a person has to look`;
    return move("failed", because);
  }
  const before = await world.read.issuesBefore(issue);
  if (before >= limits.liveIssues) {
    const turns = Math.min(placeRetriesMax, Math.floor(before / limits.liveIssues));
    const because = `${before} issues are worked on or go first (limit ${limits.liveIssues} at a time)`;
    return wait(new Date(now.getTime() + turns * placeRetryMs), because);
  }
  return move("diagnosing", `${issue.severity} ${issue.issueType}: ready for a diagnosis`);
};
