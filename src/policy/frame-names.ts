import type { Frame } from "#domain/event.ts";

/** Where a build, a container or a bundler put the application: the same file whatever stands before it. */
const places =
  /^(?:webpack-internal:\/\/\/(?:\([\w-]{1,30}\)\/)?|rsc:\/\/React\/[\w-]{1,30}\/|webpack:\/\/(?:[\w@-]{0,60}\/)?|file:\/\/|\[project\]\/|https?:\/\/[^/]{1,200}(?=\/))/i;
const roots = /^\/(?:var\/task|vercel\/path0|app|workspace|usr\/src\/app|home\/[^/]{1,60}(?:\/app)?)\//;
/** Functions that report the faults of their callers: the place of such an error is where they were called. */
const helper =
  /(^|\.)(invariant|assert\w*|request|fetch\w*|query|parse\w*|validate\w*|ensure\w*|require[A-Z]\w*|expect\w*|must\w*|unwrap|check[A-Z]\w*|throw\w*|fail|raise\w*)$/i;

/** Name of a file that does not change with the machine, the bundler or the build (detection.md §2.3.5). */
export function fileName(file: string): string {
  let name = file.slice(0, 500).replaceAll("\\", "/").split(/[?#]/, 1)[0] ?? "";
  name = name
    .replace(places, "")
    .replace(roots, "")
    .replace(/^(?:\.?\/)+/, "");
  const packages = name.lastIndexOf("node_modules/");
  if (packages >= 0) name = name.slice(packages);
  return name
    .replace(/[.\-_][0-9a-f]{8,40}(?=\.[cm]?js$)/i, "")
    .replace(/(_next\/static\/)[\w-]{8,40}(?=\/)/, "$1<build>")
    .replace(/(^|\/)\d{1,10}(?=\.[cm]?js$)/, "$1<chunk>")
    .toLowerCase();
}

/** Name of a function without what engines add to it (detection.md §2.3.6); empty when it has none. */
export function functionName(name: string): string {
  const plain = name
    .slice(0, 300)
    .replace(/\s\[as [^\]]{1,200}\]$/, "")
    .replace(/^(?:async\*?\s{0,3}|new\s|promise callback\*?|get\s|set\s)+/i, "")
    .replace(/^(?:async\*)/, "")
    .replace(/^(?:Object|Module|exports|module\.exports|Function|global|globalThis)\./, "")
    .replace(/^(?:__TURBOPACK__|__webpack_)[\w$]{0,80}$/, "");
  return /^(?:<?anonymous>?.{0,20}|\(anonymous\)|eval|global code|module code|\?|default)$/i.test(plain) ? "" : plain;
}

/** The in-app places of a stack, innermost first, `file:function`; recursion counts once. */
export function inAppPlaces(frames: Frame[]): { place: string; isHelper: boolean }[] {
  const places: { place: string; isHelper: boolean }[] = [];
  for (const frame of frames) {
    if (!frame.inApp) continue;
    const name = functionName(frame.function);
    const place = `${fileName(frame.file)}:${name}`;
    if (places.at(-1)?.place !== place) places.push({ place, isHelper: helper.test(name) });
  }
  return places;
}
