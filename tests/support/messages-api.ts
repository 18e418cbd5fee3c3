import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import { type Answer, fault } from "./messages-api/answers.ts";
import { type MessagesRequest, type RequestBody, requestOf, taken } from "./messages-api/request.ts";
import { createMeter, tokensOf } from "./messages-api/usage.ts";
import { write } from "./messages-api/wire.ts";

export * from "./messages-api/answers.ts";
export * from "./messages-api/model.ts";
export type { MessagesRequest } from "./messages-api/request.ts";

/** Answers in order, or a rule that looks at each request: then it may use tools and answer by what they brought. */
export type Script = Answer[] | ((request: MessagesRequest) => Answer | Promise<Answer>);

export interface MessagesApi {
  /** For `ANTHROPIC_BASE_URL`. */
  url: string;
  /** The only key that is taken; for `ANTHROPIC_API_KEY`. */
  apiKey: string;
  /** Every request for a message, in order; those that were refused for their shape are in `refused`. */
  requests: MessagesRequest[];
  /** What the service itself objected to (400, 401), and requests beyond the script's end. A test should find none. */
  refused: string[];
  /** How often the models were listed. */
  listed: number;
  /** From now on another script; answers and requests count from 0 again. */
  play(script: Script): void;
  close(): Promise<void>;
}

const models = ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"];
export const fakeApiKey = `sk-ant-${"fake0123".repeat(4)}`;

/**
 * A real HTTP server that speaks the Messages API: `POST /v1/messages` (streaming and not), `/v1/messages/count_tokens`,
 * `GET /v1/models`. It holds requests to the service's own rules (a tool call without an answer is a 400, as is a forced
 * tool), counts tokens with a prompt cache, and produces every fault that `answers.ts` names.
 *
 *     const api = await startMessagesApi([tool("read_file", { path: "a.ts" }), text("done"), fault(529)]);
 *     … new Anthropic({ baseURL: api.url, apiKey: api.apiKey }) …
 *     expect(api.requests[1]?.results[0]?.text).toContain("…");
 *     await api.close();
 */
export async function startMessagesApi(script: Script = [], options: Options = {}): Promise<MessagesApi> {
  const sockets = new Set<Socket>();
  const api: MessagesApi & Playing = {
    url: "",
    apiKey: options.apiKey ?? fakeApiKey,
    requests: [],
    refused: [],
    listed: 0,
    script,
    meter: createMeter(),
    play: (next) => {
      Object.assign(api, { script: next, meter: createMeter(), requests: [], refused: [] });
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
  const server = createServer((request, response) => {
    respond(api, request, response).catch((error) => {
      api.refused.push(String(error));
      response.destroy();
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  api.url = `http://127.0.0.1:${address.port}`;
  return api;
}

interface Options {
  port?: number;
  apiKey?: string;
}

interface Playing {
  script: Script;
  meter: ReturnType<typeof createMeter>;
}

const noUsage = { input_tokens: 0, output_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };

async function respond(api: MessagesApi & Playing, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = `req_${api.requests.length}`;
  const raw = await bodyOf(request);
  const refuse = (because: string, status: 400 | 401 | 404) => {
    api.refused.push(because);
    write(response, fault(status, { message: because }), { id, model: "", stream: false, usage: noUsage });
  };
  const key = request.headers.authorization?.replace(/^Bearer /, "") ?? request.headers["x-api-key"];
  if (key !== api.apiKey) return refuse("invalid bearer token", 401);
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  if (request.method === "GET" && path === "/v1/models") return listModels(api, response);
  if (request.method !== "POST" || !/^\/v1\/messages(?:\/count_tokens)?$/.test(path)) {
    return refuse(`no such address: ${path}`, 404);
  }
  const read = taken(parsed(raw));
  if (read.kind === "refused") return refuse(read.because, 400);
  if (path.endsWith("count_tokens")) return count(response, read.body);
  const seen = requestOf(api.requests.length, request.headers, raw, read.body);
  api.requests.push(seen);
  const next = typeof api.script === "function" ? await api.script(seen) : api.script[seen.index];
  if (next === undefined) return refuse(`the script has no answer ${seen.index}`, 400);
  const usage = api.meter(seen.body, next.kind === "message" ? next.content : []);
  write(response, next, { id, model: seen.model, stream: seen.body.stream === true, usage });
}

function listModels(api: MessagesApi, response: ServerResponse): void {
  api.listed += 1;
  const data = models.map((id) => ({ type: "model", id, display_name: id, created_at: "2026-10-01T00:00:00Z" }));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ data, has_more: false, first_id: models[0], last_id: models.at(-1) }));
}

function count(response: ServerResponse, body: RequestBody): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ input_tokens: tokensOf(JSON.stringify(body)) }));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** `node tests/support/messages-api.ts --script FILE [--port N]`: FILE's default export is the script; prints the address as JSON. */
if (import.meta.main) {
  const option = (name: string) => process.argv[process.argv.indexOf(`--${name}`) + 1];
  const file = process.argv.includes("--script") ? option("script") : undefined;
  const script = file === undefined ? [] : (await import(pathToFileURL(file).href)).default;
  const api = await startMessagesApi(script, process.argv.includes("--port") ? { port: Number(option("port")) } : {});
  console.log(JSON.stringify({ url: api.url, apiKey: api.apiKey }));
  process.on("SIGTERM", () => void api.close());
}
