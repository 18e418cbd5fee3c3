import type { ErrorEvent, Frame } from "#domain/event.ts";

/** Where a build, a container or a bundler put the application: the same file whatever stands before it. */
const places =
  /^(?:webpack-internal:\/\/\/(?:\([\w-]{1,30}\)\/)?|rsc:\/\/React\/[\w-]{1,30}\/|webpack:\/\/(?:[\w@-]{0,60}\/)?|file:\/\/|\[project\]\/|https?:\/\/[^/]{1,200}(?=\/))/i;
const roots =
  /^\/(?:var\/task|vercel\/path\d|app|workspace|usr\/src\/app|code|build|repo|root(?:\/[^/]{1,60})?|(?:private\/)?(?:var\/)?tmp\/[^/]{1,100}|(?:opt|srv|data|builds|mnt|usr\/src|var\/www)\/[^/]{1,100}|(?:home|Users)\/[^/]{1,60}(?:\/app)?)\//;
/** Functions that report the faults of their callers: the place of such an error is where they were called. */
const helper =
  /(^|\.)(invariant|assert\w*|request\w*|fetch\w*|query\w*|exec(?:ute)?|parse\w*|decode\w*|validate\w*|ensure\w*|require[A-Z]\w*|expect\w*|must\w*|unwrap\w*|check[A-Z]\w*|throw\w*|fail\w*|raise\w*|reject\w*|abort\w*|panic\w*|(?:create|make|new|build|to)\w*(?:Error|Exception)|(?:http|api|get|post|put|send|call)(?:Json|JSON|Api|API|Request|Http)?)$/;
/** Functions that stand between a helper and the caller whose fault it is, and say nothing about either. */
const wrapper =
  /(^|\.)(with[A-Z]\w*|wrap\w*|\w*[wW]rapper|\w*[rR]etry\w*|retrying|async[A-Z]\w*|\w*Middleware|middleware|next|dispatch|run|runWith\w*|invoke\w*|trace\w*|span|measure\w*|timed|timeout|withTimeout|transaction|callback|catchAsync|handleErrors?|safe[A-Z]\w*|guard\w*|attempt|apply|call)$/;
/** Where a request, a page or a job enters the application: nobody of interest calls it. */
const entry =
  /^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|main|handler|loader|action|getServerSideProps|getStaticProps|generateMetadata|Page|Layout)$/;
/** Constructors stand on top of the stack of every error they make. */
const constructorOfErrors = /(?:^|\.)[A-Z][\w$]{0,100}(?:Error|Exception|Fault|Failure)$/;

/** One place of the application in a stack. */
export interface Place {
  /** `file:function`, as it does not change with the machine, the bundler or the build. */
  place: string;
  name: string;
  /** Its place in the stack's frames. */
  at: number;
}

/** Name of a file that does not change with the machine, the bundler or the build (detection.md §2.3.5). */
export function fileName(file: string): string {
  let name = file.slice(0, 500).replaceAll("\\", "/").split(/[?#]/, 1)[0] ?? "";
  name = name
    .replace(places, "")
    .replace(/^\/?[A-Za-z]:\//, "/")
    .replace(roots, "")
    .replace(/^(?:\.?\/)+/, "");
  const packages = name.lastIndexOf("node_modules/");
  if (packages >= 0) name = name.slice(packages);
  return name
    .replace(/[.\-_][0-9a-f]{8,40}(?=\.[cm]?js$)/i, "")
    .replace(/[.\-_](?=[\w-]{0,7}\d|(?:[a-z0-9_-]{0,7}[A-Z]){3})[\w-]{8}(?=\.[cm]?js$)/, "")
    .replace(/_{1,2}[0-9a-f]{6,10}(?=\._\.[cm]?js$)/i, "")
    .replace(/(_next\/static\/)[\w-]{8,40}(?=\/)/, "$1<build>")
    .replace(/(^|\/)(?:\d{1,10}|[0-9a-f]{12,40})(?=\.[cm]?js$)/, "$1<chunk>")
    .toLowerCase();
}

/** Name of a function without what engines add to it (detection.md §2.3.6); empty when it has none. */
export function functionName(name: string): string {
  const plain = name
    .slice(0, 300)
    .replace(/\s\[as [^\]]{1,200}\]$/, "")
    .replace(/^(?:async\*?\s{0,3}|new\s|promise callback\*?|get\s|set\s)+/i, "")
    .replace(/^(?:async\*)/, "")
    .replace(
      /^(?:Object|Module|exports|module\.exports|Function|global|globalThis|window|self|process|Timeout|_?this|bound)[. ]/,
      "",
    )
    .replace(/^(?:__TURBOPACK__|__webpack_)[\w$]{0,80}$/, "")
    // Firefox marks closures by the function around them; other engines do not tell it.
    .replace(/(?:\/<|<){1,10}$/, "");
  return /^(?:[\w$.]{0,100}\.)?(?:<?anonymous>?.{0,20}|\(anonymous\)|eval|global code|module code|\?|default|<computed>)$/i.test(
    plain,
  )
    ? ""
    : plain;
}

/** A frame of built code without its source map: its file is stable at best, its function and line are not (detection.md §2.3.4). */
export function isWeak({ mapped, file, line, column, function: name }: Frame): boolean {
  if (mapped || !/\.(?:[cm]?js|bundle|jsbundle)$/i.test(file)) return false;
  const shown = functionName(name).split(".").at(-1) ?? "";
  const isShort = shown === "" ? (column ?? 0) > 80 : shown.length <= 2;
  return (column ?? 0) > 500 || (isShort && line !== null && line <= 3);
}

/** The in-app places of a stack, innermost first; recursion counts once, constructors of errors and built code not at all. */
export function inAppPlaces({ frames, trust }: Pick<ErrorEvent, "frames" | "trust">): Place[] {
  const found: Place[] = [];
  for (const [at, frame] of frames.entries()) {
    if (!frame.inApp || isWeak(frame)) continue;
    const name = stableName(frame, trust);
    const place = `${fileName(frame.file)}:${name === "" ? lineOfMangled(frame) : name}`;
    if (found.at(-1)?.place !== place) found.push({ place, name, at });
  }
  const [top, below] = found;
  return top !== undefined && below !== undefined && constructorOfErrors.test(top.name) ? found.slice(1) : found;
}

/** In a browser's built code what stands before the last dot is what the minifier called it this time. */
function stableName(frame: Frame, trust: ErrorEvent["trust"]): string {
  const full = functionName(frame.function);
  if (isMangled(frame)) return "";
  return trust === "browser" && !frame.mapped ? (full.split(".").at(-1) ?? "") : full;
}

/** A sender that maps places but not names leaves the minifier's names in files that no minifier wrote. */
function isMangled({ file, mapped, function: name }: Frame): boolean {
  return !mapped && /^[\w$]{1,2}$/.test(functionName(name)) && /\.(?:[cm]?tsx?|jsx|vue|svelte)$/i.test(file);
}

/** Without a name, the line's own text tells the place; it moves with the code, as a line's number does not. */
function lineOfMangled(frame: Frame): string {
  if (!isMangled(frame) || frame.context === null) return "";
  return `~ ${frame.context.replace(/\s{1,100}/g, " ").slice(0, 120)}`;
}

/** Whether a function reports the faults of its callers, judged by its name alone. */
export function isHelper({ name }: Place): boolean {
  return helper.test(name) && !entry.test(name);
}

export function isEntry({ name }: Place): boolean {
  return entry.test(name);
}

const callersExamined = 5;

/** Who is to blame for what the first place reports: the next one that is neither a helper itself nor a mere wrapper. */
export function callerOf([, ...callers]: Place[]): Place | undefined {
  const near = callers.slice(0, callersExamined);
  return near.find((caller) => !isHelper(caller) && !wrapper.test(caller.name)) ?? near[0];
}
