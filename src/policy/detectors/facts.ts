import type { ErrorEvent } from "#domain/event.ts";
import type { Rule } from "#domain/rule.ts";

/** Events, and distinct users that met them, within a time that ends now. */
export interface Count {
  events: number;
  users: number;
}

/** What is known about a kind of error that has no issue yet. */
export interface ErrorFacts
  extends Pick<ErrorEvent, "kind" | "handled" | "level" | "trust" | "httpStatus" | "externalHost"> {
  hasInAppFrame: boolean;
  /** Built code without its source map: who reported it says little about where it is. */
  hasWeakFrames: boolean;
  hasStack: boolean;
  issueType: string;
  /** Within the last `windowMs`. */
  within(windowMs: number): Count;
}

/** A rule that raised itself `steps` times asks for twice as much each time (detection.md §2.4.9). */
export function thresholdOf(rule: Pick<Rule, "threshold">, steps: number): number {
  return rule.threshold * 2 ** Math.max(0, steps);
}

export function inWords(windowMs: number): string {
  const minutes = Math.round(windowMs / 60_000);
  return minutes === 60 ? "an hour" : minutes === 1 ? "a minute" : `${minutes} minutes`;
}
