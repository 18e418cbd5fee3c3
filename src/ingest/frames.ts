import type { Frame } from "#domain/event.ts";

/** Caps of detection.md §1(b): nothing beyond them is looked at. */
const lineCharactersMax = 1_024;
const linesMax = 200;
const framesMax = 50;
const fileCharactersMax = 500;
const functionCharactersMax = 300;

/**
 * The frames of a stack text as V8, Firefox or Safari write it, innermost first. Of a chain of causes the innermost
 * with a frame of the application counts. `message` is what the stack repeats at its head: lines inside it that look
 * like frames are not taken for any.
 */
export function framesOf(stack: string, message = ""): Frame[] {
  const body = withoutMessage(stack.slice(0, linesMax * lineCharactersMax), message);
  const chain = body.split(/^[ \t]{0,20}(?:\[cause\]:|Caused by:)/m, 20).map((part) => framesIn(part));
  return chain.findLast((frames) => frames.some(({ inApp }) => inApp)) ?? chain[0] ?? [];
}

function withoutMessage(stack: string, message: string): string {
  if (message === "") return stack;
  const at = stack.indexOf(message);
  // The head is `Type: message`; the same words further down are somebody else's.
  return at >= 0 && at <= functionCharactersMax ? stack.slice(at + message.length) : stack;
}

function framesIn(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of text.split("\n", linesMax)) {
    const frame = frameOf(line.slice(0, lineCharactersMax).trim());
    if (frame === undefined) continue;
    const before = frames.at(-1);
    // Recursion says nothing by its depth.
    const isRepeated = before !== undefined && before.file === frame.file && before.line === frame.line;
    if (!isRepeated || before.function !== frame.function) frames.push(frame);
    if (frames.length === framesMax) break;
  }
  return frames;
}

function frameOf(line: string): Frame | undefined {
  if (line.startsWith("at ")) return v8Frame(line.slice(3));
  const sign = line.lastIndexOf("@", line.search(/@(?:[a-z][a-z+.-]{1,30}:|\/|\[|<)/i));
  return sign < 0 ? undefined : geckoFrame(line.slice(0, sign), line.slice(sign + 1));
}

/** `fn (location)` or a bare location. Only the first ` (` opens the location: route groups bring parentheses of their own. */
function v8Frame(text: string): Frame | undefined {
  const open = text.indexOf(" (");
  const isNamed = open > 0 && text.endsWith(")");
  if (isNamed) return frame(text.slice(0, open), text.slice(open + 2, -1));
  const bare = text.replace(/^async /, "");
  return /:\d{1,7}$/.test(bare) || bare === "<anonymous>" || bare === "native" ? frame("", bare) : undefined;
}

function geckoFrame(name: string, location: string): Frame | undefined {
  return /:\d{1,7}$/.test(location) || location === "[native code]" ? frame(name, location) : undefined;
}

function frame(name: string, location: string): Frame {
  const evaluated = location.startsWith("eval at ") || location.includes("> eval");
  const place = /^(.{0,1024}?)(?::(\d{1,7}))?(?::(\d{1,7}))?$/.exec(location);
  const raw = place?.[1] ?? location;
  const file = evaluated ? "<eval>" : normalisePath(raw);
  return {
    file: file.slice(0, fileCharactersMax),
    line: numberOf(place?.[2]),
    column: numberOf(place?.[3]),
    function: functionOf(name).slice(0, functionCharactersMax),
    inApp: !evaluated && isInApp(raw, file),
  };
}

function numberOf(digits: string | undefined): number | null {
  return digits === undefined ? null : Number(digits);
}

/** The function's own name: `async `, `new `, aliases and module objects go; anonymous and evaluated code has none. */
function functionOf(name: string): string {
  const bare = name
    .replace(/^(?:promise callback\*|async\*|setTimeout handler\*)/, "")
    .replace(/^async /, "")
    .replace(/^new /, "")
    .replace(/ \[as [^\]]{1,300}\]$/, "")
    .replace(/^(?:Object|Module|exports|module\.exports)\./, "")
    .replace(/[/<]{1,20}$/, "");
  return /^(?:<?anonymous>?|eval|eval code|global code|module code)$/.test(bare) ? "" : bare;
}

/** The file as the repository knows it, where that can be told from the path alone. Route groups and parameters stay as they are. */
export function normalisePath(raw: string): string {
  let path = raw.replaceAll("\\", "/").replace(/[?#].*$/s, "");
  path = path.replace(/^rsc:\/\/React\/[^/]{1,100}\//, "").replace(/ \[[\w-]{1,50}\](?: \([\w-]{1,50}\))?$/, "");
  path = path.replace(/^webpack-internal:\/\/\/(?:\([\w-]{1,50}\)\/)?/, "").replace(/^webpack:\/\/[^/]{0,200}\//, "");
  const isUrl = /^https?:\/\//.test(path);
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
  const known = /^\/(?:var\/task|vercel\/path\d|app|workspace|usr\/src\/app|(?:home|Users)\/[^/]{1,100})\//.exec(path);
  if (known !== null) return path.slice(known[0].length);
  const source = path.indexOf("/src/");
  return source >= 0 ? path.slice(source + 1) : path;
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
