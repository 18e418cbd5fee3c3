import type { ErrorEvent } from "#domain/event.ts";

/** What is known about a kind of error that has no issue yet. */
export interface GateFacts {
  state: "candidate" | "issue" | "muted" | "noise" | "dismissed";
  handled: boolean;
  level: ErrorEvent["level"];
  trust: ErrorEvent["trust"];
  hasInAppFrame: boolean;
  hasStack: boolean;
  issueType: string;
  eventsRecent: number;
  usersRecent: number;
  httpStatus: number | null;
}

/** Constants of detection.md §2.4.1. */
const handledEventsMin = 3;
const logEventsMin = 5;
const browserEventsMin = 3;
const browserUsersMin = 2;
const externalEventsMin = 15;

/** Types that a sender states on purpose: a person looked, so one report is enough. */
const stated: readonly string[] = ["typo"];

/** Whether a kind of error is worth an issue yet: the surer the evidence, the fewer events it takes (detection.md §2.4.1). */
export function gate(facts: GateFacts): boolean {
  if (facts.state !== "candidate" || !(facts.eventsRecent >= 1)) return false;
  if (facts.trust === "browser") {
    return facts.eventsRecent >= browserEventsMin && facts.usersRecent >= browserUsersMin;
  }
  return facts.eventsRecent >= eventsMin(facts);
}

/** Events that open an issue on the word of a server. */
function eventsMin({ issueType, handled, level, hasInAppFrame, hasStack, httpStatus }: GateFacts): number {
  if (stated.includes(issueType)) return 1;
  if (level === "info" || level === "debug") return Number.POSITIVE_INFINITY;
  // Someone else's outage is no code fault until it lasts.
  if (issueType === "external_api_error") return externalEventsMin;
  const failed = !handled || (httpStatus !== null && httpStatus >= 500);
  if (failed && hasInAppFrame && level !== "warning") return 1;
  return hasStack ? handledEventsMin : logEventsMin;
}
