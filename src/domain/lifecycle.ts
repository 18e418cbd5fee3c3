/**
 * The one table of legal moves (design.md §2). Types, the database trigger, the operators' commands and the dashboard
 * all follow from it; `tests/schema.test.ts` proves that the database holds the same rows.
 */
export const transitions = {
  detected: ["diagnosing", "failed", "dismissed"],
  diagnosing: ["fixing", "failed", "rejected", "dismissed"],
  fixing: ["testing", "failed", "rejected", "dismissed"],
  testing: ["staging", "fixing", "failed", "rejected", "dismissed"],
  staging: ["awaiting_approval", "deploying", "testing", "failed", "rejected", "dismissed"],
  awaiting_approval: ["deploying", "testing", "failed", "rejected", "dismissed"],
  deploying: ["monitoring", "testing", "awaiting_approval", "rolling_back", "failed", "rejected"],
  monitoring: ["resolved", "rolling_back", "failed"],
  rolling_back: ["failed"],
  resolved: ["detected", "rolling_back"],
  failed: ["detected", "rolling_back", "dismissed"],
  rejected: ["detected", "dismissed"],
  dismissed: ["detected"],
} as const satisfies Record<string, readonly string[]>;

export type Status = keyof typeof transitions;
/** Where an issue may go from `S`. */
export type NextOf<S extends Status> = (typeof transitions)[S][number];

export const statuses = Object.keys(transitions) as readonly Status[];

/** Statuses in which the agent has something to do. The others wait for an event or a person. */
export const activeStatuses = [
  "detected",
  "diagnosing",
  "fixing",
  "testing",
  "staging",
  "awaiting_approval",
  "deploying",
  "monitoring",
  "rolling_back",
] as const satisfies readonly Status[];
export type ActiveStatus = (typeof activeStatuses)[number];

/** One candidate at a time travels through these (design.md §3, the lane). */
export const laneStatuses: readonly Status[] = ["staging", "deploying", "monitoring", "rolling_back"];

/**
 * Work that goes on while the agent is paused: what already reached production stays watched (spec.md §12). A question looks
 * only, and has to: a person's merge brings the fix to production whether the agent is paused or not.
 */
export const safetyStatuses: readonly Status[] = ["awaiting_approval", "deploying", "monitoring", "rolling_back"];

export function isActive(status: Status): status is ActiveStatus {
  return (activeStatuses as readonly Status[]).includes(status);
}

export function mayMove(from: Status, to: Status): boolean {
  return (transitions[from] as readonly Status[]).includes(to);
}
