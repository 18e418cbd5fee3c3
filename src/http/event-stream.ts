import type { Http } from "./context.ts";

export interface EventStreamOptions {
  /** The next piece of the stream, asked for only when the client took the one before; "" when the stream is over. */
  next(isOver: () => boolean): Promise<string>;
  /** Wakes a `next` that waits. */
  wake(): void;
  /** Called exactly once, however the stream ends. */
  ended(): void;
  /** Kept as long as the stream lives: its signal tells no listener anything once the request itself is collected (undici). */
  request: Request;
  /** Then the stream ends and the client resumes: functions may not live longer, and keys are checked again. */
  lifetimeMs: number;
  log: Http["log"];
}

/** Server-sent events, pulled: a slow client costs one piece of memory. */
export function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  const text = new TextEncoder();
  const lifetime = AbortSignal.any([options.request.signal, AbortSignal.timeout(options.lifetimeMs)]);
  let isOver = false;
  function leave(): void {
    isOver = true;
    options.wake();
    options.ended();
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(text.encode("retry: 2000\n\n"));
      const close = () => {
        if (isOver) return;
        leave();
        controller.close();
      };
      if (lifetime.aborted) close();
      else lifetime.addEventListener("abort", close, { once: true });
    },
    async pull(controller) {
      try {
        const chunk = await options.next(() => isOver);
        if (!isOver) controller.enqueue(text.encode(chunk));
      } catch (cause) {
        options.log("a stream of events broke off", cause);
        if (isOver) return;
        leave();
        controller.close();
      }
    },
    cancel() {
      if (!isOver) leave();
    },
  });
}

/** `no-transform` also keeps Next.js from compressing, which would hold events back. */
export const eventStreamHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

/** Wakes whoever waits; a ring between arming and waiting is not lost. */
export function createBell() {
  let wake: () => void = () => undefined;
  return {
    ring: () => wake(),
    armed() {
      let ring: () => void = () => undefined;
      const rung = new Promise<void>((resolve) => {
        ring = resolve;
      });
      wake = ring;
      /** Whether it rang within the time. */
      return (withinMs: number): Promise<boolean> =>
        new Promise((done) => {
          const timer = setTimeout(() => done(false), Math.max(1, withinMs));
          void rung.then(() => {
            clearTimeout(timer);
            done(true);
          });
        });
    },
  };
}
