import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { sentryEnvelope, sentryStore } from "#http/sentry.ts";
import { derivedKey } from "#ingest/keys.ts";
import { anAgent, anHttp, secrets } from "./fakes.ts";
import { inPieces, type Served, serve } from "./serve.ts";

const keys = {
  server: derivedKey(secrets.ingestKey, { environment: "production", trust: "server" }),
  staging: derivedKey(secrets.ingestKey, { environment: "staging", trust: "server" }),
  browser: derivedKey(secrets.ingestKey, { environment: "production", trust: "browser" }),
};
const agent = anAgent();
const store = agent.ingest;
let served: Served;
beforeAll(async () => {
  const http = anHttp(agent);
  served = await serve([
    [/^\/api\/(?<project>[^/]+)\/envelope\/?$/, sentryEnvelope(http)],
    [/^\/api\/(?<project>[^/]+)\/store\/?$/, sentryStore(http)],
  ]);
});
afterAll(() => served.close());
beforeEach(() => {
  agent.stored.events.length = 0;
  agent.stored.traffic.length = 0;
  agent.ingest = store;
});

const eventId = "9ec79c33ec9942ab8353589fcb2e04dc";
const anItem = '{"type":"event"}\n{"message":"hello world","level":"error"}';

interface Sending {
  key?: string | null;
  headers?: Record<string, string>;
  path?: string;
}

async function send(body: BodyInit, { key = keys.server, headers = {}, path = "/api/1/envelope/" }: Sending = {}) {
  const query = key === null ? "" : `?sentry_version=7&sentry_key=${key}&sentry_client=test`;
  const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
  const response = await fetch(`${served.url}${path}${query}`, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe("an envelope", () => {
  const dsn = `https://${keys.server}:@vigil.test/42`;
  const attachment =
    '{"type":"attachment","length":10,"content_type":"text/plain","filename":"hello.txt"}\n\uFEFFHello\r\n';
  const sized =
    '{"type":"event","length":41,"content_type":"application/json","filename":"application.log"}\n{"message":"hello world","level":"error"}';
  // The examples of Sentry's own page about envelopes.
  it.each([
    ["two items", `{"event_id":"${eventId}","dsn":"${dsn}"}\n${attachment}\n${sized}\n`, 1],
    ["two items, without the last line break", `{"event_id":"${eventId}","dsn":"${dsn}"}\n${attachment}\n${sized}`, 1],
    [
      "two empty attachments",
      `{"event_id":"${eventId}"}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n\n`,
      0,
    ],
    [
      "two empty attachments, without the last line break",
      `{"event_id":"${eventId}"}\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n`,
      0,
    ],
    ["an item of implicit length", `{"event_id":"${eventId}"}\n{"type":"attachment"}\nhelloworld\n`, 0],
    ["an item of implicit length, ended by the end", `{"event_id":"${eventId}"}\n{"type":"attachment"}\nhelloworld`, 0],
    [
      "no headers",
      '{}\n{"type":"session"}\n{"started": "2020-02-07T14:16:00Z","attrs":{"release":"sentry-test@1.0.0"}}',
      0,
    ],
    ["nothing but headers", `{"event_id":"${eventId}"}`, 0],
    ["nothing but headers and a line break", "{}\n", 0],
    ["an unknown type", `{}\n{"type":"of-next-year","length":5}\n{\n{}}\n${anItem}`, 1],
    [
      "a client report and a transaction",
      `{}\n{"type":"client_report"}\n{"discarded_events":[]}\n{"type":"transaction"}\n{}\n${anItem}`,
      1,
    ],
    ["carriage returns before its line breaks", `{}\r\n{"type":"event"}\r\n{"message":"hello world"}\r\n`, 1],
    ["several events", `{}\n${anItem}\n${anItem}`, 2],
    ["a hundred items", `{}\n${`${anItem}\n`.repeat(100)}`, 100],
  ])("of %s is taken", async (_, body, events) => {
    const answer = await send(body);
    expect([answer.status, agent.stored.events.length]).toEqual([200, events]);
    if (body.includes(eventId)) expect(answer.body).toEqual({ id: eventId });
  });

  it.each([
    ["nothing", ""],
    ["text", "hello"],
    ["a list as headers", "[]\n"],
    ["headers that are null", "null\n"],
    ["an item whose length is one too long", '{}\n{"type":"event","length":16}\n{"message":"x"}'],
    ["an item whose length is one too short", '{}\n{"type":"event","length":14}\n{"message":"x"}\n'],
    ["an item whose length is followed by a carriage return", '{}\n{"type":"event","length":15}\n{"message":"x"}\r\n'],
    ["a length below zero", '{}\n{"type":"event","length":-1}\n{"message":"x"}'],
    ["a length that is text", '{}\n{"type":"event","length":"15"}\n{"message":"x"}'],
    ["a length with a fraction", '{}\n{"type":"event","length":1.5}\n{"message":"x"}'],
    ["a length beyond numbers", '{}\n{"type":"event","length":1e400}\n{"message":"x"}'],
    ["an item without a type", '{}\n{"length":2}\n{}'],
    ["an item that ends with its header", '{}\n{"type":"event"}'],
    ["headers longer than 8 KiB", `{"sdk":"${"a".repeat(9_000)}"}\n`],
    ["an event that is no JSON", '{}\n{"type":"event"}\n{"message"'],
    ["an event that is a list", '{}\n{"type":"event"}\n[]'],
  ])("of %s is malformed, and the sender reads why", async (_, body) => {
    const answer = await send(body);
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.any(String), causes: expect.any(Array) } });
    expect([answer.headers.get("x-sentry-error"), agent.stored.events]).toEqual([answer.body.detail, []]);
  });

  it("of a hundred and one items, or with an event beyond 1 MiB, is too large", async () => {
    expect((await send(`{}\n${`${anItem}\n`.repeat(101)}`)).status).toBe(413);
    expect((await send(`{}\n{"type":"event"}\n{"message":"${"a".repeat(1_100_000)}"}`)).status).toBe(413);
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
  ] as const)("in %s and in pieces is taken, and refused beyond 2 MiB", async (encoding, pack) => {
    const headers = { "content-encoding": encoding, "content-type": "text/plain;charset=UTF-8" };
    expect((await send(inPieces(pack(Buffer.from(`{}\n${anItem}`)), 9), { headers })).status).toBe(200);
    expect((await send(pack(Buffer.alloc(3 * 1024 * 1024)), { headers })).status).toBe(413);
  });

  it("is answered when it is stored, not before", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    agent.ingest = async (batch) => {
      await promise;
      return store(batch);
    };
    const answer = send(`{}\n${anItem}`);
    const first = await Promise.race([
      answer.then(() => "answered"),
      new Promise((done) => setImmediate(done, "waiting")),
    ]);
    resolve();
    expect([first, (await answer).status, agent.stored.events.length]).toEqual(["waiting", 200, 1]);
  });

  it("that cannot be stored is not answered with a pause: SDKs drop everything until its end", async () => {
    agent.ingest = async (_, options) => {
      expect(options).toEqual({ whenAway: "spool" });
      throw new Failure("unavailable", "The database is away.");
    };
    const away = await send(`{}\n${anItem}`);
    expect([away.status, away.headers.get("retry-after"), away.headers.get("x-sentry-rate-limits")]).toEqual([
      503,
      null,
      null,
    ]);
    agent.ingest = async () => Promise.reject(new Failure("rate_limited", "The queue is full."));
    const full = await send(`{}\n${anItem}`);
    expect([full.status, full.headers.get("retry-after"), full.headers.get("x-sentry-rate-limits")]).toEqual([
      429,
      "30",
      "30:error;default:key",
    ]);
  });
});

describe("keys", () => {
  const inBody = (key: string) => `{"dsn":"https://${key}@vigil.test/1"}\n${anItem}`;
  const header = (name: string, key: string) => ({
    [name]: `Sentry sentry_version=7, sentry_key=${key}, sentry_client=x`,
  });
  const accepted: [string, string, Sending][] = [
    ["in the query", `{}\n${anItem}`, {}],
    ["in X-Sentry-Auth", `{}\n${anItem}`, { key: null, headers: header("x-sentry-auth", keys.server) }],
    ["in Authorization", `{}\n${anItem}`, { key: null, headers: header("authorization", keys.server) }],
    ["in the body", inBody(keys.server), { key: null }],
    ["in the query and in the body", inBody(keys.server), {}],
  ];
  it.each(accepted)("%s are taken", async (_, body, sending) => {
    expect((await send(body, sending)).status).toBe(200);
    expect(agent.stored.events).toMatchObject([{ environment: "production", trust: "server" }]);
  });

  const refused: [string, string, Sending][] = [
    ["nowhere", `{}\n${anItem}`, { key: null }],
    ["wrong", `{}\n${anItem}`, { key: "0".repeat(32) }],
    ["wrong in the header", `{}\n${anItem}`, { key: null, headers: header("x-sentry-auth", "0".repeat(32)) }],
    ["wrong in the body", inBody("0".repeat(32)), { key: null }],
    ["different in the query and in the body", inBody(keys.staging), {}],
    ["that open everything", `{}\n${anItem}`, { key: secrets.ingestKey }],
    ["of operators", `{}\n${anItem}`, { key: secrets.apiToken }],
    ["as a bearer", `{}\n${anItem}`, { key: null, headers: { authorization: `Bearer ${keys.server}` } }],
  ];
  it.each(refused)("%s are refused", async (_, body, sending) => {
    expect(await send(body, sending)).toMatchObject({
      status: 403,
      body: { detail: "The key in the DSN is missing or wrong." },
    });
    expect(agent.stored.events).toEqual([]);
  });

  it("decide the environment, and the trust, whatever the event says", async () => {
    await send('{}\n{"type":"event"}\n{"message":"x","environment":"production","platform":"node"}', {
      key: keys.staging,
    });
    await send('{}\n{"type":"event"}\n{"message":"x","environment":"production"}', { key: keys.browser });
    expect(agent.stored.events).toMatchObject([
      { environment: "staging", trust: "server", tags: { claimed_environment: "production" } },
      { environment: "production", trust: "browser" },
    ]);
  });

  it("of a server that stand in a page make its events unverified", async () => {
    await send(`{}\n${anItem}`, { headers: { origin: "https://shop.test" } });
    await send('{}\n{"type":"event"}\n{"message":"x","platform":"javascript"}');
    expect(agent.stored.events.map(({ trust }) => trust)).toEqual(["browser", "browser"]);
  });

  it("make nobody hold more than 256 KiB before they are known", async () => {
    expect((await send(`${inBody(keys.server)}\n{"type":"x"}\n${"a".repeat(300_000)}`, { key: null })).status).toBe(
      413,
    );
  });

  it("that are refused leave the connection to the sender's next report", async () => {
    for (const key of ["wrong", keys.server]) {
      const large = `{}\n{"type":"x"}\n${"a".repeat(700_000)}\n${anItem}`;
      expect((await send(inPieces(Buffer.from(large)), { key })).status).toBe(key === "wrong" ? 403 : 200);
    }
  });

  it.each(["default", "1x", "-1", "1".repeat(20)])("do not open a project %j", async (project) => {
    const response = await fetch(`${served.url}/api/${project}/envelope/?sentry_key=${keys.server}`, {
      method: "POST",
      body: "{}",
    });
    expect(response.status).toBe(404);
  });
});

describe("browsers", () => {
  it("may ask first, and may read every answer", async () => {
    const asked = await fetch(`${served.url}/api/1/envelope/`, {
      method: "OPTIONS",
      headers: { origin: "https://shop.test" },
    });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(asked.headers.get("access-control-allow-headers")).toContain("x-sentry-auth");
    const headers = { origin: "https://shop.test" };
    for (const key of [keys.browser, "wrong"]) {
      const answer = await send(`{}\n${anItem}`, { key, headers });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      expect(answer.headers.get("access-control-expose-headers")).toContain("x-sentry-rate-limits");
    }
  });

  it("cannot make traffic", async () => {
    const body =
      '{}\n{"type":"sessions"}\n{"aggregates":[{"started":"2026-11-23T09:59:00Z","exited":1000}],"attrs":{"release":"1"}}';
    expect((await send(body, { key: keys.browser })).status).toBe(200);
    expect(agent.stored.traffic).toEqual([]);
    await send(body);
    expect(agent.stored.traffic).toMatchObject([{ requests: 1_000, failures: 0, release: "1" }]);
  });
});

describe("requests that are traced", () => {
  const attribute = (value: unknown) => ({ value, type: "string" });
  const span = (id: string, more: Record<string, unknown>, change: object = {}) => ({
    ...{ trace_id: "t".repeat(32), span_id: id, name: "GET /orders/:id", is_segment: true, status: "ok" },
    end_timestamp: "2026-11-23T09:59:30Z",
    attributes: Object.fromEntries(
      Object.entries({
        ...{ "sentry.op": "http.server", "sentry.segment.name.source": "route", "sentry.release": "shop@5" },
        ...{ "sentry.environment": "production", "http.response.status_code": 200, ...more },
      }).map(([name, value]) => [name, attribute(value)]),
    ),
    ...change,
  });
  const spans = (rate: unknown, ...items: unknown[]) =>
    `{"trace":{"sample_rate":${JSON.stringify(rate)}}}\n{"type":"span"}\n${JSON.stringify({ version: 2, items })}`;
  const counted = () =>
    agent.stored.traffic.map(({ operation, requests, failures }) => [operation, requests, failures]);

  it("count by route, each once, as many as the sample stands for", async () => {
    const items = [
      span("1", {}),
      span("2", { "http.response.status_code": 503 }),
      span("3", { "sentry.segment.name.source": "url", "http.request.method": "GET", "url.path": "/files/17" }),
      span("4", { "http.response.status_code": null }, { status: "error" }),
    ];
    expect((await send(spans("0.1", ...items))).status).toBe(200);
    expect(counted()).toEqual([
      ["GET /orders/:id", 10, 0],
      ["GET /orders/:id", 10, 10],
      ["GET /files/:id", 10, 0],
      ["GET /orders/:id", 10, 10],
    ]);
    const [first] = agent.stored.traffic;
    await send(spans("0.1", items[0]));
    expect(agent.stored.traffic.at(-1)).toEqual(first);
  });

  it("are no work inside a request, no outgoing call and no look of ours", async () => {
    const others = [
      span("1", {}, { is_segment: false }),
      span("2", { "sentry.op": "http.client" }),
      span("3", { "user_agent.original": "vigil-probe/1" }),
      null,
      "text",
      { attributes: [] },
    ];
    expect((await send(spans("1", ...others))).status).toBe(200);
    expect(counted()).toEqual([]);
  });

  it.each(["0", "-1", "2", "NaN", null, {}])("count as themselves where the sample is %j", async (rate) => {
    await send(spans(rate, span("1", {})));
    expect(counted()).toEqual([["GET /orders/:id", 1, 0]]);
  });

  it("came as transactions from older SDKs", async () => {
    const transaction = (change: object) =>
      `{}\n{"type":"transaction"}\n${JSON.stringify({
        ...{ event_id: eventId, timestamp: 1_795_427_970, release: "shop@4", environment: "production" },
        ...{ transaction: "POST /orders", transaction_info: { source: "route" } },
        contexts: { trace: { op: "http.server", data: { "http.response.status_code": 500 } } },
        ...change,
      })}`;
    await send(transaction({}));
    await send(transaction({ contexts: { trace: { op: "queue.process" } } }));
    await send(transaction({}), { key: keys.browser });
    expect(counted()).toEqual([["POST /orders", 1, 1]]);
  });
});

describe("the older protocol", () => {
  it("takes one event", async () => {
    const body = JSON.stringify({ event_id: eventId, message: "hello", level: "warning", logger: "x" });
    expect(await send(body, { path: "/api/1/store/" })).toMatchObject({ status: 200, body: { id: eventId } });
    expect(agent.stored.events).toMatchObject([{ id: eventId, message: "hello", level: "warning" }]);
  });

  it("knows keys in the header, and refuses as the newer one does", async () => {
    const headers = { "x-sentry-auth": `Sentry sentry_version=5,sentry_key=${keys.server}` };
    expect((await send('{"message":"x"}', { path: "/api/1/store/", key: null, headers })).status).toBe(200);
    expect((await send('{"message":"x"}', { path: "/api/1/store/", key: null })).status).toBe(403);
    expect((await send("{", { path: "/api/1/store/" })).status).toBe(400);
  });
});
