import type { IncomingMessage, ServerResponse } from "node:http";
import { enterRoom, holdBytes, leaveRoom, sharedBodyRoom } from "./body-room.ts";
import { type Http, thisProcess } from "./context.ts";
import { ingestEvents } from "./ingest.ts";
import { otlp } from "./otlp.ts";
import type { endpoint } from "./respond.ts";
import { sentryEnvelope, sentryStore } from "./sentry.ts";
import { vercelDrain } from "./vercel-drain.ts";

/**
 * The addresses that a storm of events hits, answered by Node's server before Next.js sees them: the same handlers as
 * behind Next's routes, at a quarter of the cost. Hosted on Vercel only the routes are there.
 */
export function ingestFront(
  http: Http = thisProcess,
): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const fixed: Record<string, Routes | undefined> = Object.assign(Object.create(null), {
    "/api/ingest/events": ingestEvents(http),
    "/api/ingest/vercel": vercelDrain(http),
    "/v1/logs": otlp("logs", http),
    "/v1/traces": otlp("traces", http),
  });
  const perProject = { envelope: sentryEnvelope(http), store: sentryStore(http) };
  return (incoming, outgoing) => {
    const path = incoming.url?.slice(0, pathCharactersMax).split("?", 1)[0] ?? "";
    const [, project = "", kind] = /^\/api\/(\d{1,19})\/(envelope|store)\/?$/.exec(path) ?? [];
    const routes = kind === "envelope" || kind === "store" ? perProject[kind] : fixed[path.replace(/\/$/, "")];
    if (routes === undefined) return false;
    enterRoom(http.bodyRoom ?? sharedBodyRoom, incoming);
    answer(routes, project, incoming, outgoing).catch((cause: unknown) => {
      leaveRoom(incoming);
      // Whoever hung up in the middle of a body gets no answer.
      if (!incoming.destroyed && !outgoing.headersSent) http.log("a request could not be answered", cause);
      outgoing.destroy();
    });
    return true;
  };
}

type Routes = ReturnType<typeof endpoint>;
const pathCharactersMax = 200;
/** A body up to this size is read before the handler is asked, which is much cheaper than a stream. */
const readAtOnceBytesMax = 256 * 1024;

async function answer(
  routes: Routes,
  project: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const method = methods.find((known) => known === incoming.method);
  if (method === undefined) {
    outgoing.writeHead(405, { connection: "close" }).end();
    return;
  }
  const response = await routes[method](await requestOf(incoming, method), { params: Promise.resolve({ project }) });
  leaveRoom(incoming);
  // A body that was refused before its end would be taken for the next request.
  const headers = incoming.complete ? {} : { connection: "close" };
  outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), ...headers });
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

async function requestOf(incoming: IncomingMessage, method: string): Promise<Request> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined && !name.startsWith(":"))
      headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  // As Next.js does it: without a proxy in front, the sender is who is connected.
  if (!headers.has("x-forwarded-for")) headers.set("x-forwarded-for", incoming.socket.remoteAddress ?? "");
  const address = `http://${host(incoming)}${incoming.url}`;
  if (method === "GET" || method === "HEAD") return new Request(address, { method, headers });
  const init: RequestInit & { duplex: "half" } = { method, headers, body: await bodyOf(incoming), duplex: "half" };
  return new Request(address, init);
}

/** The name that the sender used may be anything; nothing here depends on it. */
function host(incoming: IncomingMessage): string {
  return /^[\w.:[\]-]{1,255}$/.exec(incoming.headers.host ?? "")?.[0] ?? "localhost";
}

/** All of a small body; of a larger one the rest as a stream, so that the handler decides how much of it is held. */
async function bodyOf(incoming: IncomingMessage): Promise<Buffer<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const pieces: AsyncIterator<Buffer> = incoming[Symbol.asyncIterator]();
  const begun: Buffer[] = [];
  let bytes = 0;
  let hasRoom = true;
  // Where there is no room for more, the handler says so in the words of its protocol.
  while (hasRoom && bytes <= readAtOnceBytesMax) {
    const { done, value } = await pieces.next();
    if (done) return Buffer.concat(begun, bytes);
    begun.push(value);
    bytes += value.byteLength;
    hasRoom = holdBytes(incoming, value.byteLength);
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // From here on the handler counts them: twice would be room that nobody has.
      leaveRoom(incoming);
      for (const piece of begun) controller.enqueue(piece);
    },
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}
