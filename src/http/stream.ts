import type { ActionView, Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { identify } from "./identity.ts";
import { endpoint, type Handler } from "./respond.ts";

/** How a stream behaves; tests make it quick. */
export interface StreamLimits {
  /** A comment this often tells proxies and clients that the line is alive. */
  heartbeatMs: number;
  /** Actions of other processes ring no bell here, so the database is asked this often. */
  pollMs: number;
  /** Then the stream ends and the client resumes: functions may not live longer, and keys are checked again. */
  lifetimeMs: number;
  batchMax: number;
  streamsMax: number;
}

const defaults: StreamLimits = {
  heartbeatMs: 15_000,
  pollMs: 5_000,
  lifetimeMs: 240_000,
  batchMax: 100,
  streamsMax: 100,
};

/**
 * Every action as it happens, as server-sent events. The id of an event is the action's `seq`: a client that comes back
 * with `Last-Event-ID` (or asks with `?after=`) misses nothing and sees nothing twice.
 */
export function actionStream(http: Http = thisProcess, limits: StreamLimits = defaults) {
  let open = 0;
  const stream: Handler = async (request) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    const after = startOf(request);
    const isLook = request.method === "HEAD";
    if (!isLook && open >= limits.streamsMax) throw new Failure("unavailable", "Too many streams are open.");
    if (!isLook) open++;
    const body = isLook
      ? null
      : eventsAfter(after, { agent, limits, log: http.log, signal: request.signal, ended: () => open-- });
    return new Response(body, { headers });
  };
  return endpoint(http.log, { GET: stream, HEAD: stream });
}

/** `no-transform` also keeps Next.js from compressing, which would hold events back. */
const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
  "x-content-type-options": "nosniff",
};

function startOf(request: Request): number {
  const given = request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("after") ?? "0";
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new Failure("invalid", "Last-Event-ID must be the number of an action.");
}

interface Streaming {
  agent: Agent;
  limits: StreamLimits;
  log: Http["log"];
  signal: AbortSignal;
  ended: () => void;
}

/** Reads a batch only when the client took the one before: a slow client costs one batch of memory. */
function eventsAfter(start: number, { agent, limits, log, signal, ended }: Streaming): ReadableStream<Uint8Array> {
  const text = new TextEncoder();
  const bell = createBell();
  const stopListening = agent.onActions(() => bell.ring());
  const lifetime = AbortSignal.any([signal, AbortSignal.timeout(limits.lifetimeMs)]);
  let seq = start;
  let isOver = false;
  function leave(): void {
    isOver = true;
    stopListening();
    bell.ring();
    ended();
  }
  async function next(): Promise<string> {
    const heartbeatAt = performance.now() + limits.heartbeatMs;
    while (!isOver) {
      // The bell is armed before looking: what is committed in between still rings it.
      const rung = bell.armed();
      const actions = await agent.actionsAfter(seq, limits.batchMax);
      seq = actions.at(-1)?.seq ?? seq;
      if (actions.length > 0) return actions.map(eventOf).join("");
      const restMs = heartbeatAt - performance.now();
      if (restMs <= 0) return ": still here\n\n";
      await rung(Math.min(restMs, limits.pollMs));
    }
    return "";
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
        const chunk = await next();
        if (!isOver) controller.enqueue(text.encode(chunk));
      } catch (cause) {
        log("the stream of actions broke off", cause);
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

function eventOf(action: ActionView): string {
  return `id: ${action.seq}\nevent: action\ndata: ${JSON.stringify(action)}\n\n`;
}

/** Wakes whoever waits; a ring between arming and waiting is not lost. */
function createBell() {
  let wake: () => void = () => undefined;
  return {
    ring: () => wake(),
    armed() {
      let ring: () => void = () => undefined;
      const rung = new Promise<void>((resolve) => {
        ring = resolve;
      });
      wake = ring;
      return async (withinMs: number): Promise<void> => {
        const timer = setTimeout(ring, Math.max(1, withinMs));
        await rung;
        clearTimeout(timer);
      };
    },
  };
}
