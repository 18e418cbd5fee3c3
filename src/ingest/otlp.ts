import { boundedJson } from "./bounded-json.ts";
import { countIn, logsFromJson, spansFromJson } from "./otlp-json.ts";
import { addLog } from "./otlp-logs.ts";
import { type Decoded, logsFromProtobuf, spansFromProtobuf } from "./otlp-protobuf.ts";
import type { LogRecord, Span } from "./otlp-shape.ts";
import { addSpans } from "./otlp-spans.ts";
import type { Delivery, Parsed } from "./plain.ts";
import { stableId } from "./stable-id.ts";

/** OpenTelemetry's protocol over HTTP: logs and traces, as JSON or as protobuf (detection.md §1a). */

export const otlpBodyBytesMax = 20 * 1024 * 1024;
const limits = { depthMax: 64, valuesMax: 2_000_000 };

export type Signal = "logs" | "traces";
export type Encoding = "json" | "protobuf";

export interface OtlpParsed extends Parsed {
  /** Records that were not taken: beyond the bound, or refused. Records that say nothing about errors are taken. */
  rejectedCount: number;
}

/** Throws where the body as a whole cannot be read. */
export function parseOtlp(body: Buffer, signal: Signal, encoding: Encoding, delivery: Delivery): OtlpParsed {
  const parsed: Parsed = { events: [], traffic: [], rejected: [] };
  // The same bytes sent again bring the same ids.
  const batchId = stableId("otlp", body);
  const beyond =
    signal === "logs"
      ? addLogs(
          parsed,
          encoding === "json" ? fromJson(body, signal, logsFromJson) : logsFromProtobuf(body),
          batchId,
          delivery,
        )
      : addTraces(
          parsed,
          encoding === "json" ? fromJson(body, signal, spansFromJson) : spansFromProtobuf(body),
          batchId,
          delivery,
        );
  return { ...parsed, rejectedCount: parsed.rejected.length + beyond };
}

/** Answers how many records were beyond the bound. */
function addLogs(
  parsed: Parsed,
  { resources, count }: Decoded<LogRecord>,
  batchId: string,
  delivery: Delivery,
): number {
  let index = 0;
  for (const { attributes, items } of resources) {
    for (const log of items) addLog(parsed, log, { attributes, index: index++, batchId }, delivery);
  }
  return count - index;
}

function addTraces(parsed: Parsed, { resources, count }: Decoded<Span>, batchId: string, delivery: Delivery): number {
  addSpans(parsed, resources, batchId, delivery);
  return count - resources.reduce((sum, { items }) => sum + items.length, 0);
}

function fromJson<Item extends LogRecord | Span>(
  body: Buffer,
  signal: Signal,
  read: (value: unknown) => Decoded<Item>["resources"],
): Decoded<Item> {
  const value = boundedJson(body.toString("utf8"), limits);
  return { resources: read(value), count: countIn(value, signal) };
}
