import type { ErrorEvent } from "#domain/event.ts";
import type { Measurement } from "#domain/evidence.ts";
import type { Severity } from "#domain/issue.ts";
import { noiseOf } from "./detectors/noise.ts";
import { type Fingerprint, fingerprintOf } from "./fingerprint.ts";
import { severityOf } from "./severity.ts";

const alone: Measurement = { kind: "unmeasured", why: "one event tells no share" };

/** How one event would be grouped and weighed if nothing else were known. */
export interface Grouping extends Pick<Fingerprint, "fingerprint" | "causeKey" | "title" | "parts"> {
  type: string;
  severity: Severity;
  /** The fact that decided the severity. */
  because: string;
}

/** Explains an event alone: one user at most, no history, no traffic. `digest` is sha256 in hexadecimal. */
export function groupingOf(event: ErrorEvent, digest: (text: string) => string): Grouping {
  const { issueType, ...grouped } = fingerprintOf(event, digest);
  const { severity, because } = severityOf({
    level: event.level,
    handled: event.handled,
    users: event.userHash === null ? 0 : 1,
    usersLastHour: event.userHash === null ? 0 : 1,
    events: 1,
    operation: event.operation,
    issueType,
    requestsShare: alone,
    operationShare: alone,
    environment: event.environment,
    noise: noiseOf(event) !== undefined,
    regression: false,
    spike: false,
    unverified: event.trust === "browser",
  });
  return { ...grouped, type: issueType, severity, because };
}
