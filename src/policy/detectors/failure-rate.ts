import type { RuleOf } from "#domain/rule.ts";
import { binomialTail } from "../chance.ts";
import { inWords, thresholdOf } from "./facts.ts";

/** Requests of one operation: within the rule's window, and in the 24 hours before it. */
export interface OperationFacts {
  /** `METHOD /route`; empty: the whole application. */
  operation: string;
  requests: number;
  failures: number;
  before: { requests: number; failures: number };
  /** Events within the window that belong to kinds of errors of this operation. */
  errors: number;
}

/** A share this small is never called unusual, however clean the past was. */
const usualShareMin = 0.01;
/** Where so many of the failures are exceptions, their issues tell the story. */
const explainedShare = 0.5;

/** Whether an operation fails more often than its past explains, and the numbers (detection.md §2.4.2). */
export function failureRate(facts: OperationFacts, rule: RuleOf<"failure_rate">, steps: number): string | undefined {
  const { operation, requests, failures, before, errors } = facts;
  if (rule.operation !== null && rule.operation !== operation) return undefined;
  if (!(requests >= rule.requestsMin && failures >= thresholdOf(rule, steps) && failures <= requests)) return undefined;
  if (errors >= explainedShare * failures) return undefined;
  const share = failures / requests;
  const earlier = before.requests > 0 ? before.failures / before.requests : 0;
  if (share * 100 < rule.sharePctMin || share < rule.riseMin * earlier) return undefined;
  const p = binomialTail(failures, requests, Math.max(earlier, usualShareMin));
  if (!(p < rule.pValueMax)) return undefined;
  const usually = before.requests > 0 ? `, usually ${percent(earlier)}` : "";
  return `${failures} of ${requests} requests failed in ${inWords(rule.windowMs)} (${percent(share)}${usually})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
