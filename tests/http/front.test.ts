import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBodyRoom } from "#http/body-room.ts";
import type { Http } from "#http/context.ts";
import { ingestFront } from "#http/front.ts";
import { derivedKey } from "#ingest/keys.ts";
import { anAgent, anHttp, secrets } from "./fakes.ts";

let agent = anAgent();
let bodyRoom = createBodyRoom(0);
let http: ReturnType<typeof anHttp> & Pick<Http, "bodyRoom"> = anHttp(agent);
let server: Server;
let url = "";
beforeEach(async () => {
  agent = anAgent();
  bodyRoom = createBodyRoom(3_000_000);
  http = { ...anHttp(agent), bodyRoom };
  const isTaken = ingestFront(http);
  server = createServer((request, response) => {
    if (!isTaken(request, response)) response.writeHead(299).end("Next.js");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const authorization = `Bearer ${secrets.ingestKey}`;
const key = derivedKey(secrets.ingestKey, { environment: "production", trust: "server" });
const event = JSON.stringify({ message: "it broke" });
const post = (path: string, body: BodyInit = event, headers: Record<string, string> = { authorization }) =>
  fetch(url + path, { method: "POST", body, headers, duplex: "half" } as RequestInit);

/** A body in pieces, of which nobody knows how many come. */
function inPieces(piece: string, count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent++ === count) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  });
}

describe("before Next.js", () => {
  it.each([
    ["/api/ingest/events", { authorization }],
    ["/api/ingest/events/?x=1", { authorization }],
    [`/api/42/store/?sentry_key=${key}`, {}],
    [`/api/42/envelope?sentry_key=${key}`, {}],
  ])("POST %s is taken", async (path, headers) => {
    const body = path.includes("envelope") ? `{}\n{"type":"event"}\n${event}` : event;
    expect((await post(path, body, headers as Record<string, string>)).status).toBe(200);
    expect(agent.stored.events).toMatchObject([{ message: "it broke" }]);
  });

  it.each([
    "/",
    "/api/health",
    "/api/ingest/events/more",
    "/api/ingest",
    "/api/x/envelope/",
    "/api/42/other/",
    "/v1/metrics",
    "/__proto__",
  ])("%s is left to it", async (path) => {
    expect((await post(path)).status).toBe(299);
  });

  it("answers other methods as the routes do", async () => {
    expect((await fetch(`${url}/api/ingest/events`)).status).toBe(405);
    expect((await fetch(`${url}/api/ingest/events`, { method: "HEAD" })).status).toBe(405);
    expect(
      (await fetch(`${url}/api/42/envelope/`, { method: "OPTIONS" })).headers.get("access-control-allow-origin"),
    ).toBe("*");
  });
});

describe("a body", () => {
  it("in pieces is read to its end, also beyond what is read at once", async () => {
    const piece = `${JSON.stringify({ message: "x".repeat(9_000) })}\n`;
    for (const count of [3, 60]) {
      const response = await post("/api/ingest/events", inPieces(piece, count), {
        authorization,
        "content-type": "application/x-ndjson",
      });
      expect(await response.json()).toMatchObject({ accepted: count });
    }
  });

  it("that is too large is refused before it has come, and the connection is not used again", async () => {
    const response = await post("/api/ingest/events", inPieces("x".repeat(65_536), 10_000)).catch(() => undefined);
    expect([413, undefined]).toContain(response?.status);
    expect((await post("/api/ingest/events")).status).toBe(200);
  });

  it("whose sender hangs up costs nothing", async () => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write(
      `POST /api/ingest/events HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-length: 100\r\n\r\nhalf`,
    );
    await once(server, "request");
    socket.destroy();
    await once(socket, "close");
    expect((await post("/api/ingest/events")).status).toBe(200);
    expect([agent.stored.events.length, http.logged]).toEqual([1, []]);
  });

  it("of one request never becomes the next request on its connection", async () => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.end(
      `POST /api/ingest/events HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    const answer = await text(socket);
    expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(answer).not.toContain("Next.js");
  });
});

describe("many large bodies at once", () => {
  /** A body that has come but for its end, which the answer waits for. */
  function almostAll(bytes: number) {
    const end = Promise.withResolvers<void>();
    const pieces = [`{"message":"`, "x".repeat(bytes), `"}`];
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = pieces.shift();
        if (pieces.length === 0) await end.promise;
        if (piece === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(piece));
      },
    });
    return { body, end: () => end.resolve() };
  }
  const held = (bytes: number) => expect.poll(() => bodyRoom.bytes, { timeout: 20_000 }).toBeGreaterThanOrEqual(bytes);

  it("are refused in the words of each protocol beyond what is held, and those that are held are taken", async () => {
    const first = almostAll(900_000);
    const taken = post("/api/ingest/events", first.body);
    await held(900_000);
    const second = almostAll(900_000);
    const alsoTaken = post("/api/ingest/events", second.body);
    await held(1_800_000);
    const large = JSON.stringify(Array(5).fill({ message: "x".repeat(380_000) }));
    const plain = await post("/api/ingest/events", large);
    expect([plain.status, plain.headers.get("retry-after")]).toEqual([429, "30"]);
    const sentry = await post(`/api/42/store/?sentry_key=${key}`, large, {});
    expect([sentry.status, sentry.headers.get("x-sentry-rate-limits")]).toEqual([429, "30:error;default:key"]);
    const otlp = await post("/v1/logs", large, { authorization, "content-type": "application/json" });
    expect([otlp.status, otlp.headers.get("retry-after")]).toEqual([503, "30"]);
    expect((await post("/api/ingest/events")).status).toBe(200);
    first.end();
    expect((await taken).status).toBe(200);
    second.end();
    expect((await alsoTaken).status).toBe(200);
    expect((await post("/api/ingest/events", large)).status).toBe(200);
    await expect.poll(() => bodyRoom.bytes, { timeout: 20_000 }).toBe(0);
  });

  it("count by what comes out of them, and leave nothing behind when their senders hang up", async () => {
    const packed = gzipSync(
      `[${Array(9)
        .fill(JSON.stringify({ message: "x".repeat(400_000) }))
        .join()}]`,
    );
    const headers = { authorization, "content-encoding": "gzip" };
    expect((await post("/api/ingest/events", packed, headers)).status).toBe(429);
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const head = `POST /api/ingest/events HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-length: 900000\r\n\r\n`;
    socket.write(head + "x".repeat(500_000));
    await held(500_000);
    socket.destroy();
    await expect.poll(() => bodyRoom.bytes, { timeout: 20_000 }).toBe(0);
  });
});
