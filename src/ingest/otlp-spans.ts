import { errorEventFrom, type GivenThrown, trafficReportFrom } from "./given-event.ts";
import { commonOf, exceptionId, requestOf, statusOf, thrownOf } from "./otlp-exceptions.ts";
import { type Attributes, type Resource, type Span, textOf } from "./otlp-shape.ts";
import type { Delivery, Parsed } from "./plain.ts";
import { stableId } from "./stable-id.ts";

const [server, client] = [2, 3];
const failed = 2;

/** Adds the errors, the served requests and the failed outgoing calls of a batch of spans. */
export function addSpans(parsed: Parsed, resources: Resource<Span>[], batchId: string, delivery: Delivery): void {
  const requests = new Map<string, Span>();
  for (const { items } of resources) {
    for (const span of items) if (isRequest(span)) requests.set(span.traceId, span);
  }
  const traffic = new Map<string, Served>();
  for (const { attributes, items } of resources) {
    const exceptions = exceptionsOf(items);
    const explained = new Set([...exceptions].flatMap(([{ traceId }, found]) => (found.length > 0 ? [traceId] : [])));
    for (const span of items) {
      const request = requests.get(span.traceId);
      for (const exception of exceptions.get(span) ?? [])
        addException(parsed, attributes, exception, request, delivery);
      if (isFailedCall(span)) addFailedCall(parsed, attributes, span, delivery);
      if (!isRequest(span)) continue;
      serve(traffic, attributes, span);
      if (isFailure(span) && !explained.has(span.traceId)) addFailedRequest(parsed, attributes, span, delivery);
    }
  }
  addTraffic(parsed, traffic, batchId, delivery);
}

/** Our own probes are no traffic. */
function isRequest({ kind, attributes }: Span): boolean {
  const agent = textOf(attributes, "user_agent.original", "http.user_agent") ?? "";
  return kind === server && requestOf(attributes) !== null && !agent.startsWith("vigil-probe");
}

function isFailedCall(span: Span): boolean {
  const isCall = requestOf(span.attributes) !== null || textOf(span.attributes, "rpc.system") !== null;
  return span.kind === client && isCall && isFailure(span);
}

/** By the status of the answer where there is one: a 404 is no failure, whoever marks it as one. */
function isFailure({ attributes, status }: Span): boolean {
  const answered = statusOf(attributes);
  return answered === null ? status === failed : answered >= 500;
}

interface Recorded {
  span: Span;
  thrown: GivenThrown;
  timeMs: number | null;
  escaped: boolean;
}

const ancestorsMax = 50;

/**
 * The exceptions that each span recorded. One that passes through several spans is recorded by each of them on its way
 * out; only the innermost record is kept. A failed call is an event of its own: what it throws counts further out.
 */
function exceptionsOf(all: Span[]): Map<Span, Recorded[]> {
  const spans = all.filter((span) => !isFailedCall(span));
  const bySpanId = new Map(all.map((span) => [span.traceId + span.spanId, span]));
  const repeated = new Set<string>();
  for (const span of spans) {
    const keys = span.events.flatMap(({ attributes }) => keyOf(attributes) ?? []);
    if (keys.length === 0) continue;
    let above = parentOf(span, bySpanId);
    for (let steps = 0; above !== undefined && above !== span && steps < ancestorsMax; steps++) {
      for (const key of keys) repeated.add(above.traceId + above.spanId + key);
      above = parentOf(above, bySpanId);
    }
  }
  return new Map(spans.map((span) => [span, recordedBy(span, repeated)]));
}

function parentOf({ traceId, parentSpanId }: Span, bySpanId: Map<string, Span>): Span | undefined {
  return parentSpanId === "" ? undefined : bySpanId.get(traceId + parentSpanId);
}

function recordedBy(span: Span, repeated: Set<string>): Recorded[] {
  return span.events.flatMap(({ attributes, timeMs }) => {
    const thrown = thrownOf(attributes);
    const isRepeated = repeated.has(span.traceId + span.spanId + (keyOf(attributes) ?? ""));
    if (thrown === undefined || isRepeated) return [];
    return [{ span, thrown, timeMs, escaped: attributes.get("exception.escaped") === true }];
  });
}

/** The very same exception: type, message and stack. */
function keyOf(attributes: Attributes): string | undefined {
  const thrown = thrownOf(attributes);
  if (thrown === undefined) return undefined;
  const text = Array.isArray(thrown.frames) ? "" : thrown.frames.text;
  return stableId(thrown.type ?? "", thrown.message ?? "", text);
}

function addException(
  parsed: Parsed,
  resource: Attributes,
  { span, thrown, timeMs, escaped }: Recorded,
  request: Span | undefined,
  delivery: Delivery,
): void {
  const common = commonOf(resource, request?.attributes ?? span.attributes);
  const event = errorEventFrom(
    {
      ...common,
      id: exceptionId(span, thrown),
      timestamp: timeMs ?? span.endMs,
      level: "error",
      // Whoever caught it answered well; where the request is not in the batch, the span's own end tells.
      handled: !escaped && !(request === undefined ? span.status === failed : isFailure(request)),
      thrown: [thrown],
      operation: common.operation ?? (span.name === "" ? null : span.name),
      traceId: span.traceId || null,
    },
    delivery,
  );
  if (typeof event === "string") parsed.rejected.push({ index: 0, reason: event });
  else parsed.events.push(event);
}

/** A request that failed, and nothing in the batch says why. */
function addFailedRequest(parsed: Parsed, resource: Attributes, span: Span, delivery: Delivery): void {
  const common = commonOf(resource, span.attributes);
  const event = errorEventFrom(
    {
      ...common,
      kind: "http",
      id: stableId("otlp-failure", span.traceId, span.spanId),
      timestamp: span.endMs,
      handled: false,
      thrown: [],
      message: `${common.operation} answered ${common.httpStatus ?? "with an error"}`,
      traceId: span.traceId || null,
    },
    delivery,
  );
  if (typeof event !== "string") parsed.events.push(event);
}

function addFailedCall(parsed: Parsed, resource: Attributes, span: Span, delivery: Delivery): void {
  const host = hostOf(span.attributes);
  if (host === null) return;
  const common = commonOf(resource, span.attributes);
  const why = common.httpStatus ?? textOf(span.attributes, "error.type") ?? "no answer";
  const event = errorEventFrom(
    {
      ...common,
      kind: "external",
      id: stableId("otlp-call", span.traceId, span.spanId),
      timestamp: span.endMs,
      handled: true,
      thrown: [],
      message: `The call to ${host} failed: ${why}`,
      externalHost: host,
      traceId: span.traceId || null,
    },
    delivery,
  );
  if (typeof event !== "string") parsed.events.push(event);
}

function hostOf(attributes: Attributes): string | null {
  const named = textOf(attributes, "server.address", "net.peer.name", "http.host");
  const address = textOf(attributes, "url.full", "http.url") ?? "";
  return (
    (named ?? /^[a-z]{2,10}:\/\/([^/?#:@\s]{1,253})/i.exec(address)?.[1] ?? null)?.replace(/:\d{1,5}$/, "") ?? null
  );
}

interface Served {
  resource: Attributes;
  minuteMs: number | null;
  operation: string;
  requests: number;
  failures: number;
}

const minuteLengthMs = 60_000;

/** Requests of one operation, release and minute are one report: a batch of ten thousand spans costs a few rows. */
function serve(traffic: Map<string, Served>, resource: Attributes, span: Span): void {
  const operation = requestOf(span.attributes) ?? "";
  const minuteMs = span.endMs === null ? null : Math.floor(span.endMs / minuteLengthMs) * minuteLengthMs;
  const { environment, release } = commonOf(resource, span.attributes);
  const key = JSON.stringify([environment, release, operation, minuteMs]);
  const served = traffic.get(key) ?? { resource, minuteMs, operation, requests: 0, failures: 0 };
  served.requests++;
  if (isFailure(span)) served.failures++;
  traffic.set(key, served);
}

function addTraffic(parsed: Parsed, traffic: Map<string, Served>, batchId: string, delivery: Delivery): void {
  for (const [key, { resource, minuteMs, operation, requests, failures }] of traffic) {
    const { environment, release } = commonOf(resource, new Map());
    const report = trafficReportFrom(
      { id: stableId(batchId, key), timestamp: minuteMs, environment, release, operation, requests, failures },
      delivery,
    );
    if (typeof report === "string") parsed.rejected.push({ index: 0, reason: report });
    else parsed.traffic.push(report);
  }
}
