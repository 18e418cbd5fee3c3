import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { BrowserClient, defaultStackParser, makeFetchTransport } from "@sentry/browser";
import { makeNodeTransport } from "@sentry/node";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { ErrorEvent } from "#domain/event.ts";
import { detect } from "#engine/detect.ts";
import { ingest } from "#engine/ingest.ts";
import { sentryEnvelope, sentryStore } from "#http/sentry.ts";
import { derivedKey } from "#ingest/keys.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Connection } from "#store/connect.ts";
import { anEngine, type TestEngine } from "#tests/engine/an-engine.ts";
import { openPglite } from "#tests/support/databases.ts";
import { anAgent, anHttp, secrets, now as today } from "./fakes.ts";
import { type Served, serve } from "./serve.ts";

/** Sentry's own SDKs against the real endpoints: an application changes its DSN and nothing else. */
const agent = anAgent();
const anHttpOfNow = (about: typeof agent) => ({ ...anHttp(about), now: () => new Date() });
const http = anHttpOfNow(agent);
const serverKey = derivedKey(secrets.ingestKey, { environment: "production", trust: "server" });
const browserKey = derivedKey(secrets.ingestKey, { environment: "production", trust: "browser" });
let served: Served;
let host = "";

/** What the endpoints stored goes on to a real engine. */
let connection: Connection;
let engine: TestEngine;
const remember = agent.ingest;
agent.ingest = async (batch, options) => {
  await remember(batch);
  return ingest(engine, batch, options);
};

beforeAll(async () => {
  connection = await openPglite();
  engine = await anEngine(connection, { findProblems });
  served = await serve([
    [/^(?:\/monitoring\/vigil)?\/api\/(?<project>[^/]+)\/envelope\/$/, sentryEnvelope(http)],
    [/^\/api\/(?<project>[^/]+)\/store\/$/, sentryStore(http)],
  ]);
  host = new URL(served.url).host;
});
afterAll(async () => {
  await served.close();
  await engine.intake.stop();
  await engine.queue.stop();
  await connection.close();
});

async function eventsOf(isMeant: (event: ErrorEvent) => boolean, count: number): Promise<ErrorEvent[]> {
  return vi.waitFor(
    () => {
      const found = agent.stored.events.filter(isMeant);
      expect(found.length).toBeGreaterThanOrEqual(count);
      return found;
    },
    { timeout: 20_000, interval: 20 },
  );
}

describe("an Express application with @sentry/node", () => {
  let app: ChildProcess;
  let address = "";

  beforeAll(async () => {
    app = spawn(process.execPath, [fileURLToPath(new URL("shop.mjs", import.meta.url))], {
      env: {
        NODE_ENV: "production",
        // A path before the project, as behind a proxy.
        SENTRY_DSN: `http://${serverKey}@${host}/monitoring/vigil/1`,
        SENTRY_RELEASE: "shop@4.2.0",
        SENTRY_ENVIRONMENT: "production",
      },
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (app.stdout === null) throw new Error("no output");
    const [port] = await once(createInterface(app.stdout), "line");
    address = `http://127.0.0.1:${port}`;
  });
  afterAll(() => {
    app.kill("SIGKILL");
  });

  const ask = async (path: string, user: string) => {
    const response = await fetch(address + path, { headers: { "x-user": user } });
    return { status: response.status, text: await response.text() };
  };

  it("reports what breaks a request, with its own frames, its route and no name of a person", async () => {
    await ask("/orders/17?coupon=secret", "jane");
    await ask("/caught", "tom");
    // The SDK sends the same error only once in a row.
    await ask("/orders/18", "tom");
    const events = await eventsOf(({ handled }) => !handled, 2);
    expect(events).toMatchObject([
      {
        kind: "error",
        source: "sentry",
        trust: "server",
        environment: "production",
        release: "shop@4.2.0",
        level: "error",
        errorType: "TypeError",
        message: expect.stringContaining("undefined is not iterable"),
        operation: "GET /orders/:id",
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        tags: { shop: "north" },
        chain: [],
      },
      { operation: "GET /orders/:id" },
    ]);
    const frames = events[0]?.frames ?? [];
    expect(frames[0]).toMatchObject({ function: "totalOf", inApp: true, line: expect.any(Number) });
    expect(frames[0]?.file).toMatch(/tests\/http\/shop\.mjs$/);
    expect(frames[0]?.context).toContain("const [first] = order.lines");
    expect(frames.filter(({ inApp }) => inApp)).toHaveLength(2);
    expect(events[0]?.stack).toMatch(/^TypeError: undefined is not iterable.*\n {4}at totalOf \(/);
    expect(new Set(events.map(({ userHash }) => userHash)).size).toBe(2);
    expect(JSON.stringify(events)).not.toMatch(/jane|coupon/);
  });

  it("reports what was caught as handled, and decides by the cause", async () => {
    const [event] = await eventsOf(({ handled }) => handled, 1);
    expect(event).toMatchObject({
      errorType: "TypeError",
      chain: [{ type: "Error", message: "The total is not known" }, { type: "TypeError" }],
    });
    expect(event?.stack).toContain("\nCaused by: TypeError: undefined is not iterable");
  });

  it("counts its requests by release when it ends, the crashed ones as failed", async () => {
    expect(await ask("/ok", "jane")).toEqual({ status: 200, text: "ok" });
    app.kill("SIGTERM");
    await once(app, "exit");
    const sum = (name: "requests" | "failures") =>
      agent.stored.traffic.reduce((total, report) => total + report[name], 0);
    expect({ requests: sum("requests"), failures: sum("failures") }).toEqual({ requests: 4, failures: 2 });
    expect(agent.stored.traffic[0]).toMatchObject({ environment: "production", release: "shop@4.2.0", operation: "" });
  });
});

it("a bug of that application is exactly one issue, with its severity, its users and its own frames", async () => {
  await detect(engine);
  const Issue = z.object({ title: z.string(), severity: z.string(), events: z.number(), users: z.number() });
  const issues = await connection.rows(
    Issue,
    sql`SELECT title, severity, event_count AS events, affected_users AS users FROM agent_issues`,
  );
  expect(issues).toEqual([
    { title: expect.stringContaining("undefined is not iterable"), severity: "P2", events: 3, users: 2 },
  ]);
});

describe("@sentry/browser", () => {
  it("reports as unverified, and its visitor counts without being known", async () => {
    const client = new BrowserClient({
      dsn: `http://${browserKey}@${host}/1`,
      release: "web@1",
      transport: makeFetchTransport,
      stackParser: defaultStackParser,
      integrations: [],
      transportOptions: {
        fetchOptions: { headers: { origin: "https://shop.test", "x-forwarded-for": "203.0.113.9" } },
      },
    });
    client.init();
    client.captureException(new RangeError("page 7 of 6"));
    await client.flush(5_000);
    const [event] = await eventsOf(({ trust }) => trust === "browser", 1);
    expect(event).toMatchObject({ errorType: "RangeError", message: "page 7 of 6", release: "web@1" });
    expect(event?.userHash).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(event)).not.toContain("203.0.113.9");
  });
});

describe("an SDK that is told to wait", () => {
  it("sends nothing until exactly then, and its counted requests go on", async () => {
    const dropped = vi.fn();
    const flooded = await serve([[/^\/api\/(?<project>\d+)\/envelope\/$/, sentryEnvelope(anHttpOfNow(anAgent()))]]);
    const url = `${flooded.url}/api/1/envelope/?sentry_key=${browserKey}`;
    const transport = makeNodeTransport({ url, recordDroppedEvent: dropped });
    const head = { event_id: "a".repeat(32), sent_at: today.toISOString() };
    const send = () => transport.send([head, [[{ type: "event" }, { message: "late" }]]]);
    vi.useFakeTimers({ toFake: ["Date"], now: today });
    try {
      const hundred = `{}\n${'{"type":"event"}\n{"message":"flood"}\n'.repeat(100)}`;
      for (let sent = 0; sent < 100; sent++) await fetch(url, { method: "POST", body: hundred });
      expect(await send()).toMatchObject({
        statusCode: 429,
        headers: { "retry-after": "1", "x-sentry-rate-limits": "1:error;default:key" },
      });
      vi.setSystemTime(today.getTime() + 999);
      await send();
      expect(dropped).toHaveBeenLastCalledWith("ratelimit_backoff", "error", 1);
      const counted = {
        aggregates: [{ started: today.toISOString(), exited: 1, errored: 0, crashed: 0 }],
        attrs: { release: "1" },
      };
      expect(await transport.send([head, [[{ type: "sessions" }, counted]]])).toMatchObject({ statusCode: 200 });
      vi.setSystemTime(today.getTime() + 1_001);
      expect(await send()).toMatchObject({ statusCode: 200 });
    } finally {
      vi.useRealTimers();
      await flooded.close();
    }
  });
});
