import type { Rule } from "#domain/rule.ts";
import { affectedUsers } from "./affected-users.ts";
import type { ErrorFacts } from "./facts.ts";
import { failureCount } from "./failure-count.ts";
import { newError } from "./new-error.ts";

/** How often each rule raised itself. */
export type Steps = ReadonlyMap<string, number>;

/** The first rule that makes an issue of this kind of error, and the numbers that decided. */
export function openingRule(
  facts: ErrorFacts,
  rules: readonly Rule[],
  steps: Steps,
): { rule: Rule; because: string } | undefined {
  for (const rule of rules) {
    const because = rule.enabled ? decision(facts, rule, steps.get(rule.name) ?? 0) : undefined;
    if (because !== undefined) return { rule, because };
  }
  return undefined;
}

function decision(facts: ErrorFacts, rule: Rule, steps: number): string | undefined {
  switch (rule.kind) {
    case "new_error":
      return newError(facts, rule, steps);
    case "failure_count":
      return failureCount(facts, rule, steps);
    case "affected_users":
      return affectedUsers(facts, rule, steps);
    default:
      // Decided in rounds, not by an event: see `pipeline/conditions.ts`.
      return undefined;
  }
}
