import type { Rule } from "#domain/rule.ts";
import { thresholdOf } from "./detectors/facts.ts";

/** Issues that a rule opened, and how many of them people called false alarms, since it was counted anew. */
export interface RuleCount {
  steps: number;
  issues: number;
  falseAlarms: number;
}

const issuesMin = 100;
const shareMax = 0.01;
const stepsMax = 6;

/** Why a rule has to ask for more, or `undefined`: above 1 % of at least 100 issues (spec.md §16, detection.md §2.4.9). */
export function falseAlarmRate(rule: Rule, { steps, issues, falseAlarms }: RuleCount): string | undefined {
  if (!(issues >= issuesMin && falseAlarms > shareMax * issues) || steps >= stepsMax) return undefined;
  const share = ((falseAlarms / issues) * 100).toFixed(1);
  const [from, to] = [thresholdOf(rule, steps), thresholdOf(rule, steps + 1)];
  return `${falseAlarms} of ${issues} issues were false alarms (${share} %, limit ${shareMax * 100} %): the threshold rises from ${from} to ${to}`;
}
