import type { RuleOf } from "#domain/rule.ts";
import { type ErrorFacts, inWords, thresholdOf } from "./facts.ts";

/** Types that a sender states on purpose: a person looked, so one report is enough. */
const stated: readonly string[] = ["typo"];

/** Whether a new kind of error is worth an issue yet, and why (detection.md §2.4.1). */
export function newError(facts: ErrorFacts, rule: RuleOf<"new_error">, steps: number): string | undefined {
  if (classOf(facts) !== rule.of) return undefined;
  const { events, users } = facts.within(rule.windowMs);
  const threshold = thresholdOf(rule, steps);
  if (!(events >= threshold && users >= rule.usersMin)) return undefined;
  const met = rule.usersMin > 0 ? `, ${users} users (limit ${rule.usersMin})` : "";
  return `${events} event${events === 1 ? "" : "s"} in ${inWords(rule.windowMs)} (limit ${threshold})${met}`;
}

/** How sure the evidence is; `undefined`: never an issue by itself. */
function classOf(facts: ErrorFacts): RuleOf<"new_error">["of"] | undefined {
  const { issueType, handled, level, trust, hasInAppFrame, hasWeakFrames, hasStack, httpStatus } = facts;
  if (trust === "browser") return level === "info" || level === "debug" ? undefined : "browser";
  if (stated.includes(issueType)) return "stated";
  if (level === "info" || level === "debug") return undefined;
  // Someone else's outage is no code fault until it lasts: `failure_count` decides.
  if (isExternal(facts)) return undefined;
  if (hasWeakFrames) return "browser";
  const failed = !handled || (httpStatus !== null && httpStatus >= 500);
  if (failed && hasInAppFrame && level !== "warning") return "unhandled";
  return hasStack ? "handled" : "log";
}

export function isExternal({ kind, issueType }: Pick<ErrorFacts, "kind" | "issueType">): boolean {
  return kind === "external" || issueType === "external_api_error";
}
