import { describe, expect, it } from "vitest";
import type { ActionView } from "#agent.ts";
import { actionStream, type StreamLimits } from "#http/stream.ts";
import { anAction, anAgent, anHttp, aRequest, aRoute, secrets } from "./fakes.ts";

const token = secrets.apiToken;
const patient: StreamLimits = { heartbeatMs: 60_000, pollMs: 60_000, lifetimeMs: 60_000, batchMax: 2, streamsMax: 2 };

/** An agent whose actions grow; whoever listens hears of it. */
function aLog(length: number) {
  const actions: ActionView[] = Array.from({ length }, (_, index) => anAction(index + 1));
  const listeners = new Set<() => void>();
  const batches: number[] = [];
  const agent = anAgent({
    actionsAfter: async (seq, limit) => {
      batches.push(limit);
      return actions.filter((action) => action.seq > seq).slice(0, limit);
    },
    onActions: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const add = () => actions.push(anAction(actions.length + 1));
  const ring = () => {
    for (const listener of listeners) listener();
  };
  return { agent, listeners, batches, add, ring };
}

function open(
  log: ReturnType<typeof aLog>,
  { limits = patient, headers = {}, path = "", signal = new AbortController().signal } = {},
) {
  const routes = actionStream(anHttp(log.agent), limits);
  return routes.GET(aRequest(`/api/agent/stream${path}`, { token, headers, signal }), aRoute());
}

/** Reads until `enough` is in what came, or the stream ends. */
async function reading(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    async until(enough: string | RegExp) {
      while (text.search(enough) < 0) {
        const chunk = await reader?.read();
        if (chunk === undefined || chunk.done) break;
        text += chunk.value;
      }
      return text;
    },
    async toEnd() {
      return this.until(/(?!)/);
    },
    cancel: () => reader?.cancel(),
  };
}
const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

describe("the stream of actions", () => {
  it("tells everything from the beginning, in order, a bounded batch at a time", async () => {
    const log = aLog(5);
    const response = await open(log);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const client = await reading(response);
    const text = await client.until("id: 5");
    expect(ids(text)).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(log.batches)).toEqual(new Set([2]));
    await client.cancel();
  });

  it("is one line of data an action, whatever the action says", async () => {
    const client = await reading(await open(aLog(1)));
    const text = await client.until(/data: .*\n\n/);
    const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "");
    expect(data).toEqual(JSON.parse(JSON.stringify(anAction(1))));
    await client.cancel();
  });

  it.each([
    [{ headers: { "last-event-id": "3" } }, [4, 5]],
    [{ path: "?after=4" }, [5]],
    [{ headers: { "last-event-id": "4" }, path: "?after=1" }, [5]],
  ])("goes on where the client was: %j", async (from, expected) => {
    const client = await reading(await open(aLog(5), from));
    expect(ids(await client.until("id: 5"))).toEqual(expected);
    await client.cancel();
  });

  it("tells a new action at once", async () => {
    const log = aLog(1);
    const client = await reading(await open(log));
    await client.until("id: 1");
    log.add();
    log.ring();
    expect(ids(await client.until("id: 2"))).toEqual([1, 2]);
    await client.cancel();
  });

  it("finds what another process did, of which nothing rings here", async () => {
    const log = aLog(1);
    const client = await reading(await open(log, { limits: { ...patient, pollMs: 5 } }));
    await client.until("id: 1");
    log.add();
    expect(ids(await client.until("id: 2"))).toEqual([1, 2]);
    await client.cancel();
  });

  it("keeps a quiet line alive", async () => {
    const client = await reading(await open(aLog(0), { limits: { ...patient, heartbeatMs: 5 } }));
    expect(await client.until(": still here")).toContain(": still here\n\n");
    await client.cancel();
  });

  it("ends after its lifetime, so that the client comes back with its key", async () => {
    const log = aLog(1);
    const client = await reading(await open(log, { limits: { ...patient, lifetimeMs: 30 } }));
    expect(ids(await client.toEnd())).toEqual([1]);
    expect(log.listeners.size).toBe(0);
  });

  it("lets go of everything when the client leaves, whether it was reading or not", async () => {
    const log = aLog(50);
    const leaving = new AbortController();
    const response = await open(log, { signal: leaving.signal });
    leaving.abort();
    await (await reading(response)).toEnd();
    const client = await reading(await open(log));
    await client.until("id: 1");
    await client.cancel();
    expect(log.listeners.size).toBe(0);
  });

  it("ends, and says nothing, when the database fails", async () => {
    const agent = anAgent({ actionsAfter: async () => Promise.reject(new Error("hunter2")) });
    const http = anHttp(agent);
    const response = await actionStream(http, patient).GET(aRequest("/api/agent/stream", { token }), aRoute());
    expect(await (await reading(response)).toEnd()).toBe("retry: 2000\n\n");
    expect(http.logged).toHaveLength(1);
  });

  it("is for operators only, and for so many at a time", async () => {
    const log = aLog(0);
    const routes = actionStream(anHttp(log.agent), { ...patient, streamsMax: 1 });
    const ask = (init = {}) => routes.GET(aRequest("/api/agent/stream", init), aRoute());
    expect((await ask()).status).toBe(401);
    const first = await ask({ token });
    expect([first.status, (await ask({ token })).status]).toEqual([200, 503]);
    await first.body?.cancel();
    const next = await ask({ token });
    expect(next.status).toBe(200);
    await next.body?.cancel();
    expect((await routes.HEAD(aRequest("/api/agent/stream", { token, method: "HEAD" }), aRoute())).status).toBe(200);
  });

  it.each(["-1", "1e3", "abc", "9".repeat(20), "1; DROP TABLE agent_actions"])(
    "refuses Last-Event-ID %s",
    async (id) => {
      expect((await open(aLog(1), { headers: { "last-event-id": id } })).status).toBe(400);
    },
  );
});
