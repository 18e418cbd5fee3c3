import { setTimeout as sleep } from "node:timers/promises";
import { drain } from "./drain.ts";
import type { Engine } from "./engine.ts";
import type { QueueName } from "./queue.ts";

/** Between two looks, so that a storm of requests costs a few of them per second and not one each. */
const restMs = 500;

/**
 * Runs what is due, where no workers are (functions). One run at a time in a process: whoever asks meanwhile has it look
 * once more. No step begins after `budgetMs`; what is left then, the next call of a cron route finds.
 */
export function createGoOn(engine: Engine, queues: readonly QueueName[]): (budgetMs: number) => Promise<void> {
  let isRunning = false;
  let isAsked = false;
  return async (budgetMs) => {
    isAsked = true;
    if (isRunning) return;
    isRunning = true;
    const startMs = engine.monotonicMs();
    const mayGoOn = () => engine.monotonicMs() - startMs < budgetMs;
    try {
      while (isAsked && mayGoOn()) {
        isAsked = false;
        await drain(engine, queues, mayGoOn);
        await sleep(restMs);
      }
    } finally {
      isRunning = false;
    }
  };
}
