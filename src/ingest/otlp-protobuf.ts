import { PbfReader, PbfWriter } from "pbf";
import { Failure } from "#domain/failure.ts";
import {
  type AttributeValue,
  attributesMax,
  type LogRecord,
  type Resource,
  recordsMax,
  type Span,
  spanEventsMax,
  textCharactersMax,
} from "./otlp-shape.ts";

/**
 * OTLP's protobuf, by the field numbers of opentelemetry/proto/{logs,trace,common}/v1. Only the fields that are used are
 * decoded; what is beyond a bound is skipped without an object for it, so that small bytes cannot become a large memory.
 */

/** Nobody batches so many; skipping more would only take time. */
const absurdRecords = 10 * recordsMax;

export interface Decoded<Item> {
  resources: Resource<Item>[];
  /** Records in the body, those beyond the bound as well. */
  count: number;
}

export function logsFromProtobuf(body: Uint8Array): Decoded<LogRecord> {
  return decoded(body, readLog);
}

export function spansFromProtobuf(body: Uint8Array): Decoded<Span> {
  return decoded(body, readSpan);
}

type Read<Item> = (reader: PbfReader) => Item;

/** `resource = 1 { resource = 1, scope = 2 { record = 2 } }`: logs and spans are packed alike. */
function decoded<Item>(body: Uint8Array, read: Read<Item>): Decoded<Item> {
  const found: Decoded<Item> = { resources: [], count: 0 };
  try {
    const reader = new PbfReader(body);
    reader.readFields((tag) => {
      if (tag === 1 && found.resources.length < recordsMax) found.resources.push(readResource(reader, found, read));
    }, undefined);
    if (reader.pos !== body.length) throw new RangeError("The message ends inside a field.");
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure("invalid", "The body is not the protobuf message that its content-type says.", { cause });
  }
  return found;
}

function readResource<Item>(reader: PbfReader, found: Decoded<Item>, read: Read<Item>): Resource<Item> {
  const attributes = new Map<string, AttributeValue>();
  const items: Item[] = [];
  message(reader, (tag) => {
    if (tag === 1) message(reader, (inner) => inner === 1 && readAttribute(reader, attributes));
    if (tag !== 2) return;
    message(reader, (inner) => {
      if (inner !== 2) return;
      if (++found.count <= recordsMax) items.push(read(reader));
      else if (found.count > absurdRecords) throw new Failure("too_large", "The body holds far too many records.");
    });
  });
  return { attributes, items };
}

function readLog(reader: PbfReader): LogRecord {
  const attributes = new Map<string, AttributeValue>();
  const log: LogRecord = {
    ...{ timeMs: null, severity: 0, severityText: "", body: "", attributes, traceId: "", spanId: "" },
  };
  let observedMs: number | null = null;
  message(reader, (tag) => {
    if (tag === 1) log.timeMs = readTime(reader);
    else if (tag === 11) observedMs = readTime(reader);
    else if (tag === 2) log.severity = reader.readVarint();
    else if (tag === 3) log.severityText = readText(reader);
    else if (tag === 5) log.body = readWords(reader);
    else if (tag === 6) readAttribute(reader, attributes);
    else if (tag === 9) log.traceId = readId(reader);
    else if (tag === 10) log.spanId = readId(reader);
  });
  return { ...log, timeMs: log.timeMs ?? observedMs };
}

function readSpan(reader: PbfReader): Span {
  const attributes = new Map<string, AttributeValue>();
  const span: Span = {
    ...{ traceId: "", spanId: "", parentSpanId: "", name: "", kind: 0, endMs: null, attributes, events: [], status: 0 },
  };
  message(reader, (tag) => {
    if (tag === 1) span.traceId = readId(reader);
    else if (tag === 2) span.spanId = readId(reader);
    else if (tag === 4) span.parentSpanId = readId(reader);
    else if (tag === 5) span.name = readText(reader);
    else if (tag === 6) span.kind = reader.readVarint();
    else if (tag === 8) span.endMs = readTime(reader);
    else if (tag === 9) readAttribute(reader, attributes);
    else if (tag === 11 && span.events.length < spanEventsMax) span.events.push(readSpanEvent(reader));
    else if (tag === 15) {
      message(reader, (inner) => {
        if (inner === 3) span.status = reader.readVarint();
      });
    }
  });
  return span;
}

function readSpanEvent(reader: PbfReader): Span["events"][number] {
  const attributes = new Map<string, AttributeValue>();
  const event: Span["events"][number] = { name: "", timeMs: null, attributes };
  message(reader, (tag) => {
    if (tag === 1) event.timeMs = readTime(reader);
    else if (tag === 2) event.name = readText(reader);
    else if (tag === 3) readAttribute(reader, attributes);
  });
  return event;
}

function readAttribute(reader: PbfReader, attributes: Map<string, AttributeValue>): void {
  if (attributes.size === attributesMax) return;
  let key = "";
  let value: AttributeValue | null = null;
  message(reader, (tag) => {
    if (tag === 1) key = readText(reader);
    else if (tag === 2) value = readScalar(reader);
  });
  if (key !== "" && value !== null) attributes.set(key, value);
}

function readScalar(reader: PbfReader): AttributeValue | null {
  let value: AttributeValue | null = null;
  message(reader, (tag) => {
    if (tag === 1) value = readText(reader);
    else if (tag === 2) value = reader.readBoolean();
    else if (tag === 3) value = reader.readVarint(true);
    else if (tag === 4) value = reader.readDouble();
  });
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

/** A body that is an object, as loggers send it: what its message says. */
function readWords(reader: PbfReader): string {
  let words = "";
  const inside = new Map<string, AttributeValue>();
  message(reader, (tag) => {
    if (tag === 1) words = readText(reader);
    else if (tag === 2) words = String(reader.readBoolean());
    else if (tag === 3) words = String(reader.readVarint(true));
    else if (tag === 4) words = String(reader.readDouble());
    else if (tag === 6) message(reader, (inner) => inner === 1 && readAttribute(reader, inside));
  });
  if (words !== "") return words;
  const said = inside.get("message") ?? inside.get("msg");
  return said === undefined ? [...inside].map(([name, value]) => `${name}=${value}`).join(" ") : String(said);
}

/** Fields of the message that starts here. What `take` leaves unread is skipped. */
function message(reader: PbfReader, take: (tag: number) => unknown): void {
  const end = reader.readVarint() + reader.pos;
  if (end > reader.length) throw new RangeError("A message is longer than the body.");
  reader.readFields(take, undefined, end);
  if (reader.pos !== end) throw new RangeError("A message ends inside a field.");
}

function readText(reader: PbfReader): string {
  const bytes = reader.readBytes();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8").slice(0, textCharactersMax);
}

function readId(reader: PbfReader): string {
  return Buffer.from(reader.readBytes().subarray(0, 16)).toString("hex");
}

function readTime(reader: PbfReader): number | null {
  const ms = reader.readFixed64() / 1e6;
  return ms > 0 ? ms : null;
}

/** `Export…ServiceResponse`: empty where all was taken, else how much was not, and why. */
export function exportResponse(rejected: number, why: string): Uint8Array {
  const writer = new PbfWriter();
  if (rejected > 0) {
    writer.writeMessage(
      1,
      (_, inner) => {
        inner.writeVarintField(1, rejected);
        inner.writeStringField(2, why);
      },
      null,
    );
  }
  return writer.finish();
}

/** `google.rpc.Status`, the body of every refusal. */
export function statusResponse(code: number, why: string): Uint8Array {
  const writer = new PbfWriter();
  writer.writeVarintField(1, code);
  writer.writeStringField(2, why);
  return writer.finish();
}
