import type { RuleOf } from "#domain/rule.ts";
import { type ErrorFacts, inWords, thresholdOf } from "./facts.ts";
import { isExternal } from "./new-error.ts";

/** "15 calls failed in the last 5 minutes" (spec.md §3, detection.md §2.4.1). */
export function failureCount(facts: ErrorFacts, rule: RuleOf<"failure_count">, steps: number): string | undefined {
  const { trust, level, externalHost } = facts;
  if (trust !== "server" || level === "info" || level === "debug" || !isExternal(facts)) return undefined;
  if (rule.host !== null && rule.host.toLowerCase() !== externalHost?.toLowerCase()) return undefined;
  const { events } = facts.within(rule.windowMs);
  const threshold = thresholdOf(rule, steps);
  if (!(events >= threshold)) return undefined;
  const where = externalHost === null ? "" : ` to ${externalHost}`;
  return `${events} calls${where} failed in the last ${inWords(rule.windowMs)} (limit ${threshold})`;
}
