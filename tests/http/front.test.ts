import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ingestFront } from "#http/front.ts";
import { derivedKey } from "#ingest/keys.ts";
import { anAgent, anHttp, secrets } from "./fakes.ts";

let agent = anAgent();
let http = anHttp(agent);
let server: Server;
let url = "";
beforeEach(async () => {
  agent = anAgent();
  http = anHttp(agent);
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
