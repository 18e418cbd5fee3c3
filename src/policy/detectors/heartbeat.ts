import type { RuleOf } from "#domain/rule.ts";
import { medianOf } from "../chance.ts";
import { inWords, thresholdOf } from "./facts.ts";

/** What an environment reports of its traffic, and used to report at this time of day. Requests per five minutes. */
export interface TrafficHistory {
  /** In the hour before the time that is looked at; `null`: nothing was reported by then. */
  hourBefore: number | null;
  /** At the same time of day, in each of the last days on which anything was reported. */
  sameHour: number[];
  /** When requests were reported last; `null`: never. */
  lastReportAt: Date | null;
}

/** One earlier day may have been a holiday; before two are known, the last hour tells what is usual. */
const daysMin = 2;

/**
 * Whether an environment that usually reports traffic fell silent, and the numbers (detection.md §2.4.8). Silence is not
 * health: whoever judges by errors is blind from then on (reliability A13).
 */
export function silence(
  history: TrafficHistory,
  now: Date,
  rule: Pick<RuleOf<"heartbeat">, "threshold" | "windowMs">,
  steps = 0,
): { because: string; since: Date } | undefined {
  const { lastReportAt } = history;
  if (lastReportAt === null || !(now.getTime() - lastReportAt.getTime() > rule.windowMs)) return undefined;
  const usual = usually(history);
  if (!(usual >= thresholdOf(rule, steps))) return undefined;
  const because = `no request was reported for ${inWords(now.getTime() - lastReportAt.getTime())}, usually ${usual.toFixed(0)} come in 5 minutes at this hour`;
  return { because, since: lastReportAt };
}

function usually({ sameHour, hourBefore }: TrafficHistory): number {
  return sameHour.length >= daysMin ? medianOf(sameHour) : (hourBefore ?? 0);
}
