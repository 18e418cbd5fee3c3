import { trafficReportFrom } from "./given-event.ts";
import type { Delivery, Parsed } from "./plain.ts";
import { operationFrom } from "./routes.ts";
import { type SentrySpan, SentrySpans, SentryTransaction } from "./sentry-shape.ts";
import { stableId } from "./stable-id.ts";

/**
 * Requests that Sentry's SDKs tell of when tracing is on: as spans since version 11, as transactions before. They are counted
 * by route, which the SDK's own sessions are not. A sampled request stands for as many as the sample leaves out.
 */

const requestOperation = "http.server";
/** One in a thousand is the smallest sample that says anything about a minute. */
const weightMax = 1_000;

interface ServedRequest {
  id: string;
  timestamp: string | number | null | undefined;
  environment: string | null | undefined;
  release: string | null | undefined;
  operation: string | null;
  status: number | null | undefined;
  isFailed: boolean;
  sampleRate: number | null;
  userAgent: string | null | undefined;
}

/** A payload of spans; what is no served request is left aside. */
export function addSpans(parsed: Parsed, given: unknown, delivery: Delivery, sampleRate: number | null): void {
  const shape = SentrySpans.safeParse(given);
  for (const span of shape.data?.items ?? []) {
    const request = span === null ? undefined : requestIn(span, sampleRate);
    if (request !== undefined) count(parsed, request, delivery);
  }
}

/** One transaction, which is a request or some other work. */
export function addTransaction(parsed: Parsed, given: unknown, delivery: Delivery, sampleRate: number | null): void {
  const shape = SentryTransaction.safeParse(given);
  const { data } = shape;
  const trace = data?.contexts?.trace;
  if (data === undefined || trace?.op !== requestOperation) return;
  const isRoute = data.transaction_info?.source === "route";
  const status = data.contexts?.response?.status_code ?? trace.data?.["http.response.status_code"];
  const request = {
    id: data.event_id ?? delivery.newId(),
    ...{ timestamp: data.timestamp, environment: data.environment, release: data.release, status, sampleRate },
    operation: isRoute ? (data.transaction ?? null) : operationFrom(data.transaction, data.request?.method, null),
    isFailed: trace.status === "internal_error",
    userAgent: null,
  };
  count(parsed, request, delivery);
}

function requestIn({ attributes, ...span }: SentrySpan, sampleRate: number | null): ServedRequest | undefined {
  const value = (name: string) => attributes?.[name]?.value;
  const text = (name: string) => (typeof value(name) === "string" ? String(value(name)) : null);
  const number = (name: string) => (typeof value(name) === "number" ? Number(value(name)) : null);
  if (text("sentry.op") !== requestOperation || span.is_segment !== true) return undefined;
  const isRoute = text("sentry.segment.name.source") === "route";
  return {
    id: `${span.trace_id}:${span.span_id}`,
    timestamp: span.end_timestamp,
    environment: text("sentry.environment"),
    release: text("sentry.release"),
    operation: isRoute
      ? (span.name ?? null)
      : operationFrom(null, text("http.request.method"), text("url.path") ?? text("url.full")),
    status: number("http.response.status_code"),
    isFailed: span.status === "error",
    sampleRate: number("sentry.sample_rate") ?? sampleRate,
    userAgent: text("user_agent.original"),
  };
}

function count(parsed: Parsed, request: ServedRequest, delivery: Delivery): void {
  const { id, timestamp, environment, release, operation, status, isFailed, sampleRate, userAgent } = request;
  if (userAgent?.startsWith("vigil-probe")) return;
  const weight =
    sampleRate === null || !(sampleRate > 0) ? 1 : Math.min(weightMax, Math.max(1, Math.round(1 / sampleRate)));
  const hasFailed = typeof status === "number" ? status >= 500 : isFailed;
  const report = trafficReportFrom(
    {
      id: stableId("sentry-request", id),
      ...{ timestamp: timestamp ?? null, environment: environment ?? null, release: release ?? null },
      ...{ operation: operation ?? "", requests: weight, failures: hasFailed ? weight : 0 },
    },
    delivery,
  );
  if (typeof report !== "string") parsed.traffic.push(report);
}
