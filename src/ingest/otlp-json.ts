import {
  type Attributes,
  type AttributeValue,
  attributesMax,
  type LogRecord,
  type Resource,
  recordsMax,
  type Span,
  spanEventsMax,
  textCharactersMax,
} from "./otlp-shape.ts";

/** OTLP's JSON: ids in hexadecimal, 64-bit numbers as numbers or texts. A field of the wrong kind counts as missing. */

export function logsFromJson(value: unknown): Resource<LogRecord>[] {
  return resourcesOf(value, "resourceLogs", "scopeLogs", "logRecords", logOf);
}

export function spansFromJson(value: unknown): Resource<Span>[] {
  return resourcesOf(value, "resourceSpans", "scopeSpans", "spans", spanOf);
}

function resourcesOf<Item>(
  value: unknown,
  resources: string,
  scopes: string,
  items: string,
  itemOf: (value: unknown) => Item,
): Resource<Item>[] {
  let left = recordsMax;
  return list(field(value, resources)).map((resource) => {
    const found = list(field(resource, scopes)).flatMap((scope) => list(field(scope, items)));
    const read = found.slice(0, left).map(itemOf);
    left -= read.length;
    return { attributes: attributesOf(field(field(resource, "resource"), "attributes")), items: read };
  });
}

/** How many records a request holds, those beyond the bound as well. */
export function countIn(value: unknown, signal: "logs" | "traces"): number {
  const [resources, scopes, items] =
    signal === "logs" ? ["resourceLogs", "scopeLogs", "logRecords"] : ["resourceSpans", "scopeSpans", "spans"];
  return list(field(value, resources ?? ""))
    .flatMap((resource) => list(field(resource, scopes ?? "")))
    .reduce<number>((sum, scope) => sum + list(field(scope, items ?? "")).length, 0);
}

function logOf(value: unknown): LogRecord {
  return {
    timeMs: timeOf(field(value, "timeUnixNano")) ?? timeOf(field(value, "observedTimeUnixNano")),
    severity: wholeOf(field(value, "severityNumber")),
    severityText: textIn(value, "severityText"),
    body: wordsOf(field(value, "body")),
    attributes: attributesOf(field(value, "attributes")),
    traceId: textIn(value, "traceId"),
    spanId: textIn(value, "spanId"),
  };
}

function spanOf(value: unknown): Span {
  const events = list(field(value, "events")).slice(0, spanEventsMax);
  return {
    traceId: textIn(value, "traceId"),
    spanId: textIn(value, "spanId"),
    parentSpanId: textIn(value, "parentSpanId"),
    name: textIn(value, "name"),
    kind: wholeOf(field(value, "kind")),
    endMs: timeOf(field(value, "endTimeUnixNano")),
    attributes: attributesOf(field(value, "attributes")),
    events: events.map((event) => ({
      name: textIn(event, "name"),
      timeMs: timeOf(field(event, "timeUnixNano")),
      attributes: attributesOf(field(event, "attributes")),
    })),
    status: wholeOf(field(field(value, "status"), "code")),
  };
}

function attributesOf(value: unknown): Attributes {
  const pairs = list(value)
    .slice(0, attributesMax)
    .map((pair) => [textIn(pair, "key"), scalarOf(field(pair, "value"))] as const);
  return new Map(pairs.filter((pair): pair is [string, AttributeValue] => pair[0] !== "" && pair[1] !== null));
}

/** Lists and objects say nothing that we use. */
function scalarOf(value: unknown): AttributeValue | null {
  const text = field(value, "stringValue");
  if (typeof text === "string") return text.slice(0, textCharactersMax);
  const flag = field(value, "boolValue");
  if (typeof flag === "boolean") return flag;
  const number = Number(field(value, "intValue") ?? field(value, "doubleValue") ?? Number.NaN);
  return Number.isFinite(number) ? number : null;
}

/** A body that is an object, as loggers send it: what its message says. */
function wordsOf(value: unknown): string {
  const scalar = scalarOf(value);
  if (scalar !== null) return String(scalar);
  const inside = attributesOf(field(field(value, "kvlistValue"), "values"));
  const words = inside.get("message") ?? inside.get("msg");
  return words === undefined ? [...inside].map(([name, said]) => `${name}=${said}`).join(" ") : String(words);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textIn(value: unknown, name: string): string {
  const text = field(value, name);
  return typeof text === "string" ? text.slice(0, textCharactersMax) : "";
}

function wholeOf(value: unknown): number {
  const number = Number(value);
  return Number.isInteger(number) && number >= 0 && number <= 1_000 ? number : 0;
}

/** Nanoseconds since 1970 in milliseconds; 0 is how OTLP writes that it does not know. */
function timeOf(value: unknown): number | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const ms = Number(value) / 1e6;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
