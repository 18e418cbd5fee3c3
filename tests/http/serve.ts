import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { Handler, RouteContext } from "#http/respond.ts";

type Routes = Record<string, Handler>;

/** Handlers behind a real HTTP server: bodies arrive in pieces, as they do in production. */
export interface Served {
  url: string;
  close(): Promise<void>;
}

/** Serves the first route whose pattern matches the path; its named groups are the route's parameters. */
export async function serve(routes: [pattern: RegExp, handlers: Routes][]): Promise<Served> {
  const server = createServer(async (incoming, outgoing) => {
    const path = (incoming.url ?? "/").replace(/\?.*$/s, "");
    const match = routes
      .map(([pattern, handlers]) => ({ handlers, found: pattern.exec(path) }))
      .find(({ found }) => found);
    const handler = match?.handlers[incoming.method ?? "GET"];
    if (match === undefined || handler === undefined) {
      outgoing.writeHead(404).end();
      return;
    }
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const hasBody = !["GET", "HEAD", "OPTIONS"].includes(incoming.method ?? "GET");
    const init = { method: incoming.method, headers, body: hasBody ? Readable.toWeb(incoming) : null, duplex: "half" };
    const request = new Request(`http://127.0.0.1${incoming.url}`, init as RequestInit);
    const context: RouteContext = { params: Promise.resolve({ ...match.found?.groups }) };
    const response = await handler(request, context);
    const bytes = Buffer.from(await response.arrayBuffer());
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => closed(server) };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A body without an announced length, as most senders stream it. */
export function inPieces(bytes: Uint8Array, pieceBytes = 65_536): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + pieceBytes));
      at += pieceBytes;
    },
  });
}
