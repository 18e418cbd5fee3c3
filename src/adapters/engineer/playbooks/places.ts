import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";

/** A line of the application's own source that stands in the stack. Lines and columns count from 1. */
export interface Place {
  path: string;
  line: number;
  column: number | null;
  function: string;
  /** A library that the error passed through before it reached this line; `null` when it arose here. */
  through: string | null;
}

interface RawFrame {
  file: string;
  line: number | null;
  column: number | null;
  function: string;
}

const framesMax = 50;
const stackLinesMax = 200;
const lineCharactersMax = 1_024;
const sourceFile = /\.[cm]?[jt]sx?$/i;
const engine = /^(?:node:|internal\/|native|<anonymous>|\[native)/;
const built = /(?:^|\/)(?:\.next|\.output|_next\/static|\.svelte-kit|\.nuxt)\//;
const tests =
  /(?:^|\/)(?:tests?|__tests__|__mocks__|__fixtures__|specs?|e2e|cypress|fixtures|stories)\/|\.(?:test|spec|cy|stories|e2e)(?:-d)?\.[cm]?[jt]sx?$/i;

/** Whether a file only tests the application: it is never repaired, its expectations are what a repair is held to. */
export function isTestFile(path: string): boolean {
  return tests.test(path);
}

/** Whether a file holds code that the playbooks can read. */
export function isSourceFile(path: string): boolean {
  return (
    sourceFile.test(path) && !/\.d\.[cm]?ts$|(?:^|\/)(?:node_modules|vendor|dist|build|coverage)\/|\.min\./i.test(path)
  );
}

/**
 * Where in the snapshot the error arose: the innermost line of the application itself, tests left aside.
 * A sentence instead when no line of the stack lies in the snapshot.
 */
export async function placeOf(problem: Problem, snapshot: Snapshot): Promise<Place | string> {
  const places = await placesOf(problem, snapshot);
  return typeof places === "string" ? places : places[0];
}

/** The same with the lines that called it, innermost first. */
export async function placesOf(problem: Problem, snapshot: Snapshot): Promise<[Place, ...Place[]] | string> {
  const frames: RawFrame[] = problem.frames.length > 0 ? problem.frames : framesIn(problem.stack ?? problem.message);
  if (frames.length === 0) return "the error came without a stack, so nothing says where it arose";
  const files = await snapshot.list();
  const known = new Set(files);
  const places: Place[] = [];
  let through: string | null = null;
  let absent: string | undefined;
  for (const frame of frames.slice(0, framesMax)) {
    if (engine.test(frame.file) || frame.file === "") continue;
    const library = /(?:^|\/)node_modules\/((?:@[^/]{1,100}\/)?[^/]{1,100})/.exec(frame.file)?.[1];
    if (library !== undefined) through ??= library;
    const isOwn = library === undefined && sourceFile.test(withoutQuery(frame.file));
    if (!isOwn || frame.line === null || frame.line < 1) continue;
    const path = built.test(frame.file) ? undefined : pathOf(frame.file, files, known);
    if (path === undefined) absent ??= frame.file;
    else if (!isTestFile(path)) {
      if (absent !== undefined) break;
      places.push({ path, line: frame.line, column: frame.column, function: frame.function, through });
    }
  }
  const [first, ...others] = places;
  if (first !== undefined) return [first, ...others];
  if (absent !== undefined) return `the innermost frame (${absent.slice(0, 200)}) is no file of this version's source`;
  return "no frame of the stack lies in the application's own source";
}

/** The file of the snapshot that a report names, whatever stands before its path. */
export async function knownFile(named: string, snapshot: Snapshot): Promise<string | undefined> {
  const files = await snapshot.list();
  return built.test(named) ? undefined : pathOf(named, files, new Set(files));
}

/** The file of the snapshot that a frame means, whatever a host, a container or a bundler put before its path. */
function pathOf(file: string, files: string[], known: Set<string>): string | undefined {
  const segments = withoutQuery(file)
    .replace(/^webpack-internal:\/\/\/(?:\([\w-]{1,50}\)\/)?/, "")
    .replace(/^(?:rsc:\/\/React\/[^/]{1,100}|webpack:\/\/[^/]{0,200}|file:\/\/|https?:\/\/[^/]{1,300})\//, "")
    .split("/")
    .filter((segment) => segment !== "" && segment !== "." && segment !== "[project]");
  if (segments.includes("..")) return undefined;
  for (let start = 0; start < segments.length; start++) {
    const suffix = segments.slice(start).join("/");
    if (known.has(suffix)) return suffix;
  }
  // In a repository of several packages the stack knows only the path inside its package.
  if (segments.length < 2) return undefined;
  const inside = files.filter((path) => path.endsWith(`/${segments.join("/")}`));
  return inside.length === 1 ? inside[0] : undefined;
}

function withoutQuery(file: string): string {
  const plain = file.replaceAll("\\", "/").replace(/[?#].*$/s, "");
  if (!plain.includes("%")) return plain;
  try {
    return decodeURIComponent(plain);
  } catch {
    // A stray percent sign is part of the name.
    return plain;
  }
}

/** Any line that ends in a source file with a line number: V8, Firefox, Safari and the shapes test runners print. */
function framesIn(stack: string): RawFrame[] {
  const frames: RawFrame[] = [];
  for (const text of stack.split("\n", stackLinesMax)) {
    const frame = frameIn(text.slice(0, lineCharactersMax).trim());
    if (frame !== undefined) frames.push(frame);
    if (frames.length === framesMax) break;
  }
  return frames;
}

function frameIn(line: string): RawFrame | undefined {
  const place = /:(\d{1,7})(?::(\d{1,7}))?\)?$/.exec(line);
  if (place === null) return undefined;
  const before = line.slice(0, place.index).replace(/^(?:at|❯|›) +/, "");
  const open = before.indexOf(" (");
  // A route group brings parentheses of its own, so only the first opens the location.
  const start = open >= 0 ? open + 2 : Math.max(before.lastIndexOf(" "), before.indexOf("@")) + 1;
  const file = before.slice(start);
  if (!sourceFile.test(withoutQuery(file))) return undefined;
  const name = before.slice(0, Math.max(0, open >= 0 ? open : start - 1)).replace(/^(?:async|new) /, "");
  return {
    file,
    line: Number(place[1]),
    column: place[2] === undefined ? null : Number(place[2]),
    function: name.replace(/ \[as [^\]]{1,200}\]$/, "").trim(),
  };
}
