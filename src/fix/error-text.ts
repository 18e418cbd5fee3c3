import type { Frame } from "#domain/event.ts";
import { frameOf } from "#ingest/frames.ts";

/** One error of a printed text: a terminal, a log, the output of a test runner. */
export interface PrintedError {
  /** `null` where the text names no class. */
  type: string | null;
  message: string;
  /** Innermost first. */
  frames: Frame[];
  /** Its own lines of the text, and a few around them. */
  text: string;
}

const linesMax = 5_000;
const lineCharactersMax = 1_024;
const framesMax = 50;
const errorsMax = 50;
const messageLinesMax = 30;

/**
 * The errors that a text prints, in its order, whatever stands before and between their lines: log prefixes, TAP's
 * YAML, the signs of vitest, jest, mocha and ava. A text without any error is one message without frames.
 */
export function printedErrors(text: string): PrintedError[] {
  const lines = text
    .split("\n", linesMax)
    .map((line) => withoutPrefix(line.slice(0, lineCharactersMax).replace(/\r$/, "")));
  const blocks = blocksOf(lines).slice(0, errorsMax);
  const first = lines.map(headIn).find((head) => head !== undefined);
  const errors = blocks.map((block) => errorOf(block, first));
  if (errors.length > 0) return errors;
  const message = lines.join("\n").trim();
  const type = first?.type ?? null;
  return [{ type, message: first === undefined ? message : first.message, frames: [], text: message }];
}

interface Block {
  /** What stands before the frames, since the frames of the error before. */
  before: string[];
  frames: Frame[];
  /** The lines that the frames stand on. */
  lines: string[];
  /** What stands after them, up to the next error's frames. */
  after: string[];
}

function blocksOf(lines: string[]): Block[] {
  const blocks: Block[] = [];
  let between: string[] = [];
  let open: Block | undefined;
  for (const line of lines) {
    const frame = printedFrame(line);
    if (frame === undefined) {
      if (!isGap(line)) between.push(line);
      continue;
    }
    if (open === undefined || between.length > 0) {
      if (open !== undefined) open.after = between;
      open = { before: between, frames: [], lines: [], after: [] };
      blocks.push(open);
      between = [];
    }
    if (open.frames.length === framesMax) continue;
    open.frames.push(frame);
    open.lines.push(line);
  }
  if (open !== undefined) open.after = between;
  return blocks;
}

/** Lines inside a stack that say nothing: empty ones, and frames without a place in a file. */
function isGap(line: string): boolean {
  return /^\s{0,200}(?:at \S.{0,1000})?$/.test(line);
}

function errorOf({ before, frames, lines, after }: Block, first: Head | undefined): PrintedError {
  const text = [...before.slice(-messageLinesMax), ...lines, ...after.slice(0, messageLinesMax)].join("\n");
  const at = before.findLastIndex((line) => headIn(line) !== undefined);
  const head = headIn(before[at] ?? "");
  if (head !== undefined) {
    const rest = before.slice(at + 1).filter((line) => !isMachinery(line) && !line.includes(head.message));
    return {
      type: head.type,
      message: [head.message, ...rest].slice(0, messageLinesMax).join("\n").trim(),
      frames,
      text,
    };
  }
  const near = [...before, ...after.slice(0, 12)];
  const type = namedIn(near) ?? first?.type ?? null;
  const message = statedIn(before) ?? first?.message ?? before.slice(-messageLinesMax).join("\n").trim();
  return { type, message, frames, text };
}

/** What a test runner puts between an error's message and its stack. */
function isMachinery(line: string): boolean {
  return /^\s{0,50}(?:(?:stack|at|code|name|type|operator|duration_ms|location|failureType): ?|---$|\.\.\.$|not ok \d)/.test(
    line,
  );
}

interface Head {
  type: string | null;
  message: string;
}

const head =
  /^(?:.{0,200}?[\s:>\]⨯[])?(?:Uncaught )?(?:\(in promise\)[: ]{0,2})?((?:[A-Z][\w$]{0,60}\.)?(?:[A-Z][\w$]{0,80})?(?:Error|Exception))(?: \[\w{1,60}\])?: (.{0,900})$/;

function headIn(line: string): Head | undefined {
  const found = head.exec(line);
  if (found === null) return undefined;
  const [, type = null, said = ""] = found;
  // util.inspect puts an error without a stack in brackets.
  return { type, message: (line.trimStart().startsWith("[") ? said.replace(/\]$/, "") : said).trim() };
}

/** `name: 'TypeError'`, `type: TypeError`: how TAP tells the class. */
function namedIn(lines: string[]): string | null {
  for (const line of lines) {
    const [, name] = /^\s{0,50}(?:name|type): ['"]?([A-Z][\w$]{0,80}(?:Error|Exception))['"]?$/.exec(line) ?? [];
    if (name !== undefined) return name;
  }
  return null;
}

/** `error: '…'`, or the title of a failed test: how TAP tells the message. */
function statedIn(lines: string[]): string | null {
  const stated = lines.findLast((line) => /^\s{0,50}(?:error|message): \S/.test(line));
  if (stated !== undefined) {
    const text = stated.replace(/^\s{0,50}(?:error|message): /, "").trim();
    return /^(['"]).*\1$/.test(text) ? text.slice(1, -1).replaceAll("''", "'") : text;
  }
  const failed = lines.findLast((line) => /^\s{0,50}not ok \d{1,9} (?:- )?\S/.test(line));
  return failed?.replace(/^\s{0,50}not ok \d{1,9} (?:- )?/, "").replace(/ # time=.*$/, "") ?? null;
}

const sourcePlace =
  /((?:node:|[^\s()]).{0,600}?\.(?:[cm]?[jt]sx?|vue|svelte|astro)(?:\?[\w=&.-]{0,100})?|node:[\w/.-]{1,100}):(\d{1,7})(?::(\d{1,7}))?\)?(?: \{)?$/;

/** `at name (file:1:2)`, `❯ name file:1:2`, `› name (file:1:2)`, `name (file:1:2)`, `name@file:1:2`, a bare `file:1:2`. */
export function printedFrame(line: string): Frame | undefined {
  const trimmed = line.trim();
  const marked = /^(?:at:? |❯ |› |- )/.exec(trimmed);
  const text = trimmed.slice(marked?.[0].length ?? 0);
  const open = text.indexOf(" (");
  const isNamed = open > 0 && /\)(?: \{)?$/.test(text);
  const sign = /^([^\s@]{0,200})@(.{1,800})$/.exec(text);
  let name = "";
  let location = text;
  if (isNamed) [name, location] = [text.slice(0, open), text.slice(open + 2)];
  else if (sign?.[2] !== undefined && marked === null) [name, location] = [sign[1] ?? "", sign[2]];
  else if (marked !== null && text.includes(" ")) {
    const blank = text.lastIndexOf(" ");
    [name, location] = [text.slice(0, blank), text.slice(blank + 1)];
  }
  const place = sourcePlace.exec(location);
  if (place?.[1] === undefined || place.index !== 0) return undefined;
  // A sentence that ends in a place ("see src/a.ts:3") is no frame.
  if (marked === null && !isNamed && sign === null && /\s/.test(location)) return undefined;
  if (name.length > 200 || (marked === null && /\s\S{1,100}\s\S{1,100}\s/.test(name))) return undefined;
  return frameOf({
    file: place[1],
    function: name,
    line: Number(place[2]),
    column: place[3] === undefined ? null : Number(place[3]),
  });
}

const stamp =
  /^(?:\[?\d{4}-\d\d-\d\d[T ][\d:.,]{5,20}(?:Z|[+-]\d\d:?\d\d)?\]?|\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?)\s{1,8}/;
const labels =
  /^(?:\[[\w .:/-]{1,60}\]|[\w.-]{1,60}(?:\[\d{1,10}\])?:|(?:ERROR|WARN|INFO|error|fatal|FATAL):?|[\w.-]{1,60} +\|)\s{1,8}(?=(?:at |\s*❯|[A-Z][\w$.]*(?:Error|Exception)\b))/;

/** What loggers, container tools and TAP put before a line: times, names, bars, comment signs. */
function withoutPrefix(line: string): string {
  let text = line;
  for (let round = 0; round < 4; round++) {
    const shorter = text
      .replace(stamp, "")
      .replace(labels, "")
      .replace(/^(?:[|│] |# (?=\s*(?:at |❯|[A-Z]\w*Error)))/, "");
    if (shorter === text) break;
    text = shorter;
  }
  return text;
}
