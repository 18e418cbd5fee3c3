import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import type { IngestKey } from "#ingest/keys.ts";
import { type Encoding, otlpBodyBytesMax, parseOtlp, type Signal } from "#ingest/otlp.ts";
import { exportResponse, statusResponse } from "#ingest/otlp-protobuf.ts";
import { readBody } from "./body.ts";
import { type Http, thisProcess } from "./context.ts";
import { asSeenBy, createGate, deliveryFor, type Gate, keyFor, reading } from "./reporting.ts";
import { endpoint, type Handler, json } from "./respond.ts";
import { bearerOf } from "./secret.ts";

/**
 * OpenTelemetry's `/v1/logs` and `/v1/traces`. Answers are in the encoding of the question; clients send again only after
 * 429 and 503, and wait as `Retry-After` says.
 */
export function otlp(signal: Signal, http: Http = thisProcess) {
  const gate = createGate(http.now);
  const take: Handler = async (request) => {
    const encoding = encodingOf(request);
    try {
      if (encoding === undefined) {
        throw new Failure("unsupported", "The body must be OTLP.", {
          hint: "Send it as application/x-protobuf or application/json.",
        });
      }
      return await taken(request, await http.agentOf(), { signal, encoding, gate, now: http.now });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status >= 500) http.log(`otlp ${signal}: ${error.message}`, error.cause);
      return refusal(error, encoding ?? "json");
    }
  };
  return endpoint(http.log, { POST: reading(http, take) });
}

interface Asked {
  signal: Signal;
  encoding: Encoding;
  gate: Gate;
  now: () => Date;
}

async function taken(request: Request, agent: Agent, { signal, encoding, gate, now }: Asked): Promise<Response> {
  const key = keyOf(request, agent);
  const empty = gate.refused(key, 0);
  if (empty !== undefined) return tooFast(empty.retryAfterSeconds, encoding);
  const body = await readBody(request, otlpBodyBytesMax);
  const parsed = parseOtlp(body, signal, encoding, deliveryFor(request, agent, key, now()));
  const { events, traffic, rejected, rejectedCount } = parsed;
  const refused = gate.refused(key, events.length);
  if (events.length > 0 && refused !== undefined) return tooFast(refused.retryAfterSeconds, encoding);
  if (events.length + traffic.length > 0) await agent.ingest({ events, traffic });
  return success(signal, encoding, rejectedCount, rejected[0]?.reason ?? "too many records in one request");
}

/** OTLP's own header for keys is any header: the usual one, or ours. */
function keyOf(request: Request, agent: Agent): IngestKey {
  const key = keyFor(bearerOf(request) ?? request.headers.get("x-vigil-key"), agent);
  if (key !== undefined) return asSeenBy(request, key);
  throw new Failure("unauthorized", "The key is missing or wrong.", {
    hint: 'Set OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <key>".',
  });
}

function encodingOf(request: Request): Encoding | undefined {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json") return "json";
  return type === "application/x-protobuf" ? "protobuf" : undefined;
}

function success(signal: Signal, encoding: Encoding, rejected: number, why: string): Response {
  const because = `A record ${why}.`;
  if (encoding === "protobuf") return protobuf(exportResponse(rejected, because), 200);
  if (rejected === 0) return json({});
  const name = signal === "logs" ? "rejectedLogRecords" : "rejectedSpans";
  return json({ partialSuccess: { [name]: String(rejected), errorMessage: because } });
}

const retryAfterSeconds = 30;

function refusal(failure: Failure, encoding: Encoding): Response {
  const { code, message, hint, status } = failure;
  // A writer that is behind says so for a while; a key that sends too fast was answered before.
  if (code === "rate_limited") return tooFast(retryAfterSeconds, encoding, 503);
  const headers: Record<string, string> = {};
  if (status === 503) headers["retry-after"] = String(retryAfterSeconds);
  if (status === 401) headers["www-authenticate"] = "Bearer";
  return answer(encoding, status, hint === undefined ? message : `${message} ${hint}`, headers);
}

function tooFast(seconds: number, encoding: Encoding, status = 429): Response {
  return answer(encoding, status, "Too many events; send them again later.", { "retry-after": String(seconds) });
}

/** gRPC's codes for what OTLP says about failures: the numbers are for logs, clients go by the HTTP status. */
const codes: Record<number, number | undefined> = { 400: 3, 401: 16, 403: 7, 413: 8, 415: 3, 429: 8, 503: 14 };

function answer(encoding: Encoding, status: number, message: string, headers: Record<string, string>): Response {
  const code = codes[status] ?? 2;
  if (encoding === "json") return json({ code, message }, { status, headers });
  return protobuf(statusResponse(code, message), status, headers);
}

function protobuf(bytes: Uint8Array, status: number, headers: Record<string, string> = {}): Response {
  return new Response(Buffer.from(bytes), {
    status,
    headers: { "content-type": "application/x-protobuf", "cache-control": "no-store", ...headers },
  });
}
