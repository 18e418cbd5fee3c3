import type { RuleOf } from "#domain/rule.ts";
import { type ErrorFacts, inWords, thresholdOf } from "./facts.ts";

/** Many users met it, however harmless each event looks. Nobody who may send without a key can claim that. */
export function affectedUsers(facts: ErrorFacts, rule: RuleOf<"affected_users">, steps: number): string | undefined {
  if (facts.trust !== "server" || facts.level === "info" || facts.level === "debug") return undefined;
  const { users } = facts.within(rule.windowMs);
  const threshold = thresholdOf(rule, steps);
  return users >= threshold ? `${users} users in ${inWords(rule.windowMs)} (limit ${threshold})` : undefined;
}
