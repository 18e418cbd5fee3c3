import type { Severity } from "#domain/issue.ts";

/**
 * What a model's word on how grave a problem is changes: it may only make the rules stricter, because a milder severity
 * could ship a fix without a person. A milder word is kept as a note (spec.md §3, §9).
 */
export function severityAfter(rules: Severity, opinion: Severity): Severity {
  return opinion < rules ? opinion : rules;
}
