import type { GivenThrown } from "./given-event.ts";
import { type Attributes, numberOf, textOf } from "./otlp-shape.ts";
import { operationFrom } from "./routes.ts";
import { stableId } from "./stable-id.ts";

/** What logs and spans have in common, by today's names of the semantic conventions and by those before them. */

/** The exception in a record's attributes. */
export function thrownOf(attributes: Attributes): GivenThrown | undefined {
  const type = textOf(attributes, "exception.type");
  const message = textOf(attributes, "exception.message");
  const text = textOf(attributes, "exception.stacktrace");
  if (type === null && message === null && text === null) return undefined;
  return { type, message, frames: { text: text ?? "" } };
}

/**
 * One exception may come as a span's event and as a log record (`OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=logs/dup`): the same
 * place of the trace, type and message make it one event.
 */
export function exceptionId(place: { traceId: string; spanId: string }, { type, message }: GivenThrown): string {
  return stableId("otlp", place.traceId, place.spanId, type ?? "", (message ?? "").slice(0, 1_000));
}

/** Where it happened: the process's resource first, then the record itself. */
export function commonOf(resource: Attributes, own: Attributes) {
  const service = textOf(resource, "service.name");
  return {
    source: "otlp",
    environment: textOf(resource, "deployment.environment.name", "deployment.environment"),
    release: textOf(resource, "service.version", "vcs.ref.head.revision"),
    operation: requestOf(own),
    httpStatus: statusOf(own),
    requestId: textOf(own, "http.request.header.x-request-id"),
    user: textOf(own, "user.id", "enduser.id"),
    // What SDKs of browsers say about themselves.
    isFromBrowser: textOf(resource, "telemetry.sdk.language") === "webjs",
    tags: service === null ? {} : { service },
  };
}

export function statusOf(attributes: Attributes): number | null {
  return numberOf(attributes, "http.response.status_code", "http.status_code");
}

/** `METHOD /route`; `null` for what is no request. */
export function requestOf(attributes: Attributes): string | null {
  const method = textOf(attributes, "http.request.method", "http.method");
  const route = textOf(attributes, "http.route");
  const address = textOf(attributes, "url.path", "http.target", "url.full", "http.url");
  if (route !== null) return method === null ? route : `${method.toUpperCase()} ${route}`;
  return method === null || address === null ? null : operationFrom(null, method, address);
}
