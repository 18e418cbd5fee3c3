import { defaultStackParser } from "@sentry/browser";

/**
 * One line of a stack text as V8, Firefox, Safari or Hermes write it. The reading is the library's; this file is its fence:
 * it sees no line that is none of a frame, none that is too long, and no path whose parentheses it is known to misread.
 */

/** What a line says: nothing is normalised yet. */
export interface StackLine {
  file: string;
  function: string;
  line: number | null;
  column: number | null;
}

/** Longer lines are cut before anything reads them (detection.md §1b). */
export const lineCharactersMax = 1_024;

/** The frame of a line, or `undefined` for a line that is none. */
export function stackLine(text: string): StackLine | undefined {
  // What util.inspect prints opens the error's properties behind its last frame.
  const line = text
    .slice(0, lineCharactersMax)
    .trim()
    .replace(/ \{$|,$/, "");
  if (line.startsWith("at ")) return v8Line(line);
  return isGeckoFrame(line) ? read(line) : undefined;
}

/**
 * Only the first ` (` opens a location. The library takes the last one, and so loses the parentheses of Next's route
 * groups, intercepting routes and Turbopack's layers.
 */
function v8Line(line: string): StackLine | undefined {
  const open = line.indexOf(" (", 3);
  if (open < 0) return isBareLocation(line) ? read(line) : undefined;
  if (/^at (?:async )?\[project\]\//.test(line)) return located("", line.replace(/^at (?:async )?/, ""));
  if (!line.endsWith(")")) return isBareLocation(line) ? located("", line.replace(/^at (?:async )?/, "")) : undefined;
  const location = line.slice(open + 2, -1);
  // Evaluated code, Hermes' addresses and data URLs hide the place inside the location; the library digs it out.
  if (/^(?:eval at|address at|data:)/.test(location)) return read(line);
  return located(line.slice(3, open), location);
}

function isBareLocation(line: string): boolean {
  return (
    /:\d{1,7}$/.test(line) || /^at (?:async )?(?:<anonymous>|native)$/.test(line) || /:0x[0-9a-f]{1,16}$/.test(line)
  );
}

/** `name@location`, or a bare address: nothing that merely mentions one, as messages do. */
function isGeckoFrame(line: string): boolean {
  if (/^https?:\/\/\S{1,900}:\d{1,7}$/.test(line)) return true;
  const sign = line.search(/@(?:[a-z][a-z+.-]{1,30}:|\/|\[|<)/i);
  return sign >= 0 && !/^\S{1,200} \S{1,200} /.test(line.slice(0, sign)) && /(?::\d{1,7}|\[native code\])$/.test(line);
}

function located(name: string, location: string): StackLine {
  const place = /^(.{0,1024}?)(?::(\d{1,7}))?(?::(\d{1,7}))?$/.exec(location);
  return {
    file: place?.[1] ?? location,
    function: name,
    line: numberOf(place?.[2]),
    column: numberOf(place?.[3]),
  };
}

function numberOf(digits: string | undefined): number | null {
  return digits === undefined ? null : Number(digits);
}

function read(line: string): StackLine | undefined {
  const [frame] = defaultStackParser(line);
  if (frame?.filename === undefined) return undefined;
  return {
    file: frame.filename,
    function: frame.function === undefined || frame.function === "?" ? "" : frame.function,
    line: frame.lineno ?? null,
    column: frame.colno ?? null,
  };
}
