import type { HealthCheck } from "./evidence.ts";
import type { Severity } from "./issue.ts";
import type { ActiveStatus } from "./lifecycle.ts";

/** What people see at a glance; everything in it may be sent to a browser as JSON. Times are ISO 8601 in UTC. */
export interface BoardView {
  /** The newest action this view knows of. */
  seq: number;
  /** When it was read, by the database's clock: elapsed times are counted from here. */
  at: string;
  paused: { because: string; by: string | null; until: string | null } | null;
  autonomyLevel: 1 | 2 | 3;
  usage: UsageView;
  /** Issues at work, most advanced first; at most 100. */
  flights: FlightView[];
  /** How many issues are at work in all. */
  flightsInAll: number;
  /** Fixes that wait for a person, oldest first; each named by what would be approved. */
  waiting: { issueId: string; diffHash: string }[];
}

/** What of each limit is used (spec.md §11, §15). */
export interface UsageView {
  fixesThisHour: { used: number; limit: number };
  deploymentsToday: { used: number; limit: number };
  spendTodayUsd: { used: number; limit: number };
}

/** One issue on its way through the pipeline. */
export interface FlightView {
  id: string;
  title: string;
  severity: Severity;
  status: ActiveStatus;
  statusSince: string;
  /** What it is doing or waiting for. */
  progress: string | null;
  /** When it goes on by itself, where it waits for a time. */
  nextRunAt: string | null;
  attempt: number | null;
  affectedUsers: number;
  eventCount: number;
  /** The open watch over its release, when there is one. */
  watch: { environment: "staging" | "production"; from: string; until: string; checks: CheckMark[] } | null;
}

/** One look of a watch, in order. */
export interface CheckMark {
  slot: number;
  /** 0 for the regular look, 1 for the repetition after a failed one. */
  repeat: number;
  outcome: HealthCheck["outcome"];
}
