import type { ErrorEvent, TrafficReport } from "#domain/event.ts";
import { Failure } from "#domain/failure.ts";
import type { IngestKey } from "./keys.ts";
import { type Member, membersOf } from "./members.ts";
import { isPinoLine, plainFromPino } from "./pino.ts";
import { errorEventOf, trafficReportOf } from "./plain-event.ts";
import { PlainEvent, PlainTraffic } from "./plain-shape.ts";

/** Vigil's own protocol: JSON as anybody can send it with `fetch` (detection.md §2.1). */

export const bodyBytesMax = 5 * 1024 * 1024;
const limits = { memberBytesMax: 1024 * 1024, membersMax: 1_000, depthMax: 12 };

/** What is known about a request besides its bytes. */
export interface Delivery {
  contentType: string | null;
  receivedAt: Date;
  key: IngestKey;
  hashUser: (user: string) => string;
  /** Who asks from where, for events of browsers that name no user; hashed like any user. */
  visitor?: string | null;
  /** The id of an event that brings none. */
  newId: () => string;
}

/** A record that was not taken, by its place in the body. `issues`: what its fields lack, as zod says it. */
export interface Rejected {
  index: number;
  reason: string;
  issues?: { path: string; message: string }[];
}

export interface Parsed {
  events: ErrorEvent[];
  traffic: TrafficReport[];
  rejected: Rejected[];
}

/**
 * Reads one event, a list, or one per line. A bad record costs only itself; a body that cannot be read as a whole, or a
 * single record that is too large, throws. Everything in the answer is bounded and clean; secrets are taken out later, for every protocol alike.
 */
export function parsePlain(body: Uint8Array, delivery: Delivery): Parsed {
  if (body.byteLength > bodyBytesMax) throw new Failure("too_large", `The body is larger than ${bodyBytesMax} bytes.`);
  const isLines = /^application\/(?:x-)?(?:ndjson|jsonl|json-lines)\b/i.test(delivery.contentType ?? "");
  const members = membersOf(new TextDecoder().decode(body), isLines, limits);
  const [only] = members;
  if (members.length === 1 && only?.kind === "bad" && only.isTooLarge) {
    throw new Failure("too_large", `The event ${only.reason}.`);
  }
  const parsed: Parsed = { events: [], traffic: [], rejected: [] };
  for (const [index, member] of members.entries()) add(parsed, index, member, delivery);
  return parsed;
}

function add(parsed: Parsed, index: number, member: Member, delivery: Delivery): void {
  if (member.kind === "bad") {
    parsed.rejected.push({ index, reason: member.reason });
    return;
  }
  const taken = taking(member.text, delivery);
  if (taken.kind === "event") parsed.events.push(taken.event);
  else if (taken.kind === "traffic") parsed.traffic.push(taken.report);
  else if (taken.kind === "refused") {
    parsed.rejected.push({ index, reason: taken.reason, ...(taken.issues && { issues: taken.issues }) });
  }
}

type Taken =
  | { kind: "event"; event: ErrorEvent }
  | { kind: "traffic"; report: TrafficReport }
  /** A logger's line that reports no error. */
  | { kind: "left_aside" }
  | { kind: "refused"; reason: string; issues?: Rejected["issues"] };

function taking(text: string, delivery: Delivery): Taken {
  const value = jsonOf(text);
  if (value === undefined) return { kind: "refused", reason: "is not valid JSON" };
  if (isPinoLine(value)) {
    const record = plainFromPino(value);
    return record === undefined ? { kind: "left_aside" } : takingEvent(record, delivery);
  }
  const isTraffic = typeof value === "object" && value !== null && "type" in value && value.type === "traffic";
  return isTraffic ? takingTraffic(value, delivery) : takingEvent(value, delivery);
}

function takingEvent(value: unknown, delivery: Delivery): Taken {
  const shape = PlainEvent.safeParse(value);
  if (!shape.success) return refused("is no event", shape.error.issues);
  const event = errorEventOf(shape.data, delivery);
  return typeof event === "string" ? { kind: "refused", reason: event } : { kind: "event", event };
}

function takingTraffic(value: unknown, delivery: Delivery): Taken {
  // Anybody can send with a browser's key: made-up traffic would make a bad release look watched (reliability D3).
  if (delivery.key.trust === "browser") return { kind: "refused", reason: "traffic is not taken from browsers" };
  const shape = PlainTraffic.safeParse(value);
  if (!shape.success) return refused("is no traffic report", shape.error.issues);
  const report = trafficReportOf(shape.data, delivery);
  return typeof report === "string" ? { kind: "refused", reason: report } : { kind: "traffic", report };
}

const issuesMax = 10;

function refused(reason: string, issues: readonly { path: PropertyKey[]; message: string }[]): Taken {
  const shown = issues
    .slice(0, issuesMax)
    .map(({ path, message }) => ({ path: path.map(String).join(".").slice(0, 200), message }));
  return { kind: "refused", reason, issues: shown };
}

/** One parse for everybody: of doubled keys the last one counts, and nobody reads the text a second time. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Said to the sender as the record's reason.
    return undefined;
  }
}
