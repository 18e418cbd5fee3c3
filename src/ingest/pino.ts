import { operationFrom } from "./routes.ts";

/** pino's log lines (`{"level":50,"time":…,"msg":…,"err":{…}}`), as pino and pino-http write them. */

const levels: Record<number, string | undefined> = {
  10: "debug",
  20: "debug",
  30: "info",
  40: "warning",
  50: "error",
  60: "fatal",
};
const error = 50;

/** Only pino counts levels and calls its words `msg`. */
export function isPinoLine(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "level" in value &&
    typeof value.level === "number" &&
    "time" in value &&
    ("msg" in value || "err" in value)
  );
}

/** The line as a plain record; `undefined` for one that reports no error. */
export function plainFromPino(line: Record<string, unknown>): Record<string, unknown> | undefined {
  const level = Number(line.level);
  const thrown = recordIn(line, "err") ?? recordIn(line, "error");
  if (level < error && thrown === undefined) return undefined;
  const request = recordIn(line, "req");
  const response = recordIn(line, "res");
  return {
    source: "pino",
    level: levels[Math.floor(level / 10) * 10] ?? "error",
    // Whoever logs an error has caught it; only the last words of a process come from somewhere else.
    handled: level < 60,
    timestamp: line.time,
    message: textIn(line, "msg") ?? textIn(thrown, "message") ?? "(no message)",
    exception: thrown && {
      type: textIn(thrown, "type"),
      message: textIn(thrown, "message") ?? textIn(line, "msg"),
      stack: textIn(thrown, "stack"),
    },
    operation: operationFrom(null, textIn(request, "method"), textIn(request, "url")),
    status: response && Number.isInteger(response.statusCode) ? response.statusCode : null,
    release: textIn(line, "version") ?? textIn(line, "release"),
    environment: textIn(line, "env") ?? textIn(line, "environment"),
    requestId: textIn(line, "reqId") ?? textIn(request, "id"),
    traceId: textIn(line, "trace_id"),
    tags: textIn(line, "service") === null ? {} : { service: textIn(line, "service") },
  };
}

function recordIn(value: Record<string, unknown>, name: string): Record<string, unknown> | undefined {
  const inner = value[name];
  return typeof inner === "object" && inner !== null && !Array.isArray(inner) ? { ...inner } : undefined;
}

/** Ids are numbers or texts. */
function textIn(value: Record<string, unknown> | undefined, name: string): string | null {
  const text = value?.[name];
  return typeof text === "string" || typeof text === "number" ? String(text) : null;
}
