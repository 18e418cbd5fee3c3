import type { ErrorEvent } from "#domain/event.ts";
import { isRaisedByEngine } from "./engine-wordings.ts";
import { callerOf, fileName, functionName, inAppPlaces, isEntry, isHelper, type Place } from "./frame-names.ts";
import { issueTypeOf } from "./issue-type.ts";
import { firstLines, messagePattern, readMessage } from "./message-pattern.ts";

/**
 * Rises with every change that gives an event another fingerprint than before: at the next start the groups that are
 * known then get the names that they have now (`engine/upgrade-groups.ts`).
 */
export const groupingAlgorithm = 2;

export interface Fingerprint {
  /** 32 hexadecimal digits: events with the same one are one problem. */
  fingerprint: string;
  /** Exception type and place. Never groups; two fixes with one cause key never run together (spec.md §18.4). */
  causeKey: string;
  title: string;
  issueType: string;
  /** What the fingerprint was made of, for people who ask why events were grouped. */
  parts: string[];
}

const fingerprintLength = 32;
const titleMax = 200;
const causeKeyMax = 500;
const partsMax = 20;
const partMax = 500;
/** Tag in which a plain sender may state the grouping itself: a text, or a JSON array of texts. */
const fingerprintTag = "fingerprint";
const defaultParts = "{{ default }}";

/**
 * Which problem an event belongs to (detection.md §2.3.9). `digest` is sha256 in hexadecimal. Only what every protocol
 * tells about an error goes in: one error that comes as an SDK's event and as a log line is one problem, so the source
 * line, which only some senders know, stays out.
 */
export function fingerprintOf(event: ErrorEvent, digest: (text: string) => string): Fingerprint {
  const message = readMessage(event.message);
  const places = inAppPlaces(event);
  const parts = statedParts(event, ownParts(event, message, places)).map((part) => part.slice(0, partMax));
  const issueType = issueTypeOf(event, message.pattern);
  const place = places[0]?.place ?? event.operation ?? message.pattern;
  return {
    // JSON keeps the borders between parts: "a" + "bc" is not "ab" + "c".
    fingerprint: digest(JSON.stringify(parts)).slice(0, fingerprintLength),
    causeKey: `${event.errorType ?? issueType}|${place}`.slice(0, causeKeyMax),
    title: titleOf(event, places),
    issueType,
    parts,
  };
}

type Message = ReturnType<typeof readMessage>;

/** With a place in the application, the place decides; a helper's fault lies with its caller. Without one, the message does. */
function ownParts(event: ErrorEvent, message: Message, places: Place[]): string[] {
  const { pattern, fault } = message;
  const operation = operationPattern(event.operation);
  // A page that outlived a deployment fails wherever it loads its next chunk: one problem.
  if (pattern === "chunk load failed" || event.errorType === "ChunkLoadError") return ["chunk", "chunk load failed"];
  if (event.kind === "http") return ["http", operation, String(event.httpStatus ?? "")];
  if (event.kind === "external") return ["external", event.externalHost ?? pattern];
  const type = typeName(event.errorType, fault?.type);
  const what = [pattern, ...causeParts(event)];
  if (places.length > 0) return ["stack", type, ...blamed(event, message, places), ...what];
  const weak = weakPlace(event);
  if (weak !== undefined) return ["weak", type, ...weak, ...what, operation];
  return ["message", type, ...(pattern === "" ? [operation] : what)];
}

/** The type, where it says anything: loggers and built code call everything an error. */
function typeName(type: string | null, fault: string | undefined): string {
  const saysNothing = /^(?:|Error|error|Exception|InternalError|UnhandledRejection|[a-z_$]{1,2})$/;
  return type === null || saysNothing.test(type) ? (fault ?? "Error") : type;
}

/** The place that the problem belongs to: where it happened, and who asked for it where that place only reports it. */
function blamed(event: ErrorEvent, message: Message, places: Place[]): string[] {
  const top = message.pattern === "stack overflow" ? recurring(places) : places[0];
  if (top === undefined) return [];
  const caller = callerOf(places);
  const isReport = isHelper(top) || (isReported(event, message, places) && !isEntry(top));
  return isReport && caller !== undefined ? [top.place, caller.place] : [top.place];
}

/** A quoted word that is no value: a column, a constraint, an argument. Such a message tells its cause by itself. */
const namesProgram = /["'`](?!<)[\w.$-]{1,100}["'`]/;

/**
 * Whether the place on top only reports what it was asked to do. A stack starts where the error was made, so with a place
 * of the application on top and none of an engine's wordings, its line throws; with a library on top, the place hands
 * something on to it, and unless the message tells what, the one who asked tells more. The source line itself is not
 * asked: not every sender has it.
 */
function isReported(event: ErrorEvent, { pattern, line, fault }: Message, [top]: Place[]): boolean {
  if (fault?.fromOutside === true) return true;
  if (isRaisedByEngine(event.errorType ?? "", line)) return false;
  const above = event.frames.slice(0, top?.at ?? 0).filter(({ inApp }) => !inApp);
  if (above.length === 0) return true;
  return above.some(({ file }) => /(?:^|\/)node_modules\//.test(file)) && !namesProgram.test(pattern);
}

/** Of functions that call each other without end any may be on top when the stack is full: always the same one of them. */
function recurring(places: Place[]): Place | undefined {
  const counts = new Map<string, number>();
  for (const { place } of places) counts.set(place, (counts.get(place) ?? 0) + 1);
  const often = places.filter(({ place }) => (counts.get(place) ?? 0) > 1);
  return often.toSorted((a, b) => (a.place < b.place ? -1 : 1))[0] ?? places[0];
}

const unreachable =
  /\b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|EHOSTUNREACH|ENETUNREACH|UND_ERR_\w{1,40}|socket hang up|other side closed|network request failed|timed? ?out)\b/i;

/**
 * What lies below the exception that decides and shows nothing of the application: a driver's or the network's own words.
 * How a peer could not be reached changes from one try to the next.
 */
function causeParts({ chain, message }: ErrorEvent): string[] {
  const innermost = chain.at(-1);
  if (innermost === undefined || innermost.message === message.slice(0, innermost.message.length)) return [];
  const pattern = messagePattern(innermost.message);
  return unreachable.test(innermost.message) || pattern === "" ? [] : [pattern];
}

const stableNameMin = 5;

/** Built code without its source map: its file, and the first name that no minifier shortens. */
function weakPlace({ frames, trust }: ErrorEvent): string[] | undefined {
  const known = frames.filter(({ inApp }) => inApp);
  const [top] = known.length > 0 ? known : trust === "browser" ? frames : [];
  if (top === undefined) return undefined;
  const names = known.map(({ function: name }) => functionName(name).split(".").at(-1) ?? "");
  return [fileName(top.file), names.find((name) => name.length >= stableNameMin) ?? ""];
}

/** `GET /users/17` and `GET /users/18` are one operation. */
function operationPattern(operation: string | null): string {
  return (operation ?? "").replace(/\/(?=[^/]{0,100}\d)(?!v\d{1,2}(?:\/|$))[\w.~%@:+-]{1,100}(?=\/|$)/g, "/<id>");
}

/** What the application says itself about grouping; `{{ default }}` stands for our own parts. */
function statedParts(event: ErrorEvent, own: string[]): string[] {
  const stated = event.clientFingerprint ?? textsOf(event.tags[fingerprintTag]);
  const said = stated.filter((part) => part.trim() !== "");
  const isDefault = (part: string) => part.replace(/\s/g, "") === "{{default}}";
  if (said.length === 0 || said.every(isDefault)) return own;
  const parts = said.slice(0, partsMax).flatMap((part) => (isDefault(part) ? [defaultParts, ...own] : [part]));
  return ["stated", ...parts];
}

function textsOf(tag: string | undefined): string[] {
  if (tag === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(tag);
    if (Array.isArray(parsed)) return parsed.filter((part) => typeof part === "string");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return [tag];
}

/** For example "TypeError: Cannot read properties of undefined (reading 'id') in POST /api/campaigns/launch". */
function titleOf(event: ErrorEvent, [top]: Place[]): string {
  const line = firstLines(event.message).split("\n", 1)[0] ?? "";
  const type = event.errorType ?? "";
  const named = type === "" || line.startsWith(`${type}:`) ? line : `${type}: ${line}`;
  const place = event.operation ?? top?.place ?? "";
  const where = place === "" ? "" : ` in ${place.slice(0, titleMax / 2)}`;
  const room = titleMax - where.length;
  const what = named === "" ? "Error without a message" : named;
  return `${what.length > room ? `${what.slice(0, room - 1)}…` : what}${where}`.toWellFormed();
}
