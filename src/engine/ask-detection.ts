import { setTimeout as after } from "node:timers";
import type { Touched } from "#store/write/events.ts";
import type { IntakeParts } from "./intake.ts";

/** Issues in these states are decided about at the first new event. */
const endedStatuses = new Set(["resolved", "failed", "rejected"]);
const atOnceEveryMs = 1_000;
const soonMs = 5_000;

/**
 * A new kind of error, one that may pass its gate now, and one that came back are looked at once; everything else (more
 * of the same) within seconds. Answers whether it is for now.
 */
export function detectionAsker({ queue, monotonicMs, batchWaitMs, observe }: IntakeParts) {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  function askLater(): void {
    timer ??= after(() => {
      timer = undefined;
      // Where even this fails, the tick of the schedule finds what is left.
      queue.sendDetect(null, soonMs).catch((error: unknown) => observe({ kind: "queue_error", error }));
    }, atOnceEveryMs).unref();
  }
  async function ask(touched: Touched[]): Promise<boolean> {
    const relevant = touched.filter(({ inProduction }) => inProduction);
    if (relevant.length === 0) return false;
    const isNew = relevant.some((one) => one.isNew);
    const mayDecide = relevant.some(
      ({ state, issueStatus }) =>
        (state === "candidate" && issueStatus === null) || (issueStatus !== null && endedStatuses.has(issueStatus)),
    );
    const sinceMs = monotonicMs() - askedAtMs;
    const isUrgent = isNew || (mayDecide && sinceMs >= atOnceEveryMs);
    // What is asked for many times a second is one pass anyway; the last of them is made good by the timer.
    if (!isUrgent && sinceMs < atOnceEveryMs && batchWaitMs > 0) {
      askLater();
      return false;
    }
    askedAtMs = monotonicMs();
    try {
      await queue.sendDetect(null, isUrgent ? 0 : soonMs);
    } catch (error) {
      // The events are counted: nobody has to send them again because of this.
      observe({ kind: "queue_error", error });
      askLater();
    }
    return isUrgent;
  }
  return { ask, stop: () => clearTimeout(timer) };
}
