import type { ErrorEvent } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import { boundedJson } from "./bounded-json.ts";
import { type Delivery, parsePlain } from "./plain.ts";
import { sentryErrorEventOf } from "./sentry-event.ts";

/** One line that holds an event in Sentry's JSON or in the plain shape, read by the very code that reads the endpoints' bodies. */
export type AnyEvent = { kind: "event"; event: ErrorEvent } | { kind: "refused"; reason: string };

const limits = { depthMax: 64, valuesMax: 100_000 };

/** The event of a line, or why it is none. Never throws for what a line holds. */
export function anyEventOf(line: string, delivery: Omit<Delivery, "contentType" | "key">): AnyEvent {
  const value = jsonOf(line);
  if (value === undefined) return { kind: "refused", reason: "is not valid JSON, or nested too deep" };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "refused", reason: "is no JSON object: one event a line" };
  }
  return isSentry(value)
    ? sentryEvent(value, { ...delivery, contentType: null, key: keyOf(value, "server") })
    : plainEvent(line, { ...delivery, contentType: "application/x-ndjson", key: keyOf(value, trustOf(value)) });
}

function sentryEvent(value: object, delivery: Delivery): AnyEvent {
  const event = sentryErrorEventOf(value, delivery);
  return typeof event === "string" ? { kind: "refused", reason: event } : { kind: "event", event };
}

function plainEvent(line: string, delivery: Delivery): AnyEvent {
  try {
    const { events, rejected } = parsePlain(new TextEncoder().encode(line), delivery);
    const [event] = events;
    if (event !== undefined) return { kind: "event", event };
    const [first] = rejected;
    const fields = first?.issues?.map(({ path, message }) => `${path} ${message}`.trim()).join(", ");
    const reason = [first?.reason ?? "counts requests and is no event", fields].filter(Boolean).join(": ");
    return { kind: "refused", reason };
  } catch (error) {
    if (error instanceof Failure) return { kind: "refused", reason: error.message };
    throw error;
  }
}

/** Only Sentry's SDKs list their exceptions, or say which of them they are. */
function isSentry(value: object): boolean {
  if ("exception" in value) {
    const { exception } = value;
    if (Array.isArray(exception)) return true;
    if (typeof exception === "object" && exception !== null) return "values" in exception;
  }
  if ("logentry" in value || "stacktrace" in value) return typeof Object(value).stacktrace !== "string";
  return "event_id" in value && ("platform" in value || "sdk" in value || "contexts" in value);
}

/** No key came with the line: what it says about where it is from is believed, because nothing follows from it. */
function keyOf(value: object, trust: "server" | "browser"): Delivery["key"] {
  const claim = "environment" in value && typeof value.environment === "string" ? value.environment : "";
  return { environment: /^(?:staging|preview)$/i.test(claim.trim()) ? "staging" : "production", trust };
}

function trustOf(value: object): "server" | "browser" {
  const source = "source" in value && typeof value.source === "string" ? value.source : "";
  return /^(?:browser|client|web)$/i.test(source) ? "browser" : "server";
}

function jsonOf(line: string): unknown {
  try {
    return boundedJson(line, limits);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
