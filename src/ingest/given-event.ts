import { ErrorEvent, type Thrown, TrafficReport } from "#domain/event.ts";
import { decided } from "./chain.ts";
import { spokenError } from "./error-text.ts";
import {
  block,
  type GivenUser,
  idOf,
  levelOf,
  line,
  messageCharactersMax,
  momentOf,
  operationOf,
  placeOf,
  stackCharactersMax,
  tagsOf,
  userOf,
} from "./fields.ts";
import { frameOf, type GivenFrame, thrownIn } from "./frames.ts";
import type { Delivery } from "./plain.ts";

/** An exception as a protocol brings it: with frames (innermost first), or with the text of its stack. */
export interface GivenThrown {
  type: string | null;
  message: string | null;
  frames: GivenFrame[] | { text: string };
}

/** What a protocol's reader understood of one error, in the sender's own words: not bounded, not clean, not believed. */
export interface GivenEvent {
  source: string;
  kind?: ErrorEvent["kind"];
  id?: string | null;
  timestamp?: string | number | null;
  /** It was made where anybody can make one, whatever key it came with. */
  isFromBrowser?: boolean;
  environment?: string | null;
  release?: string | null;
  dist?: string | null;
  level?: string | null;
  handled: boolean;
  /** Outermost first; empty where nothing was thrown. */
  thrown: GivenThrown[];
  /** What is said where nothing was thrown, or beside it. */
  message?: string | null;
  operation?: string | null;
  httpStatus?: number | null;
  externalHost?: string | null;
  traceId?: string | null;
  requestId?: string | null;
  user?: GivenUser;
  tags?: Record<string, unknown>;
  clientFingerprint?: string[] | null;
}

/** What a text says: many loggers print an exception into it. */
export function saidIn(text: string): Pick<GivenEvent, "thrown" | "message"> {
  const { type, message, stack, before } = spokenError(text);
  if (type === null && stack === null) return { thrown: [], message: text };
  return { thrown: [{ type, message, frames: { text: stack ?? "" } }], message: before };
}

const exceptionsMax = 20;
const fingerprintPartsMax = 20;

/** The domain's event, bounded and clean (secrets are taken out later, once, for every protocol), or why it cannot be taken. */
export function errorEventFrom(given: GivenEvent, delivery: Delivery): ErrorEvent | string {
  const place = placeOf(given.environment, delivery);
  if (typeof place === "string") return place;
  const moment = momentOf(given.timestamp, delivery.receivedAt);
  const said = block(given.message, messageCharactersMax);
  const words = wordsOf(given.thrown);
  if (words === undefined) return misshapen;
  const { message } = words;
  const status = given.httpStatus ?? null;
  const event = Facts.safeParse({
    id: idOf(given.id, delivery),
    at: moment.at,
    kind: given.kind ?? "error",
    source: given.source,
    trust: given.isFromBrowser ? "browser" : delivery.key.trust,
    environment: place.environment,
    release: line(given.release, 200),
    dist: line(given.dist, 64),
    level: levelOf(given.level),
    handled: given.handled,
    message: message || said || "(no message)",
    clientFingerprint: fingerprintFrom(given.clientFingerprint),
    operation: operationOf(given.operation),
    httpStatus: status !== null && Number.isInteger(status) && status >= -1 && status <= 999 ? status : null,
    externalHost: line(given.externalHost, 253),
    traceId: line(given.traceId, 64),
    requestId: line(given.requestId, 200),
    userHash: userOf(given.user, delivery),
    issueType: null,
    tags: { ...tagsFrom(given, message, said), ...place.tags, ...moment.tags },
  });
  return event.success ? { ...words, ...event.data } : misshapen;
}

const misshapen = "cannot be brought into the shape of an event";

/** What follows from the exceptions alone, and everything else of an event. */
const Words = ErrorEvent.pick({ errorType: true, message: true, frames: true, chain: true, stack: true });
const Facts = ErrorEvent.omit({ errorType: true, frames: true, chain: true, stack: true });
type Words = ReturnType<typeof Words.parse>;
const wordsKnown = new WeakMap<GivenThrown[], Words>();

/** Worked out once for a list that a protocol's reader remembers. */
function wordsOf(given: GivenThrown[]): Words | undefined {
  const known = wordsKnown.get(given);
  if (known !== undefined) return known;
  const thrown = given.slice(0, exceptionsMax).flatMap(thrownFrom);
  const words = Words.safeParse({ ...decided(thrown), stack: stackOf(given, thrown) });
  if (words.success) wordsKnown.set(given, words.data);
  return words.data;
}

function thrownFrom({ type, message, frames }: GivenThrown): Thrown[] {
  const head = { type: line(type, 200), message: block(message, messageCharactersMax) };
  if (!Array.isArray(frames)) return thrownIn(block(frames.text, stackCharactersMax), head);
  return [{ ...head, frames: frames.slice(0, 50).map(frameOf) }];
}

/** The sender's own text where it sent one; else the frames in V8's notation, for people. */
function stackOf([outermost]: GivenThrown[], thrown: Thrown[]): string | null {
  if (outermost === undefined) return null;
  if (!Array.isArray(outermost.frames)) return block(outermost.frames.text, stackCharactersMax) || null;
  if (thrown.every(({ frames }) => frames.length === 0)) return null;
  const text = thrown.map((link, index) => (index === 0 ? "" : "Caused by: ") + printed(link)).join("\n");
  return block(text, stackCharactersMax);
}

function printed({ type, message, frames }: Thrown): string {
  const head = [type ?? "Error", message].filter((part) => part !== "").join(": ");
  const lines = frames.map((frame) => {
    const place = [frame.file || "<anonymous>", frame.line, frame.column].filter((part) => part !== null).join(":");
    return frame.function === "" ? `    at ${place}` : `    at ${frame.function} (${place})`;
  });
  return [head, ...lines].join("\n");
}

function fingerprintFrom(given: string[] | null | undefined): string[] | null {
  const parts = (given ?? []).slice(0, fingerprintPartsMax).flatMap((part) => line(part, 200) ?? []);
  return parts.length === 0 ? null : parts;
}

/** A log line around an exception says something else than the exception does. */
function tagsFrom(given: GivenEvent, message: string, said: string): Record<string, string> {
  const tags = tagsOf(given.tags);
  if (message !== "" && said !== "" && said !== message) tags.log_message = line(said, 300) ?? "";
  return tags;
}

/** Requests that a protocol's reader counted. */
export interface GivenTraffic {
  /** What is sent again under the same id counts once. */
  id: string | null;
  timestamp: string | number | null;
  environment: string | null;
  release: string | null;
  operation: string;
  requests: number;
  failures: number;
}

/** The domain's report, or why it cannot be taken. */
export function trafficReportFrom(given: GivenTraffic, delivery: Delivery): TrafficReport | string {
  // Anybody can send with a browser's key: made-up traffic would make a bad release look watched (reliability D3).
  if (delivery.key.trust === "browser") return "traffic is not taken from browsers";
  const place = placeOf(given.environment, delivery);
  if (typeof place === "string") return place;
  const report = TrafficReport.safeParse({
    id: given.id,
    at: momentOf(given.timestamp, delivery.receivedAt).at,
    environment: place.environment,
    release: line(given.release, 200),
    operation: operationOf(given.operation) ?? "",
    requests: given.requests,
    failures: given.failures,
  });
  return report.success ? report.data : "cannot be brought into the shape of a traffic report";
}
