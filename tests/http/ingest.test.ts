import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { Readable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { ingestEvents } from "#http/ingest.ts";
import { derivedKey } from "#ingest/keys.ts";
import { anAgent, anHttp, aRoute, secrets } from "./fakes.ts";

const token = secrets.ingestKey;
const mebibyte = 1024 * 1024;
const anEvent = { message: "it broke" };

/** The handler behind a real HTTP server: bodies arrive in pieces, as they do in production. */
async function serve(agent: ReturnType<typeof anAgent>): Promise<{ server: Server; url: string }> {
  const routes = ingestEvents(anHttp(agent));
  const server = createServer(async (incoming, outgoing) => {
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const body = incoming.method === "GET" ? null : Readable.toWeb(incoming);
    const request = new Request("http://127.0.0.1/api/ingest/events", {
      method: incoming.method,
      headers,
      body: body as ReadableStream<Uint8Array> | null,
      duplex: "half",
    } as RequestInit);
    const response = await routes[request.method as keyof typeof routes](request, aRoute());
    outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), connection: "close" });
    outgoing.end(await response.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

let agent = anAgent();
let server: Server;
let url = "";
beforeEach(async () => {
  agent = anAgent();
  ({ server, url } = await serve(agent));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function send(body: BodyInit, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${token}`, ...headers },
    duplex: "half",
  } as RequestInit);
  const answer = { status: response.status, body: await response.json() };
  expect(answer.status).toBeLessThan(500);
  return answer;
}

/** A body without an announced length, as most senders stream it. */
function inPieces(bytes: Uint8Array, pieceBytes = 65_536): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + pieceBytes));
      at += pieceBytes;
    },
  });
}

describe("sending events", () => {
  it.each([
    ["one object", JSON.stringify(anEvent), "application/json"],
    ["a list", JSON.stringify([anEvent, anEvent]), "application/json"],
    ["one a line", `${JSON.stringify(anEvent)}\n${JSON.stringify(anEvent)}\n`, "application/x-ndjson"],
    ["what curl sends by default", JSON.stringify(anEvent), "application/x-www-form-urlencoded"],
  ])("takes %s", async (_, body, type) => {
    const { status, body: answer } = await send(body, { "content-type": type });
    expect({ status, rejected: answer.rejected, stored: agent.stored.events.length }).toEqual({
      status: 200,
      rejected: [],
      stored: answer.accepted,
    });
  });

  it("takes the good ones of a batch and names the others", async () => {
    expect(await send(JSON.stringify([anEvent, {}, 5, anEvent]))).toEqual({
      status: 200,
      body: {
        accepted: 2,
        rejected: [
          {
            index: 1,
            reason: "is no event",
            issues: [{ path: "message", message: "is required (or exception.message)" }],
          },
          expect.objectContaining({ index: 2, reason: "is no event" }),
        ],
      },
    });
  });

  it("answers 400 with what is wrong when nothing can be taken", async () => {
    expect(await send(JSON.stringify({ message: 5 }))).toMatchObject({
      status: 400,
      body: { error: { code: "invalid", message: "The event is no event.", issues: [{ index: 0, path: "message" }] } },
    });
    expect(agent.stored.events).toEqual([]);
  });

  it("is acknowledged only when it is stored", async () => {
    agent.ingest = async () => Promise.reject(new Failure("unavailable", "The database is away."));
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify(anEvent),
      headers: { authorization: `Bearer ${token}` },
    });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "30"]);
  });

  it("is slowed down above 10,000 at once from a key that everybody can read, with the time to wait", async () => {
    const batch = JSON.stringify(Array.from({ length: 1_000 }, () => anEvent));
    const authorization = `Bearer ${derivedKey(token, { environment: "production", trust: "browser" })}`;
    for (let sent = 0; sent < 10; sent++) expect((await send(batch, { authorization })).status).toBe(200);
    const response = await fetch(url, { method: "POST", body: batch, headers: { authorization } });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await send(batch)).status).toBe(200);
  });
});

describe("keys", () => {
  it.each([
    ["", 401],
    ["Bearer undefined", 401],
    [`Bearer ${token}0`, 401],
    [`Bearer ${secrets.apiToken}`, 401],
    [`Bearer ${secrets.cronSecret}`, 401],
    [`Bearer ${token}`, 200],
  ])("%s answers %i", async (authorization, status) => {
    expect((await send(JSON.stringify(anEvent), { authorization })).status).toBe(status);
  });

  it("derived ones decide environment and trust, whatever the body claims", async () => {
    const derived = derivedKey(token, { environment: "staging", trust: "browser" });
    const body = JSON.stringify({ ...anEvent, environment: "production", trust: "server" });
    expect((await send(body, { authorization: `Bearer ${derived}` })).status).toBe(200);
    expect(agent.stored.events).toMatchObject([
      { environment: "staging", trust: "browser", tags: { claimed_environment: "production" } },
    ]);
  });

  it("configured as nothing let nobody in", async () => {
    agent.secrets = { ...secrets, ingestKey: null };
    for (const key of ["null", "undefined", derivedKey("", { environment: "production", trust: "server" })]) {
      expect((await send(JSON.stringify(anEvent), { authorization: `Bearer ${key}` })).status).toBe(401);
    }
  });
});

describe("bodies on the wire", () => {
  const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };

  it.each(Object.entries(encodings))("are unpacked from %s", async (encoding, pack) => {
    const packed = Buffer.from(pack(Buffer.from(JSON.stringify(anEvent))));
    expect((await send(inPieces(packed, 7), { "content-encoding": encoding })).body.accepted).toBe(1);
  });

  it.each(Object.entries(encodings))("that grow beyond 5 MiB out of %s are refused", async (encoding, pack) => {
    const bomb = Buffer.from(pack(Buffer.alloc(12 * mebibyte)));
    expect(await send(bomb, { "content-encoding": encoding })).toMatchObject({
      status: 413,
      body: { error: { code: "too_large" } },
    });
  });

  it.each(["compress", "gzip, gzip", "identity, br", "__proto__", "x"])(
    "in the encoding %s are refused",
    async (encoding) => {
      expect((await send("{}", { "content-encoding": encoding })).status).toBe(415);
    },
  );

  it("that are not what their encoding says, or only half of it, are refused", async () => {
    expect((await send("{}", { "content-encoding": "gzip" })).status).toBe(400);
    const half = gzipSync(JSON.stringify(anEvent)).subarray(0, 20);
    expect((await send(half, { "content-encoding": "gzip" })).status).toBe(400);
  });

  it("of unknown length are cut off at 5 MiB, of announced length refused at once", async () => {
    const message = Buffer.from(JSON.stringify({ message: "a".repeat(5 * mebibyte) }));
    expect((await send(inPieces(message))).status).toBe(413);
    expect((await send(message)).status).toBe(413);
  });

  it("that break off cost nothing but themselves", async () => {
    const port = Number(new URL(url).port);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(
          `POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000\r\n\r\n{"mess`,
          () => socket.destroy(),
        );
      });
      socket.on("close", () => resolve()).on("error", reject);
    });
    expect((await send(JSON.stringify(anEvent))).status).toBe(200);
    expect(agent.stored.events).toHaveLength(1);
  });

  it("are not read from whoever has no key", async () => {
    const { status } = await send(JSON.stringify(anEvent), {
      authorization: "Bearer wrong",
      "content-encoding": "nonsense",
    });
    expect(status).toBe(401);
  });
});
