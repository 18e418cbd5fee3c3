import { errorEventFrom, saidIn } from "./given-event.ts";
import { commonOf, exceptionId, thrownOf } from "./otlp-exceptions.ts";
import type { Attributes, LogRecord } from "./otlp-shape.ts";
import type { Delivery, Parsed } from "./plain.ts";
import { stableId } from "./stable-id.ts";

/** OpenTelemetry's severity numbers: 17 and above are errors, 21 and above end the program. */
const [warning, error, fatal] = [13, 17, 21];
const severities: Record<string, number | undefined> = Object.assign(Object.create(null), {
  fatal,
  critical: fatal,
  error,
  err: error,
  warn: warning,
  warning,
});

/** Where a record stands: its source, and its place in the batch. */
export interface LogPlace {
  attributes: Attributes;
  index: number;
  batchId: string;
}

/** Adds what a log record says about an error. Records that report none are read and left aside. */
export function addLog(parsed: Parsed, log: LogRecord, place: LogPlace, delivery: Delivery): void {
  const severity = log.severity || severities[log.severityText.slice(0, 20).toLowerCase()] || 0;
  const thrown = thrownOf(log.attributes);
  if (thrown === undefined && severity < error) return;
  const event = errorEventFrom(
    {
      ...commonOf(place.attributes, log.attributes),
      id: thrown && log.traceId ? exceptionId(log, thrown) : stableId(place.batchId, place.index),
      timestamp: log.timeMs,
      level: levelOf(severity),
      handled: severity < fatal && log.attributes.get("exception.escaped") !== true,
      traceId: log.traceId || null,
      ...(thrown === undefined ? saidIn(log.body) : { thrown: [thrown], message: log.body }),
    },
    delivery,
  );
  if (typeof event === "string") parsed.rejected.push({ index: place.index, reason: event });
  else parsed.events.push(event);
}

/** An exception that says nothing about its severity is an error. */
function levelOf(severity: number): string {
  if (severity === 0) return "error";
  if (severity >= fatal) return "fatal";
  return severity >= error ? "error" : severity >= warning ? "warning" : "info";
}
