import { Failure } from "#domain/failure.ts";

/** One record of a body, as text or with the reason why it is not even read. */
export type Member = { kind: "text"; text: string } | { kind: "bad"; reason: string; isTooLarge: boolean };

/** Bounds on what one request may bring (detection.md §2.1). `depthMax` counts the nested objects and lists of one record. */
export interface MemberLimits {
  memberBytesMax: number;
  membersMax: number;
  depthMax: number;
}

/**
 * Splits a body into its records: one JSON object, a list of them, or one per line. Looks at brackets only and does not
 * recurse, so that a body nested ten thousand times is refused before any parser sees it. Throws where the body as a
 * whole is not readable.
 */
export function membersOf(body: string, isLines: boolean, limits: MemberLimits): Member[] {
  const text = body.replace(/^\uFEFF/, "").trim();
  if (text === "")
    throw new Failure("invalid", "The body is empty.", { hint: "Send one event, a list, or one per line." });
  if (isLines) return linesOf(text, limits);
  const first = text.charAt(0);
  if (first === "[") return elementsOf(text, limits);
  if (first !== "{") throw new Failure("invalid", "The body is neither a JSON object nor a list of them.");
  const end = endOf(text, 0);
  // What follows the first object decides: nothing, or more objects on lines of their own.
  return end === text.length || end < 0 ? [member(text, limits)] : linesOf(text, limits);
}

function linesOf(text: string, limits: MemberLimits): Member[] {
  const lines = text
    .split("\n", limits.membersMax * 4)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length > limits.membersMax) throw tooMany(limits);
  return lines.map((line) => member(line, limits));
}

function elementsOf(text: string, limits: MemberLimits): Member[] {
  const members: Member[] = [];
  let at = skipBlanks(text, 1);
  if (text.charAt(at) === "]") return afterList(text, at, members);
  for (;;) {
    const end = endOf(text, at);
    if (end <= at) throw brokenList();
    if (members.length === limits.membersMax) throw tooMany(limits);
    members.push(member(text.slice(at, end).trim(), limits));
    const sign = skipBlanks(text, end);
    if (text.charAt(sign) === "]") return afterList(text, sign, members);
    if (text.charAt(sign) !== ",") throw brokenList();
    at = skipBlanks(text, sign + 1);
  }
}

function afterList(text: string, bracket: number, members: Member[]): Member[] {
  if (skipBlanks(text, bracket + 1) !== text.length) throw brokenList();
  return members;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
  return at;
}

/** Where the value that starts at `from` ends: after its closing bracket, or before the next comma or bracket. -1: it never does. */
function endOf(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === quote) {
      at = endOfString(text, at);
      if (at < 0) return -1;
    } else if (sign === openBrace || sign === openBracket) depth++;
    else if (sign === closeBrace || sign === closeBracket) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (sign === comma && depth === 0) return at;
  }
  return -1;
}

const [quote, backslash, comma, openBrace, closeBrace, openBracket, closeBracket] = [34, 92, 44, 123, 125, 91, 93];

/** Where the string that opens at `from` closes; -1: it never does. */
export function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (before > from && text.charCodeAt(before) === backslash) before--;
    // An even number of backslashes is so many characters of the text; the odd one belongs to the quote.
    if ((at - 1 - before) % 2 === 0) return at;
  }
  return -1;
}

function member(text: string, { memberBytesMax, depthMax }: MemberLimits): Member {
  if (Buffer.byteLength(text) > memberBytesMax) {
    return { kind: "bad", reason: `is larger than ${memberBytesMax} bytes`, isTooLarge: true };
  }
  if (depthOf(text) > depthMax) {
    return { kind: "bad", reason: `is nested more than ${depthMax} levels deep`, isTooLarge: false };
  }
  return { kind: "text", text };
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at >= 0 && at < text.length; at++) {
    const sign = text.charCodeAt(at);
    if (sign === quote) {
      const end = endOfString(text, at);
      if (end < 0) return deepest;
      at = end;
    } else if (sign === openBrace || sign === openBracket) deepest = Math.max(deepest, ++depth);
    else if (sign === closeBrace || sign === closeBracket) depth--;
  }
  return deepest;
}

function tooMany({ membersMax }: MemberLimits): Failure {
  return new Failure("too_large", `The body holds more than ${membersMax} records.`, {
    hint: "Send them in smaller batches.",
  });
}

function brokenList(): Failure {
  return new Failure("invalid", "The body is not a JSON list of objects.");
}
