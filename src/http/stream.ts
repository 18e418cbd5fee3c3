import type { ActionView, Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { createBell, eventStream, eventStreamHeaders } from "./event-stream.ts";
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
  streamsMax: 500,
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
    const body = isLook ? null : eventsAfter(after, { agent, limits, log: http.log, request, ended: () => open-- });
    return new Response(body, { headers: eventStreamHeaders });
  };
  return endpoint(http.log, { GET: stream, HEAD: stream });
}

function startOf(request: Request): number {
  const given = request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("after") ?? "0";
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new Failure("invalid", "Last-Event-ID must be the number of an action.");
}

interface Streaming {
  agent: Agent;
  limits: StreamLimits;
  log: Http["log"];
  request: Request;
  ended: () => void;
}

function eventsAfter(start: number, { agent, limits, log, request, ended }: Streaming): ReadableStream<Uint8Array> {
  const bell = createBell();
  const stopListening = agent.onActions(() => bell.ring());
  let seq = start;
  return eventStream({
    async next(isOver) {
      const heartbeatAt = performance.now() + limits.heartbeatMs;
      while (!isOver()) {
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
    },
    wake: () => bell.ring(),
    ended: () => {
      stopListening();
      ended();
    },
    request,
    lifetimeMs: limits.lifetimeMs,
    log,
  });
}

function eventOf(action: ActionView): string {
  return `id: ${action.seq}\nevent: action\ndata: ${JSON.stringify(action)}\n\n`;
}
