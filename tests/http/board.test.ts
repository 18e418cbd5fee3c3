import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { BoardView } from "#domain/view.ts";
import { boardStream } from "#http/board.ts";
import { anAction, anAgent, anHttp, aRequest, aRoute, now, secrets } from "./fakes.ts";

const limits = { heartbeatMs: 15_000, newsMs: 50, pollMs: 200, restMs: 1, lifetimeMs: 60_000, streamsMax: 300 };

function aBoard(seq: number): BoardView {
  const limit = { used: 0, limit: 5 };
  const usage = { fixesThisHour: limit, deploymentsToday: limit, spendTodayUsd: limit };
  const base = { at: now.toISOString(), paused: null, autonomyLevel: 1 as const, usage };
  return { ...base, seq, usualMs: {}, flights: [], flightsInAll: 0, waiting: [] };
}

/** A server with one board that can be changed, and how often it was read. */
function aServer(pace = limits) {
  const state = { seq: 1, reads: 0, listeners: new Set<() => void>(), fails: false };
  const agent = anAgent({
    actionsAfter: async (seq) => (state.seq > seq ? [anAction(state.seq)] : []),
    onActions: (listener) => {
      state.listeners.add(listener);
      return () => state.listeners.delete(listener);
    },
    views: {
      ...anAgent().views,
      board: async () => {
        state.reads++;
        if (state.fails) throw new Error("the database is away");
        return aBoard(state.seq);
      },
    },
  });
  const routes = boardStream(anHttp(agent), pace);
  const open = async (headers: Record<string, string> = { accept: "text/event-stream" }) => {
    const aborter = new AbortController();
    const init = { token: secrets.apiToken, headers, signal: aborter.signal };
    const response = await routes.GET(aRequest("/api/agent/board", init), aRoute());
    let next: (() => Promise<number>) | undefined;
    const nextSeq = () => {
      next ??= nextBoard(response);
      return next();
    };
    return { response, close: () => aborter.abort(), next: nextSeq };
  };
  const commit = (seq: number) => {
    state.seq = seq;
    for (const listener of state.listeners) listener();
  };
  return { state, open, commit };
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

function nextBoard(response: Response): () => Promise<number> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  return async () => {
    for (;;) {
      const piece = await reader?.read();
      if (piece?.done !== false) throw new Error("the stream ended");
      const data = /^data: (.+)$/m.exec(piece.value)?.[1];
      if (data !== undefined) return (JSON.parse(data) as BoardView).seq;
    }
  };
}

describe("the board's stream", () => {
  it("starts with the board as it is and tells each change to everyone with one reading", async () => {
    const { state, open, commit } = aServer();
    const streams = await Promise.all(Array.from({ length: 200 }, () => open()));
    for (const { next } of streams) expect(await next()).toBe(1);
    const before = state.reads;
    commit(2);
    for (const { next } of streams) expect(await next()).toBe(2);
    // A slow machine may look again meanwhile, but never once for each of them.
    expect(state.reads - before).toBeLessThan(streams.length / 2);
    for (const { close } of streams) close();
    await expect.poll(() => state.listeners.size, { timeout: 10_000 }).toBe(0);
  });

  it("hears of a client that went away although nothing else holds its request", async () => {
    const { state, open } = aServer();
    const streams = await Promise.all(Array.from({ length: 50 }, () => open()));
    for (const { next } of streams) await next();
    collectGarbage();
    for (const { close } of streams) close();
    await expect.poll(() => state.listeners.size, { timeout: 10_000 }).toBe(0);
  });

  it("has everything for whoever comes back after a gap", async () => {
    const { open, commit } = aServer();
    const first = await open();
    expect(await first.next()).toBe(1);
    first.close();
    commit(2);
    commit(3);
    const again = await open();
    expect(await again.next()).toBe(3);
    again.close();
  });

  it("hears of what another process committed, and survives a database that is away for a moment", async () => {
    const { state, open } = aServer();
    const stream = await open();
    expect(await stream.next()).toBe(1);
    state.fails = true;
    await expect.poll(() => state.reads, { timeout: 10_000 }).toBeGreaterThan(3);
    state.fails = false;
    state.seq = 9;
    expect(await stream.next()).toBe(9);
    stream.close();
  });

  it("hears of another process's action long before it would read everything again", async () => {
    const { state, open } = aServer({ ...limits, pollMs: 3_600_000 });
    const stream = await open();
    expect(await stream.next()).toBe(1);
    state.seq = 2;
    expect(await stream.next()).toBe(2);
    stream.close();
  });

  it("answers a plain request with the board itself, and strangers with nothing", async () => {
    const { open } = aServer();
    const { response } = await open({ accept: "application/json" });
    expect(await response.json()).toMatchObject({ seq: 1, flights: [] });
    const stranger = await boardStream(anHttp(anAgent()), limits).GET(aRequest("/api/agent/board"), aRoute());
    expect(stranger.status).toBe(401);
  });
});
