import { gzipSync } from "node:zlib";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchLogRecordProcessor, LoggerProvider, type LoggerProviderOptions } from "@opentelemetry/sdk-logs";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ErrorEvent } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import { otlp } from "#http/otlp.ts";
import { derivedKey } from "#ingest/keys.ts";
import { anAgent, anHttp, secrets } from "./fakes.ts";
import { type Served, serve } from "./serve.ts";

const agent = anAgent();
const http = { ...anHttp(agent), now: () => new Date() };
const key = derivedKey(secrets.ingestKey, { environment: "production", trust: "server" });
let served: Served;
beforeAll(async () => {
  served = await serve([
    [/^\/api\/ingest\/otlp\/v1\/logs$/, otlp("logs", http)],
    [/^\/api\/ingest\/otlp\/v1\/traces$/, otlp("traces", http)],
  ]);
});
afterAll(() => served.close());
const refusing = new Set<Failure>();
beforeEach(() => {
  agent.stored.events.length = 0;
  agent.stored.traffic.length = 0;
  refusing.clear();
});
const store = agent.ingest;
agent.ingest = async (batch) => {
  for (const failure of refusing) {
    refusing.delete(failure);
    throw failure;
  }
  return store(batch);
};

/** What OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS would say. */
const optionsFor = (signal: string, compression = "none") => ({
  url: `${served.url}/api/ingest/otlp/v1/${signal}`,
  headers: { authorization: `Bearer ${key}` },
  compression: compression as never,
});

/** The SDK's packages for resources are not ours to name; an object of their shape does. */
function aResource(attributes: Record<string, string>): NonNullable<LoggerProviderOptions["resource"]> {
  return { attributes, merge: () => aResource(attributes), getRawAttributes: () => Object.entries(attributes) };
}
const resource = aResource({
  "service.name": "shop",
  "service.version": "4.2.0",
  "deployment.environment.name": "production",
});

function priceOf(order: { total?: { cents: number } }): number {
  return (order.total as { cents: number }).cents;
}
function aFault(): Error {
  try {
    priceOf({});
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const logExporters = [
  ["JSON", (compression: string) => new JsonLogs(optionsFor("logs", compression)), "none"],
  ["JSON, gzip", (compression: string) => new JsonLogs(optionsFor("logs", compression)), "gzip"],
  ["protobuf", (compression: string) => new ProtobufLogs(optionsFor("logs", compression)), "none"],
  ["protobuf, gzip", (compression: string) => new ProtobufLogs(optionsFor("logs", compression)), "gzip"],
] as const;

describe("the exporter of logs", () => {
  it.each(logExporters)("in %s reports errors and nothing else", async (_, exporter, compression) => {
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: exporter(compression) })],
    });
    const logger = provider.getLogger("shop");
    logger.emit({ severityNumber: 9, body: "started" });
    logger.emit({ severityNumber: 17, severityText: "ERROR", body: "checkout failed", exception: aFault() });
    logger.emit({ severityNumber: 21, body: { message: "out of memory", heap: 512 } });
    await provider.shutdown();
    expect(agent.stored.events).toMatchObject([
      {
        source: "otlp",
        errorType: "TypeError",
        message: "Cannot read properties of undefined (reading 'cents')",
        level: "error",
        handled: true,
        environment: "production",
        release: "4.2.0",
        frames: expect.arrayContaining([expect.objectContaining({ function: "priceOf", inApp: true })]),
        tags: { service: "shop", log_message: "checkout failed" },
      },
      { errorType: null, message: "out of memory", level: "fatal", handled: false },
    ]);
  });
});

const traceExporters = [
  ["JSON", () => new JsonTraces(optionsFor("traces"))],
  ["protobuf", () => new ProtobufTraces(optionsFor("traces", "gzip"))],
] as const;

describe("the exporter of traces", () => {
  it.each(traceExporters)("in %s reports errors, served requests and failed calls", async (_, exporter) => {
    const provider = new TracerProvider({
      resource,
      spanProcessors: [new BatchSpanProcessor({ exporter: exporter() })],
    });
    const tracer = provider.getTracer("shop");
    const fault = aFault();
    const serveOrder = (status: number, body: (context: typeof ROOT_CONTEXT) => void) => {
      const attributes = { "http.request.method": "GET", "http.route": "/orders/:id", "url.path": "/orders/17" };
      const span = tracer.startSpan("GET /orders/:id", { kind: SpanKind.SERVER, attributes }, ROOT_CONTEXT);
      body(trace.setSpan(ROOT_CONTEXT, span));
      if (status >= 500) span.recordException(fault);
      span.setAttribute("http.response.status_code", status).end();
    };
    serveOrder(200, () => {});
    serveOrder(404, () => {});
    serveOrder(500, (context) => {
      const inner = tracer.startSpan("price", {}, context);
      inner.recordException(fault);
      inner.setStatus({ code: SpanStatusCode.ERROR }).end();
      const attributes = {
        "http.request.method": "POST",
        "url.full": "https://api.pay.test:8443/v1/charges",
        "server.address": "api.pay.test",
      };
      const call = tracer.startSpan("POST", { kind: SpanKind.CLIENT, attributes }, context);
      call.setAttribute("http.response.status_code", 503).setStatus({ code: SpanStatusCode.ERROR }).end();
    });
    await provider.shutdown();
    const { events, traffic } = agent.stored;
    expect(traffic).toMatchObject([
      { operation: "GET /orders/:id", requests: 3, failures: 1, release: "4.2.0", environment: "production" },
    ]);
    const byKind = (kind: ErrorEvent["kind"]) => events.filter((event) => event.kind === kind);
    // It passed through two spans and is one error.
    expect(byKind("error")).toMatchObject([
      { errorType: "TypeError", operation: "GET /orders/:id", handled: false, httpStatus: 500 },
    ]);
    expect(byKind("external")).toMatchObject([{ externalHost: "api.pay.test", httpStatus: 503, handled: true }]);
    expect(byKind("http")).toEqual([]);
    expect(new Set(events.map(({ traceId }) => traceId)).size).toBe(1);
  });
});

describe("answers", () => {
  const send = (signal: string, body: BodyInit, headers: Record<string, string> = {}) =>
    fetch(`${served.url}/api/ingest/otlp/v1/${signal}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
    });
  const aLog = (environment: string) => ({
    resource: { attributes: [{ key: "deployment.environment.name", value: { stringValue: environment } }] },
    scopeLogs: [{ logRecords: [{ severityNumber: 17, body: { stringValue: "x" } }] }],
  });

  it("make a client wait and send again, and what it sends again is the same event", async () => {
    refusing.add(new Failure("unavailable", "The database is away."));
    const body = JSON.stringify({ resourceLogs: [aLog("production")] });
    const away = await send("logs", body);
    expect([away.status, away.headers.get("retry-after"), await away.json()]).toEqual([
      503,
      "30",
      { code: 14, message: "The database is away." },
    ]);
    const answers = [await send("logs", body), await send("logs", body)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const [first, second] = agent.stored.events;
    expect(first?.id).toBe(second?.id);
  });

  it("say how many records were refused, and take the others", async () => {
    const body = JSON.stringify({ resourceLogs: [aLog("development"), aLog("production")] });
    const answer = await send("logs", body, { authorization: `Bearer ${secrets.ingestKey}` });
    expect([answer.status, await answer.json(), agent.stored.events.length]).toEqual([
      200,
      {
        partialSuccess: {
          rejectedLogRecords: "1",
          errorMessage: "A record environment must be staging or production.",
        },
      },
      1,
    ]);
  });

  it.each([
    ["no key", { authorization: "" }, 401],
    ["another key", { authorization: "Bearer nonsense" }, 401],
    ["our own header", { authorization: "", "x-vigil-key": key }, 200],
    ["text", { "content-type": "text/plain" }, 415],
    ["an encoding that is none", { "content-encoding": "nonsense" }, 415],
  ])("to %s", async (_, headers, status) => {
    expect((await send("logs", "{}", headers)).status).toBe(status);
  });

  it("to protobuf are protobuf, when it is refused as well", async () => {
    const headers = { "content-type": "application/x-protobuf" };
    const [good, bad] = [
      await send("traces", Buffer.alloc(0), headers),
      await send("traces", Buffer.from([10, 200]), headers),
    ];
    expect([good.status, good.headers.get("content-type"), (await good.arrayBuffer()).byteLength]).toEqual([
      200,
      "application/x-protobuf",
      0,
    ]);
    expect([bad.status, bad.headers.get("content-type")]).toEqual([400, "application/x-protobuf"]);
    expect(await bad.text()).toContain("not the protobuf message");
  });

  it("refuse what grows beyond 20 MiB, and millions of empty records", async () => {
    const bomb = gzipSync(Buffer.alloc(21 * 1024 * 1024, " "));
    expect((await send("logs", bomb, { "content-encoding": "gzip" })).status).toBe(413);
    const empty = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${"{},".repeat(2_000_000)}{}]}]}]}`;
    expect((await send("logs", gzipSync(empty, { level: 1 }), { "content-encoding": "gzip" })).status).toBe(413);
    const records = Buffer.concat([Buffer.from([18, 0]), Buffer.alloc(2 * 400_000).fill(Buffer.from([18, 0]))]);
    const nested = (inner: Buffer, tag: number) => Buffer.concat([Buffer.from([tag]), varint(inner.length), inner]);
    const crowd = nested(nested(records, 18), 10);
    expect((await send("logs", crowd, { "content-type": "application/x-protobuf" })).status).toBe(413);
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}
