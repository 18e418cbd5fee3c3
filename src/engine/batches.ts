import { setTimeout as after } from "node:timers";
import { Failure } from "#domain/failure.ts";

/** Many requests, one transaction: what arrives while a batch is being written is the next batch. */
export interface Batches<Item> {
  /** Resolves when the item is written; throws `rate_limited` at once when too much waits already, else what writing threw. */
  add(item: Item): Promise<void>;
  /** Writes what waits, and resolves when nothing does any more. */
  drained(): Promise<void>;
}

export interface BatchLimits {
  /** How long the first of a batch waits for others. */
  waitMs: number;
  /** Weight that goes into one batch. */
  eventsMax: number;
  /** Weight that may wait, batch in the making included; then new ones are refused instead of held in memory. */
  queuedEventsMax: number;
  queuedBytesMax: number;
}

interface Waiting<Item> {
  item: Item;
  events: number;
  bytes: number;
  done: () => void;
  failed: (error: unknown) => void;
}

/** `sizeOf` tells what an item weighs; `write` gets the items of one batch in the order in which they came. */
export function createBatches<Item>(
  limits: BatchLimits,
  sizeOf: (item: Item) => { events: number; bytes: number },
  write: (items: Item[]) => Promise<void>,
): Batches<Item> {
  let waiting: Waiting<Item>[] = [];
  let events = 0;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  function next(): Waiting<Item>[] {
    let taken = 0;
    let count = 0;
    // The first one always: an item may weigh more than a whole batch.
    while (count < waiting.length && (count === 0 || taken + (waiting[count]?.events ?? 0) <= limits.eventsMax)) {
      taken += waiting[count]?.events ?? 0;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  async function writeAll(): Promise<void> {
    for (let batch = next(); batch.length > 0; batch = next()) {
      await writeOne(batch);
      for (const one of batch) {
        events -= one.events;
        bytes -= one.bytes;
      }
    }
  }

  /** One bad item must not take the others with it: after a failure that is no outage each is written by itself. */
  async function writeOne(batch: Waiting<Item>[]): Promise<void> {
    try {
      await write(batch.map(({ item }) => item));
      for (const { done } of batch) done();
    } catch (error) {
      if (batch.length === 1 || error instanceof Failure) for (const { failed } of batch) failed(error);
      else for (const one of batch) await writeOne([one]);
    }
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => {
      writing = undefined;
      if (waiting.length > 0) start();
    });
  }

  return {
    add(item) {
      const size = sizeOf(item);
      const isFull = events + size.events > limits.queuedEventsMax || bytes + size.bytes > limits.queuedBytesMax;
      if (isFull && events > 0) {
        return Promise.reject(
          new Failure("rate_limited", "More events arrive than can be stored.", {
            hint: "Send the rest a little later.",
          }),
        );
      }
      events += size.events;
      bytes += size.bytes;
      return new Promise((done, failed) => {
        waiting.push({ item, ...size, done, failed });
        if (writing !== undefined) return;
        if (limits.waitMs === 0 || events >= limits.eventsMax) start();
        else timer ??= after(start, limits.waitMs);
      });
    },
    async drained() {
      if (waiting.length > 0) start();
      while (writing !== undefined) await writing;
    },
  };
}
