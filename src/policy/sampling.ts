/**
 * Which events of a storm are kept in full (detection.md §2.3.10); the others only count. At most five a second of one
 * kind; once as many are kept as the database keeps anyway, one in five seconds, so that the newest are never old.
 */
const perSecondMax = 5;
const burstMax = 25;
const laterEveryMs = 5_000;
/** A kind that was quiet for so long begins anew. */
const forgetAfterMs = 60_000;
const kindsMax = 20_000;

export interface Sampler {
  /** Whether the event that arrived at `nowMs` (any clock that only rises) is kept in full. */
  keeps(kind: string, nowMs: number): boolean;
}

interface Kind {
  kept: number;
  keptAtMs: number;
  second: number;
  keptInSecond: number;
}

/** Remembers what one process kept; its memory is bounded by the number of kinds. */
export function createSampler(): Sampler {
  const kinds = new Map<string, Kind>();
  return {
    keeps(name, nowMs) {
      const second = Math.floor(nowMs / 1_000);
      const known = kinds.get(name);
      const kind: Kind =
        known === undefined || nowMs - known.keptAtMs > forgetAfterMs
          ? { kept: 0, keptAtMs: nowMs, second, keptInSecond: 0 }
          : known;
      if (kind.second !== second) Object.assign(kind, { second, keptInSecond: 0 });
      const isDue = kind.kept < burstMax || nowMs - kind.keptAtMs >= laterEveryMs;
      if (!isDue || kind.keptInSecond >= perSecondMax) return false;
      kind.kept++;
      kind.keptInSecond++;
      kind.keptAtMs = nowMs;
      if (known === undefined && kinds.size >= kindsMax) forgetOldest(kinds);
      kinds.set(name, kind);
      return true;
    },
  };
}

/** A tenth at once, in the order in which they were first seen. */
function forgetOldest(kinds: Map<string, Kind>): void {
  let left = kindsMax / 10;
  for (const name of kinds.keys()) {
    kinds.delete(name);
    if (--left === 0) return;
  }
}
