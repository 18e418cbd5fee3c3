/**
 * The stable address of an environment: a program of its own that passes each request on to the release that serves
 * now. It outlives the agent, so traffic flows on while the agent is down, and it reads the record for every request:
 * the request after a switch reaches the new release, those before it are answered by the old one, none is lost.
 *
 *   node processes-front.ts STATE_FILE PORT RUNS_DIRECTORY
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { join } from "node:path";
import { logBytesMax, trimLog } from "./output-log.ts";

const [stateFile = "", publicPort = "", runsDirectory = ""] = process.argv.slice(2);

const host = "127.0.0.1";
const tidyEveryMs = 1_000;
const upstreamTimeoutMs = 120_000;
/** Headers that belong to one connection and not to the message. */
const connectionHeaders = ["connection", "keep-alive", "proxy-connection", "te", "upgrade", "expect"];

const server = createServer((incoming, outgoing) => {
  incoming.on("error", () => outgoing.destroy());
  outgoing.on("error", () => incoming.destroy());
  const port = servingPort();
  if (port === undefined) return refuse(outgoing, 503, "Nothing is deployed here yet.");
  forward(incoming, outgoing, port);
});
// The exit code tells the agent; the reason is in this program's log.
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(Number(publicPort), host);
setInterval(tidy, tidyEveryMs);

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number): void {
  // A connection per request: one kept open could be closed by the release just when it is used again.
  const upstream = request({
    host,
    port,
    agent: false,
    method: incoming.method,
    path: incoming.url,
    headers: forwardedHeaders(incoming),
    timeout: upstreamTimeoutMs,
  });
  upstream.on("response", (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers));
    answer.on("error", () => outgoing.destroy());
    answer.pipe(outgoing);
  });
  upstream.on("timeout", () => upstream.destroy(new Error("no answer")));
  upstream.on("error", () => refuse(outgoing, 502, "The release does not answer."));
  outgoing.on("close", () => upstream.destroy());
  incoming.pipe(upstream);
}

function forwardedHeaders(incoming: IncomingMessage) {
  return {
    ...endToEnd(incoming.headers),
    "x-forwarded-for": incoming.socket.remoteAddress ?? host,
    "x-forwarded-host": incoming.headers.host ?? "",
    "x-forwarded-proto": "http",
  };
}

function endToEnd(headers: IncomingMessage["headers"]) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !connectionHeaders.includes(name)));
}

function refuse(outgoing: ServerResponse, status: number, message: string): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(status, { "content-type": "application/json" });
  outgoing.end(JSON.stringify({ error: { code: "unavailable", message } }));
}

function servingPort(): number | undefined {
  try {
    const { serving } = JSON.parse(readFileSync(stateFile, "utf8"));
    return typeof serving?.port === "number" ? serving.port : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the logs of the releases bounded, and ends this program when the folder it works for was deleted. */
function tidy(): void {
  if (statSync(stateFile, { throwIfNoEntry: false }) === undefined) process.exit(0);
  for (const name of readdirSync(runsDirectory)) {
    const log = join(runsDirectory, name, "output.log");
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) trimLog(log);
  }
}
