/**
 * Which events of a storm are kept in full; the others only count. The first five of one kind, which is as many as are
 * kept of a beginning (detection.md §2.2), and then one in five seconds, so that the newest are never old: below the
 * bound of five a second (§2.3.10), because a thousand kinds at once must not be written in full either.
 */
const burstMax = 5;
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
}

/** Remembers what one process kept; its memory is bounded by the number of kinds. */
export function createSampler(): Sampler {
  const kinds = new Map<string, Kind>();
  return {
    keeps(name, nowMs) {
      const known = kinds.get(name);
      const kind: Kind =
        known === undefined || nowMs - known.keptAtMs > forgetAfterMs ? { kept: 0, keptAtMs: nowMs } : known;
      if (kind.kept >= burstMax && nowMs - kind.keptAtMs < laterEveryMs) return false;
      kind.kept++;
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
