import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { type Http, thisProcess } from "./context.ts";
import { createBell, eventStream, eventStreamHeaders } from "./event-stream.ts";
import { identify } from "./identity.ts";
import { endpoint, type Handler, json } from "./respond.ts";

/** How the board is kept fresh; tests make it quick. */
export interface BoardLimits {
  heartbeatMs: number;
  /** Other processes ring no bell here, so the trail's end is asked for this often while somebody watches … */
  newsMs: number;
  /** … and everything is read this often, for what moves without an action. */
  pollMs: number;
  /** A burst of commits is one reading, not a hundred. */
  restMs: number;
  lifetimeMs: number;
  streamsMax: number;
}

const defaults: BoardLimits = {
  heartbeatMs: 15_000,
  newsMs: 200,
  pollMs: 1_000,
  restMs: 50,
  lifetimeMs: 240_000,
  streamsMax: 500,
};

/**
 * The board as it is now and again whenever it changes, as server-sent events. Each event is the whole view: whoever comes
 * back after any gap has everything with the first one. It is read once per change, however many people watch.
 */
export function boardStream(http: Http = thisProcess, limits: BoardLimits = defaults) {
  let feed: Feed | undefined;
  const stream: Handler = async (request) => {
    const agent = await http.agentOf();
    await identify(request, agent);
    if (request.method === "HEAD") return new Response(null, { headers: eventStreamHeaders });
    if (!(request.headers.get("accept") ?? "").includes("text/event-stream")) return json(await agent.views.board());
    feed ??= createFeed(agent, http, limits);
    if (feed.watchers() >= limits.streamsMax) throw new Failure("unavailable", "Too many streams are open.");
    return new Response(feed.open(request), { headers: eventStreamHeaders });
  };
  return endpoint(http.log, { GET: stream, HEAD: stream });
}

type Feed = ReturnType<typeof createFeed>;

function createFeed(agent: Agent, { log }: Http, limits: BoardLimits) {
  const watchers = new Set<ReturnType<typeof createBell>>();
  const work = createBell();
  let edition = { number: 0, text: "", at: "" };
  let seq = 0;
  let begun = 0;
  let finished = 0;
  let isRunning = false;
  async function run(): Promise<void> {
    isRunning = true;
    const stopListening = agent.onActions(() => work.ring());
    while (watchers.size > 0) {
      const rung = work.armed();
      await publish().catch((cause: unknown) => log("the board cannot be read", cause));
      await news(rung);
      await new Promise((done) => setTimeout(done, limits.restMs));
    }
    stopListening();
    isRunning = false;
  }
  /** Comes back when the bell rang, when another process committed an action, or when it is time anyway. */
  async function news(rung: (withinMs: number) => Promise<boolean>): Promise<void> {
    const readAgainAt = performance.now() + limits.pollMs;
    for (let restMs = limits.pollMs; restMs > 0; restMs = readAgainAt - performance.now()) {
      if (await rung(Math.min(limits.newsMs, restMs))) return;
      const later = await agent.actionsAfter(seq, 1).catch(() => []);
      if (later.length > 0) return;
    }
  }
  async function publish(): Promise<void> {
    const reading = ++begun;
    const { at, ...board } = await agent.views.board();
    const text = JSON.stringify(board);
    if (text !== edition.text) edition = { number: edition.number + 1, text, at };
    seq = board.seq;
    finished = reading;
    for (const watcher of watchers) watcher.ring();
  }
  return {
    watchers: () => watchers.size,
    open(request: Request): ReadableStream<Uint8Array> {
      const bell = createBell();
      watchers.add(bell);
      // The first event of a stream is read after it was opened: whoever comes back gets nothing old.
      const firstReading = begun + 1;
      let seen = 0;
      if (isRunning) work.ring();
      else void run();
      return eventStream({
        async next(isOver) {
          const heartbeatAt = performance.now() + limits.heartbeatMs;
          while (!isOver()) {
            const rung = bell.armed();
            if (finished >= firstReading && edition.number > seen) {
              seen = edition.number;
              return `event: board\ndata: ${edition.text.slice(0, -1)},"at":"${edition.at}"}\n\n`;
            }
            const restMs = heartbeatAt - performance.now();
            // An event and no comment: a browser hears it, and knows a line that only looks open by its silence.
            if (restMs <= 0) return "event: alive\ndata: 1\n\n";
            await rung(restMs);
          }
          return "";
        },
        wake: () => bell.ring(),
        ended: () => {
          watchers.delete(bell);
          // Nobody may be left: then the readings stop now.
          work.ring();
        },
        request,
        lifetimeMs: limits.lifetimeMs,
        log,
      });
    },
  };
}
