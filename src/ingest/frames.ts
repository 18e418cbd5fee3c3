import type { Frame, Thrown } from "#domain/event.ts";
import { lineCharactersMax, type StackLine, stackLine } from "./stack-lines.ts";

/** Caps of detection.md §1(b): nothing beyond them is looked at. */
const linesMax = 200;
const framesMax = 50;
const causesMax = 20;
const fileCharactersMax = 500;
const functionCharactersMax = 300;
const contextCharactersMax = 300;
/** How far into a stack text the message may begin that stands at its head. */
const headCharactersMax = 300;

/**
 * The exceptions of a stack text, outermost first, each with its frames, innermost first. `head` is what the sender says
 * about the outermost one. What its message repeats at the head of the text is taken for no frame.
 */
export function thrownIn(stack: string, head: { type: string | null; message: string }): Thrown[] {
  const body = withoutMessage(stack.slice(0, linesMax * lineCharactersMax), head.message);
  const [outermost = "", ...causes] = body.split(
    /^[ \t]{0,20}(?:(?:\[cause\]|cause|caused by):|\[errors\]: \[)/im,
    causesMax,
  );
  return [{ ...head, frames: framesIn(outermost) }, ...causes.map(causeIn)];
}

/** The head is `Type: message` or the message alone; the same words further down are somebody else's. */
function withoutMessage(stack: string, message: string): string {
  if (message === "") return stack;
  if (stack.startsWith(message)) return stack.slice(message.length);
  const head = stack.slice(0, headCharactersMax).split("\n", 1)[0] ?? "";
  const at = stack.indexOf(`: ${message}`);
  return at >= 0 && at < head.length ? stack.slice(at + 2 + message.length) : stack;
}

function causeIn(text: string): Thrown {
  const lines = text.split("\n", linesMax);
  const first = lines.findIndex((line) => stackLine(line) !== undefined);
  const said = lines
    .slice(0, first < 0 ? 1 : first)
    .join("\n")
    .trim();
  const named = /^([A-Z][\w$.]{0,100})(?: \[\w{1,60}\])?: /.exec(said);
  return { type: named?.[1] ?? null, message: said.slice(named?.[0].length ?? 0), frames: framesIn(firstOnly(text)) };
}

/** Brothers of an error stand behind it in the same list; a blank or shortened line ends nothing. */
function firstOnly(text: string): string {
  const lines = text.split("\n", linesMax);
  const first = lines.findIndex((line) => stackLine(line) !== undefined);
  const end = lines.findIndex(
    (line, n) => n > first && /^\s{0,20}(?:\]?\},?|[A-Z][\w$.]{0,100}: .{0,1000})$/.test(line),
  );
  return first < 0 || end < 0 ? text : lines.slice(0, end).join("\n");
}

function framesIn(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of text.split("\n", linesMax)) {
    const read = stackLine(line);
    if (read === undefined) continue;
    const frame = frameOf(read);
    const before = frames.at(-1);
    // Recursion says nothing by its depth.
    const isRepeated = before !== undefined && before.file === frame.file && before.line === frame.line;
    if (!isRepeated || before.function !== frame.function) frames.push(frame);
    if (frames.length === framesMax) break;
  }
  return frames;
}

/** What a protocol knows about a frame; only the file is needed. `inApp: false` is believed, `true` is not. */
export interface GivenFrame extends Partial<StackLine> {
  file: string;
  inApp?: boolean | undefined;
  context?: string | null | undefined;
  debugId?: string | null | undefined;
}

/** A frame of any protocol with its names normalised and bounded. */
export function frameOf(given: GivenFrame): Frame {
  const raw = given.file.slice(0, lineCharactersMax);
  const file = normalisePath(raw);
  const context = given.context?.trim().slice(0, contextCharactersMax) ?? "";
  return {
    file: file.slice(0, fileCharactersMax),
    line: given.line ?? null,
    column: given.column ?? null,
    function: functionOf((given.function ?? "").slice(0, lineCharactersMax)).slice(0, functionCharactersMax),
    inApp: given.inApp !== false && isInApp(raw, file),
    context: context === "" ? null : context,
    debugId: given.debugId?.slice(0, 64) ?? null,
    mapped: false,
  };
}

/** The function's own name: `async `, `new `, aliases and module objects go; anonymous and evaluated code has none. */
function functionOf(name: string): string {
  const bare = name
    .replace(/^(?:promise callback|async|setTimeout handler|setInterval handler|EventListener\.handleEvent)\*/, "")
    .replace(/^async /, "")
    .replace(/^new /, "")
    .replace(/ \[as [^\]]{1,300}\]$/, "")
    .replace(/^(?:Object|Module|exports|module\.exports)\./, "")
    .replace(/[/<]{1,20}$/, "");
  return /^(?:<?anonymous>?|\?|eval|eval code|global code|module code)$/.test(bare) ? "" : bare;
}

/** The file as the repository knows it, where that can be told from the path alone. Route groups and parameters stay as they are. */
export function normalisePath(raw: string): string {
  let path = raw.replaceAll("\\", "/").replace(/[?#].*$/s, "");
  path = path.replace(/^rsc:\/\/React\/[^/]{1,100}\//, "").replace(/ \[[\w-]{1,50}\](?: \([\w-]{1,50}\))?$/, "");
  path = path.replace(/^webpack-internal:\/\/\/(?:\([\w-]{1,50}\)\/)?/, "").replace(/^webpack:\/\/[^/]{0,200}\//, "");
  const isUrl = /^https?:\/\//.test(path);
  // Rewritten by an SDK, or by the shell that an application runs in.
  path = path.replace(/^(?:app|capacitor|ionic|electron|ng):\/\/\/?|^~\//, "");
  path = decoded(path.replace(/^file:\/\//, "").replace(/^https?:\/\/[^/]{1,300}\//, ""));
  path = path.replace(/^\/?[A-Za-z]:\//, "/").replace(/^\[project\]\//, "");
  const library = path.lastIndexOf("node_modules/");
  if (library >= 0) return path.slice(library);
  if (!isUrl && path.startsWith("/")) path = fromRoot(path);
  return path.replace(/^(?:\.\/){1,10}/, "");
}

/** Cuts what a host puts before a checkout: a release folder named by its commit, or a well-known home of applications. */
function fromRoot(path: string): string {
  const release = [...path.matchAll(/\/[0-9a-f]{40}\//g)].at(-1);
  if (release !== undefined) return path.slice(release.index + release[0].length);
  const known = /^\/(?:var\/task|vercel\/path\d|app|workspace|usr\/src\/app|usr\/app)\//.exec(path);
  if (known !== null) return path.slice(known[0].length);
  const source = path.indexOf("/src/");
  return source >= 0 ? path.slice(source + 1) : withoutProject(path);
}

/** Where people and hosts keep checkouts, each in a folder of its own name. */
const homes =
  /^\/(?:(?:home|Users)\/[^/]{1,100}|root|opt|srv|data|builds|code|mnt|var\/www|(?:private\/)?(?:var\/)?tmp)\//;
const sourceFolder =
  /^(?:app|apps|lib|libs|server|client|web|pages|components|routes|controllers|services|models|utils|api|db|jobs|workers|packages|dist|build|out|\.next|\.output|functions|config|test|tests)$/;

/** The name of a checkout's folder is not part of the application: unless it is one that applications consist of. */
function withoutProject(path: string): string {
  const home = homes.exec(path);
  if (home === null) return path;
  const [project = "", ...rest] = path.slice(home[0].length).split("/");
  if (rest.length === 0 || sourceFolder.test(project)) return [project, ...rest].join("/");
  const isRelease = rest.length > 2 && rest[0] === "releases";
  return rest.slice(isRelease ? 2 : rest.length > 1 && rest[0] === "current" ? 1 : 0).join("/");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A stray percent sign is part of the name.
    return path;
  }
}

const foreign =
  /^(?:node:|internal\/|native|index \d|<|\[native|data:|blob:|wasm:|[a-z-]{1,30}-extension:|webkit-masked-url:)|(?:^|\/)node_modules\/|(?:^|\/)next\/dist\/|_next\/static\/chunks\/(?:framework|main|polyfills|webpack)/;

function isInApp(raw: string, file: string): boolean {
  return file !== "" && !foreign.test(raw) && !foreign.test(file);
}
