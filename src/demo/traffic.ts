import { setTimeout as sleep } from "node:timers/promises";

/** One request to the watched application. */
export interface Ask {
  method: "GET" | "POST";
  path: string;
  body?: Record<string, unknown>;
}

export interface Answer {
  status: number;
  body: string;
}

export type EnvironmentName = "staging" | "production";

/** A steady stream of requests, in turn; it ends by itself after `requestsMax`. */
export interface Flow {
  environment: EnvironmentName;
  asks: readonly Ask[];
  perSecond: number;
  requestsMax: number;
  /** The people who ask, in turn. */
  users: readonly string[];
}

export interface Traffic {
  /** Starts a stream; the answer ends it early. */
  flow(flow: Flow): () => void;
  /** Sends `count` requests as fast as the application answers. */
  burst(environment: EnvironmentName, ask: Ask, count: number, users: readonly string[]): Promise<void>;
  /** One request and its answer. */
  ask(environment: EnvironmentName, ask: Ask): Promise<Answer>;
  /** Requests sent to production so far. */
  sentToProduction(): number;
  /** Ends all streams and waits for the answers that are under way. */
  stop(): Promise<void>;
}

const tickMs = 50;
const answerTimeoutMs = 5_000;
const inFlightMax = 64;
const answerCharsMax = 20_000;
const loopback = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Real HTTP requests to the two environments, and to nowhere else than this machine. */
export function createTraffic(urls: Record<EnvironmentName, string>): Traffic {
  for (const url of Object.values(urls)) {
    if (!loopback.has(new URL(url).hostname))
      throw new Error(`${url} is not on this machine: no traffic is sent there.`);
  }
  const timers = new Set<NodeJS.Timeout>();
  const underWay = new Set<Promise<unknown>>();
  let production = 0;

  async function send(environment: EnvironmentName, ask: Ask, user: string): Promise<Answer> {
    if (environment === "production") production += 1;
    const response = await fetch(new URL(ask.path, urls[environment]), {
      method: ask.method,
      headers: { "content-type": "application/json", "x-user-id": user },
      body: ask.body === undefined ? undefined : JSON.stringify(ask.body),
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    return { status: response.status, body: (await response.text()).slice(0, answerCharsMax) };
  }

  /** While a release is being replaced nobody answers; people just ask again. */
  function sendAndForget(environment: EnvironmentName, ask: Ask, user: string): Promise<void> {
    const sending = send(environment, ask, user).then(
      () => undefined,
      () => undefined,
    );
    underWay.add(sending);
    return sending.finally(() => underWay.delete(sending));
  }

  function flow({ environment, asks, perSecond, requestsMax, users }: Flow): () => void {
    let sent = 0;
    let due = 1;
    const end = () => {
      clearInterval(timer);
      timers.delete(timer);
    };
    const timer = setInterval(() => {
      for (due += (perSecond * tickMs) / 1_000; due >= 1; due -= 1) {
        const ask = asks[sent % asks.length];
        if (ask === undefined || sent >= requestsMax) return end();
        const user = users[sent % users.length] ?? "desk-1";
        sent += 1;
        if (underWay.size < inFlightMax) void sendAndForget(environment, ask, user);
      }
    }, tickMs);
    timers.add(timer);
    return end;
  }

  async function burst(environment: EnvironmentName, ask: Ask, count: number, users: readonly string[]): Promise<void> {
    let sent = 0;
    const sender = async () => {
      while (sent < count) {
        const user = users[sent % users.length] ?? "desk-1";
        sent += 1;
        await sendAndForget(environment, ask, user);
      }
    };
    await Promise.all(Array.from({ length: inFlightMax }, sender));
  }

  return {
    flow,
    burst,
    ask: (environment, ask) => send(environment, ask, "visitor"),
    sentToProduction: () => production,
    async stop() {
      for (const timer of timers) clearInterval(timer);
      timers.clear();
      await Promise.race([Promise.all(underWay), sleep(answerTimeoutMs, undefined, { ref: false })]);
    },
  };
}

const get = (path: string): Ask => ({ method: "GET", path });
/** An ordinary day at the clinic; nothing of it ever fails. */
const ordinaryDay: readonly Ask[] = [
  get("/api/appointments?day=2026-03-02"),
  get("/api/appointments/apt-1"),
  get("/api/calls/call-1"),
  get("/api/campaigns"),
  get("/api/appointments?day=2026-03-04"),
  get("/api/calls/board?day=2026-03-03"),
  { method: "POST", path: "/api/campaigns/launch", body: { campaignId: "camp-1", maxCalls: 1 } },
  get("/api/billing/invoices?patientId=pat-3"),
  get("/api/calls"),
  get("/api/appointments/apt-10"),
];
const ordinaryPerSecond = 20;
/** Ten minutes; the demo is over long before. */
const ordinaryMax = ordinaryPerSecond * 600;

/** The steady background of healthy requests that a real application has, in both environments. */
export function startOrdinaryTraffic(traffic: Traffic): void {
  const users = Array.from({ length: 12 }, (_, n) => `desk-${n + 1}`);
  for (const environment of ["staging", "production"] as const) {
    traffic.flow({ environment, asks: ordinaryDay, perSecond: ordinaryPerSecond, requestsMax: ordinaryMax, users });
  }
}
