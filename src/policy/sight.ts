import type { ClaimVerdict, Verdict } from "#domain/evidence.ts";
import { silence, type TrafficHistory } from "./detectors/heartbeat.ts";

/** As the rule has it that tells people (detection.md §2.4.8): requests in five minutes that are usual at this hour. */
const usualMin = 10;
/** The slot of the watch over production (spec.md §8). Traffic is counted by the minute: a shorter silence says nothing. */
const lagMinMs = 5 * 60_000;

/** Whether errors can be judged by at all; `blind`: nothing is reported any more, and silence is not health (reliability A13). */
export type Sight = { kind: "seeing" } | { kind: "blind"; because: string };

/** A source that says nothing for longer than a slot of the watch, although it usually does, makes the watch blind. */
export function sightOf(history: TrafficHistory, now: Date, slotMs: number): Sight {
  const quiet = silence(history, now, { threshold: usualMin, windowMs: Math.max(slotMs, lagMinMs) });
  return quiet === undefined ? { kind: "seeing" } : { kind: "blind", because: `errors are unknown: ${quiet.because}` };
}

/** What was seen to fail has failed; anything else is unknown to whoever is blind. */
export function asSeen(verdict: Verdict, sight: Sight): Verdict {
  if (sight.kind === "seeing" || verdict.kind === "failed") return verdict;
  return { kind: "inconclusive", because: sight.because };
}

/** The same for what the fix claims. */
export function claimAsSeen(claim: ClaimVerdict, sight: Sight): ClaimVerdict {
  if (sight.kind === "seeing" || claim.kind === "not_held") return claim;
  return { kind: "inconclusive", because: sight.because };
}
