import type { ErrorEvent } from "#domain/event.ts";
import { fileName, functionName, inAppPlaces } from "./frame-names.ts";
import { issueTypeOf } from "./issue-type.ts";
import { firstLines, messagePattern } from "./message-pattern.ts";

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
/** Tag in which an SDK may state the grouping itself: a text, or a JSON array of texts. */
const fingerprintTag = "fingerprint";
const defaultParts = "{{ default }}";

/** Which problem an event belongs to (detection.md §2.3.9). `digest` is sha256 in hexadecimal. */
export function fingerprintOf(event: ErrorEvent, digest: (text: string) => string): Fingerprint {
  const pattern = messagePattern(event.message);
  const own = ownParts(event, pattern);
  const parts = statedParts(event, own).map((part) => part.slice(0, partMax));
  const [top] = inAppPlaces(event.frames);
  const issueType = issueTypeOf(event, pattern);
  return {
    // JSON keeps the borders between parts: "a" + "bc" is not "ab" + "c".
    fingerprint: digest(JSON.stringify(parts)).slice(0, fingerprintLength),
    causeKey: `${event.errorType ?? issueType}|${top?.place ?? event.operation ?? pattern}`.slice(0, causeKeyMax),
    title: titleOf(event),
    issueType,
    parts,
  };
}

/** With a place in the application, the place decides; a helper's fault lies with its caller. Without one, the message does. */
function ownParts(event: ErrorEvent, pattern: string): string[] {
  const type = event.errorType ?? "";
  // A page that outlived a deployment fails wherever it loads its next chunk: one problem.
  if (pattern === "chunk load failed") return ["chunk", pattern];
  const [top, caller] = inAppPlaces(event.frames);
  if (top !== undefined) {
    const places = top.isHelper && caller !== undefined ? [top.place, caller.place] : [top.place];
    return ["stack", type, ...places, pattern];
  }
  const [outermost] = event.frames;
  const weak = outermost !== undefined && event.trust === "browser";
  if (weak)
    return ["weak", type, fileName(outermost.file), functionName(outermost.function), pattern, event.operation ?? ""];
  return ["message", type, pattern === "" ? (event.operation ?? "") : pattern];
}

/** What the application says itself about grouping; `{{ default }}` stands for our own parts. */
function statedParts(event: ErrorEvent, own: string[]): string[] {
  const stated = event.tags[fingerprintTag];
  if (stated === undefined || stated.trim() === "") return own;
  const parts = textsOf(stated).flatMap((part) =>
    part.replace(/\s/g, "") === "{{default}}" ? [defaultParts, ...own] : [part],
  );
  return parts.length === 0 ? own : ["stated", ...parts.slice(0, partsMax)];
}

function textsOf(tag: string): string[] {
  try {
    const parsed: unknown = JSON.parse(tag);
    if (Array.isArray(parsed)) return parsed.filter((part) => typeof part === "string");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return [tag];
}

/** For example "TypeError: Cannot read properties of undefined (reading 'id') in POST /api/campaigns/launch". */
function titleOf(event: ErrorEvent): string {
  const line = firstLines(event.message).split("\n", 1)[0] ?? "";
  const type = event.errorType ?? "";
  const named = type === "" || line.startsWith(`${type}:`) ? line : `${type}: ${line}`;
  const [top] = inAppPlaces(event.frames);
  const place = event.operation ?? top?.place ?? "";
  const where = place === "" ? "" : ` in ${place.slice(0, titleMax / 2)}`;
  const room = titleMax - where.length;
  const what = named === "" ? "Error without a message" : named;
  return `${what.length > room ? `${what.slice(0, room - 1)}…` : what}${where}`.toWellFormed();
}
