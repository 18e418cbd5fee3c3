import { readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { json } from "./lib/json.ts";
import { countRequest, flushReports, reportError, startReporting } from "./lib/report.ts";

const bodyBytesMax = 100_000;
const routesFolder = join(import.meta.dirname, "app");
type Handler = (request: Request, context: { params: Promise<Record<string, string>> }) => Promise<Response>;
interface Route {
  /** `/api/calls/[id]` */
  path: string;
  segments: string[];
  file: string;
}

/** Folders are addresses; a named segment wins over one in square brackets. */
const routes: Route[] = readdirSync(routesFolder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith("route.ts"))
  .map((file) => {
    const segments = file.split(sep).slice(0, -1);
    return { path: `/${segments.join("/")}`, segments, file: pathToFileURL(join(routesFolder, file)).href };
  })
  .sort((a, b) => Number(a.path.includes("[")) - Number(b.path.includes("[")));

/** Answers one request; whatever a route does not catch becomes a plain 500 and a report. */
export async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const parts = pathname.split("/").filter((part) => part !== "");
  const route = routes.find(({ segments }) => matches(segments, parts));
  if (route === undefined) return json({ error: "No such address" }, 404);
  const handler: Handler | undefined = (await import(route.file))[request.method];
  if (handler === undefined) return json({ error: "Method not allowed" }, 405);
  const operation = `${request.method} ${route.path}`;
  try {
    const response = await handler(request, { params: Promise.resolve(paramsOf(route.segments, parts)) });
    countRequest(operation, response.status >= 500);
    return response;
  } catch (error) {
    countRequest(operation, true);
    reportError(error, { operation, status: 500, userId: request.headers.get("x-user-id") });
    return json({ error: "Something went wrong" }, 500);
  }
}

function matches(segments: string[], parts: string[]): boolean {
  return segments.length === parts.length && segments.every((one, n) => one.startsWith("[") || one === parts[n]);
}

function paramsOf(segments: string[], parts: string[]): Record<string, string> {
  const named = segments.map((segment, n) => [segment, parts[n] ?? ""] as const);
  return Object.fromEntries(
    named.filter(([segment]) => segment.startsWith("[")).map(([segment, part]) => [segment.slice(1, -1), decode(part)]),
  );
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > bodyBytesMax) return send(outgoing, json({ error: "The request is too large" }, 413));
    chunks.push(chunk);
  }
  const method = incoming.method ?? "GET";
  const body = method === "GET" || method === "HEAD" ? undefined : Buffer.concat(chunks);
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
  const address = new URL(incoming.url ?? "/", "http://localhost");
  await send(outgoing, await answer(new Request(address, { method, headers, body })));
}

async function send(outgoing: ServerResponse, response: Response): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
}

if (import.meta.main) {
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? "127.0.0.1", () => {
    console.log(`listening on ${process.env.HOST ?? "127.0.0.1"}:${process.env.PORT ?? 3000}`);
  });
  startReporting();
  process.on("SIGTERM", () => {
    server.close();
    flushReports().finally(() => process.exit(0));
  });
}
