import { type GivenThrown, saidIn } from "./given-event.ts";

/** What a hosted function printed, without what its host prints around it. */
export interface Spoken {
  thrown: GivenThrown[];
  /** The words where nothing was thrown. */
  message: string;
  isUnhandled: boolean;
}

const charactersMax = 70_000;
const hostLine =
  /^(?:(?:START|END|REPORT|INIT_START|XRAY) (?:RequestId|TraceId|Runtime)\b.*|\[[A-Z]{2,12}\] \/\S{0,2000} status=-?\d{1,3})$/;
/** `2026-11-23T10:00:00.000Z <uuid> ERROR `, tabs or blanks between. */
const hostPrefix = /^\d{4}-\d\d-\d\dT[\d:.]{8,15}Z[ \t]{1,5}[0-9a-f-]{36}[ \t]{1,5}(?:[A-Z]{3,6}[ \t]{1,5})?/;
const unhandled = /^(?:Unhandled Promise Rejection|Unhandled Rejection|Uncaught Exception|unhandledRejection:?)\b/i;

/** Reads it, or answers `undefined` where nothing but the host's own lines is left. */
export function lambdaText(printed: string): Spoken | undefined {
  const kept = printed
    .slice(0, charactersMax)
    .split("\n", 500)
    .filter((line) => !hostLine.test(line.trimEnd()))
    .join("\n")
    .replace(hostPrefix, "")
    .trim();
  if (kept === "") return undefined;
  const isUnhandled = unhandled.test(kept) || /^(?:\S{1,100} )?Task timed out after /.test(kept);
  const structured = structuredError(kept);
  if (structured !== undefined) return { thrown: [structured], message: "", isUnhandled };
  const { thrown, message = "" } = saidIn(kept.replace(/^⨯ /, ""));
  return { thrown, message: message ?? "", isUnhandled };
}

/** The host's report of an error that ended the function: `{"errorType","errorMessage","stack":[…]}`, a rejection's inside `reason`. */
function structuredError(kept: string): GivenThrown | undefined {
  const open = kept.indexOf("{");
  if (open < 0 || open > 200 || !kept.includes('"errorMessage"')) return undefined;
  const report = objectIn(kept.slice(open));
  const reason = report === undefined ? undefined : recordOf(report.reason);
  const said = reason !== undefined && "errorMessage" in reason ? reason : report;
  if (said === undefined || typeof said.errorMessage !== "string") return undefined;
  const stack = Array.isArray(said.stack) ? said.stack.filter((line) => typeof line === "string").slice(0, 200) : [];
  return {
    type: typeof said.errorType === "string" ? said.errorType : null,
    message: said.errorMessage,
    frames: { text: stack.join("\n") },
  };
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    // Cut or followed by something else: it is read as text.
    return undefined;
  }
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
