import { Failure } from "#domain/failure.ts";
import type { ActiveStatus } from "#domain/lifecycle.ts";
import { detect } from "./detect.ts";
import type { Engine } from "./engine.ts";
import { deliver } from "./notify.ts";
import type { Job, QueueName } from "./queue.ts";
import { sentenceOf, work } from "./work.ts";

/**
 * Runs what is due in these queues until nothing is, or until `mayGoOn` says that the time is up. A step that began is
 * always ended; the next one is left to the next tick.
 */
export async function drain(engine: Engine, queues: readonly QueueName[], mayGoOn: () => boolean): Promise<number> {
  let processed = 0;
  let found = true;
  while (found && mayGoOn()) {
    found = false;
    for (const name of queues) {
      if (!mayGoOn()) break;
      const job = await engine.queue.next(name);
      if (job === undefined) continue;
      found = true;
      await runJob(engine, job);
      processed++;
    }
  }
  return processed;
}

/** Between two looks at a kind of error that is an issue already: its counts may be as old as that. */
const detectionRestMs = 5_000;

/** One job of any queue. What a job throws is the job's failure, never the worker's. */
export async function runJob(engine: Engine, job: Job): Promise<void> {
  try {
    if (job.queue === "detect") {
      await detect(engine, { restMs: detectionRestMs });
      await engine.queue.complete(null, job);
    } else if (job.queue === "notify") await deliver(engine, job);
    else await work(engine, job, job.queue as ActiveStatus);
  } catch (error) {
    engine.observe({ kind: "queue_error", error });
    await engine.queue.fail(job, sentenceOf(error), error instanceof Failure ? error.retryAfterMs : undefined);
  }
}
