import type { HealthCheck } from "#domain/evidence.ts";
import type { RuleOf } from "#domain/rule.ts";
import { thresholdOf } from "./facts.ts";

/** One look of the schedule; slots are minutes since 1970. */
export interface Probe extends Pick<HealthCheck, "outcome" | "because"> {
  slot: number;
}

export type Availability =
  | { kind: "down"; because: string; since: Date }
  | { kind: "up"; because: string }
  /** Not down, and not proved to be up: nothing changes. */
  | { kind: "unknown" };

/** Looks that must succeed in a row before something that was down counts as up. */
const recoveriesMin = 2;
const minuteMs = 60_000;

/**
 * Whether the application answers, from the looks within the rule's window (detection.md §2.4.3). A look without data, or
 * one that never took place, neither breaks nor lengthens a row (reliability A3).
 */
export function availability(probes: readonly Probe[], rule: RuleOf<"health_check">, steps: number): Availability {
  const measured = probes.filter(({ outcome }) => outcome !== "no_data").toSorted((a, b) => a.slot - b.slot);
  const last = measured.at(-1);
  if (last === undefined) return { kind: "unknown" };
  const breaks = measured.findLastIndex(({ outcome }) => outcome !== last.outcome);
  const row = measured.slice(breaks + 1);
  const limit = thresholdOf(rule, steps);
  if (last.outcome === "unhealthy" && row.length >= limit) {
    const because = `${row.length} health checks failed in a row (limit ${limit}), the last one: ${last.because}`;
    return { kind: "down", because, since: new Date((row[0]?.slot ?? last.slot) * minuteMs) };
  }
  if (last.outcome === "healthy" && row.length >= recoveriesMin) {
    return { kind: "up", because: `${row.length} health checks succeeded in a row (limit ${recoveriesMin})` };
  }
  return { kind: "unknown" };
}
