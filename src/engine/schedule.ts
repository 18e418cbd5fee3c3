import { Cron } from "croner";
import type { Engine } from "./engine.ts";
import type { Observer } from "./observe.ts";
import { operationsOf } from "./operations.ts";
import { round } from "./round.ts";
import { resumeWhenDue } from "./settings.ts";
import { startWorkers } from "./workers.ts";

export interface Schedule {
  /** Takes no new work and resolves when the running steps have ended. */
  stop(): Promise<void>;
}

const times = { pollEveryMs: 1_000, sweepEveryMs: 5_000 };
const tickBudgetMs = 240_000;

/**
 * Self-hosted: the workers, woken by every commit of this process, and the schedule that Vercel's crons would bring.
 * A tick that is still running when the next one is due is not started twice.
 */
export function startSchedule(engine: Engine, observers: Set<Observer>, afterDetection: () => Promise<void>): Schedule {
  const workers = startWorkers(engine, times);
  const operations = operationsOf(engine);
  const wake: Observer = (event) => {
    if (event.kind === "committed") workers.wake();
    if (event.kind === "waiting") workers.wakeAt(event.until);
  };
  observers.add(wake);
  const options = { protect: true, catch: (error: unknown) => engine.observe({ kind: "queue_error", error }) };
  const detection = new Cron("*/5 * * * *", options, async () => {
    await operations.tick("detect", tickBudgetMs);
    await afterDetection();
  });
  const pauses = new Cron("* * * * *", options, () => resumeWhenDue(engine));
  const rounds = new Cron("* * * * *", options, () => round(engine));
  return {
    stop: async () => {
      observers.delete(wake);
      detection.stop();
      pauses.stop();
      rounds.stop();
      await workers.stop();
    },
  };
}
