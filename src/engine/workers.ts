import { setTimeout as after } from "node:timers";
import { sweep } from "./detect.ts";
import { runJob } from "./drain.ts";
import type { Engine } from "./engine.ts";
import { queueNames } from "./queue.ts";

export interface Workers {
  /** Looks for due work now instead of at the next poll. */
  wake(): void;
  /** Looks for due work at `at`. */
  wakeAt(at: Date): void;
  /** Takes no new work and resolves when the running steps have ended. */
  stop(): Promise<void>;
}

export interface WorkerTimes {
  /** A transition wakes the workers at once; this is for work that another process queued. */
  pollEveryMs: number;
  /** How soon a row that a person inserted is picked up, and a dead worker's issue taken over. */
  sweepEveryMs: number;
}

/** Self-hosted: one loop per queue, so that a long diagnosis never delays a watch, and a sweep beside them. */
export function startWorkers(engine: Engine, times: WorkerTimes): Workers {
  const stopping = { now: false };
  const bell = createBell();
  const loops = queueNames.map((name) => loop(name));
  const sweeping = sweepLoop();

  async function loop(name: (typeof queueNames)[number]): Promise<void> {
    while (!stopping.now) {
      const rung = bell.next(times.pollEveryMs);
      try {
        const job = await engine.queue.next(name);
        if (job !== undefined) {
          await runJob(engine, job);
          continue;
        }
      } catch (error) {
        engine.observe({ kind: "queue_error", error });
      }
      await rung;
    }
  }

  async function sweepLoop(): Promise<void> {
    while (!stopping.now) {
      try {
        await sweep(engine);
      } catch (error) {
        engine.observe({ kind: "queue_error", error });
      }
      await bell.quiet(times.sweepEveryMs);
    }
  }

  return {
    wake: bell.ring,
    wakeAt: (at) => bell.ringAt(at.getTime() - engine.wallClock().getTime()),
    stop: async () => {
      stopping.now = true;
      bell.close();
      await Promise.all([...loops, sweeping]);
    },
  };
}

/** Wakes everybody who waits; someone who asks before the ring and waits after it is woken as well. */
function createBell() {
  const waiting = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;
  const ring = () => {
    for (const wake of [...waiting]) wake();
  };
  const pause = (ms: number, deaf: boolean) =>
    new Promise<void>((resolve) => {
      if (closed) return resolve();
      const done = () => {
        clearTimeout(timer);
        waiting.delete(done);
        quietOnes.delete(done);
        resolve();
      };
      const timer = after(done, ms);
      (deaf ? quietOnes : waiting).add(done);
    });
  const quietOnes = new Set<() => void>();
  return {
    ring,
    ringAt: (inMs: number) => {
      if (closed) return;
      const timer = after(() => {
        timers.delete(timer);
        ring();
      }, Math.max(0, inMs) + 1);
      timers.add(timer);
    },
    next: (ms: number) => pause(ms, false),
    quiet: (ms: number) => pause(ms, true),
    close: () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const wake of [...waiting, ...quietOnes]) wake();
    },
  };
}
