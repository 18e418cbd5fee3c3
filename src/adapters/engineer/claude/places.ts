import type { Frame } from "#domain/event.ts";
import type { Problem } from "#ports/engineer.ts";
import { isTest } from "./project-tests.ts";

/** Where in the repository a frame of the stack stands. */
export interface Place {
  path: string;
  line: number | null;
  /** The function's name as the stack has it; foreign text. */
  function: string;
  /** Matched with a file of another kind (built or compiled): its line says nothing about this file. */
  isBuilt: boolean;
}

const framesMax = 40;
const placesMax = 8;
const stackCharactersMax = 32_768;
/** More files than this that fit equally well: none of them is named. */
const candidatesMax = 2;

const sourceKinds = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "vue", "svelte"];
/** Folders that a build puts in front of, or in the place of, the source's. */
const buildFolders = new Set([
  "dist",
  "build",
  "out",
  "lib",
  "output",
  "server",
  "chunks",
  "static",
  ".next",
  "compiled",
  "esm",
  "cjs",
]);
const foreign =
  /(?:^|\/)(?:node_modules|\.yarn|\.pnpm|site-packages)\/|^(?:node|internal|bun|deno|ext):|^native$|^<anonymous>/;

/**
 * The stack's places inside the repository, innermost first and those in tests last, each once. Paths in stacks are absolute, from a container,
 * from a bundler or from built files, so the file with the longest equal ending is looked for.
 */
export function placesOf(problem: Pick<Problem, "frames" | "stack">, paths: string[]): Place[] {
  const index = indexOf(paths);
  const places = new Map<string, Place>();
  for (const frame of framesOf(problem)) {
    for (const found of matchesOf(frame.file, index)) {
      const place = {
        path: found.path,
        line: found.isBuilt ? null : frame.line,
        function: frame.function,
        isBuilt: found.isBuilt,
      };
      const key = `${place.path}:${place.line ?? place.function}`;
      if (!places.has(key)) places.set(key, place);
    }
    if (places.size >= placesMax) break;
  }
  // A test in the stack says how the fault was reached, never where it is.
  return [...places.values()].toSorted((a, b) => Number(isTest(a.path)) - Number(isTest(b.path))).slice(0, placesMax);
}

type Named = Pick<Frame, "file" | "line" | "function">;

/** Frames of the application first; where a source map or the sender marked none, all that are not a library's. */
function framesOf({ frames, stack }: Pick<Problem, "frames" | "stack">): Named[] {
  const given: Named[] = frames.length > 0 ? frames : parsedStack(stack ?? "");
  const own = frames.filter(({ inApp }) => inApp);
  return (own.length > 0 ? own : given)
    .filter(({ file }) => !foreign.test(file.replaceAll("\\", "/")))
    .slice(0, framesMax);
}

/** `at name (file:1:2)`, `❯ name file:1:2`, `name@file:1:2`, `File "file", line 1, in name`, or any `file.ext:1`. */
const frameShapes = [
  /^(?:(?:at|❯|›) )?(?:async )?(?<name>[^(]{1,200}?) ?\((?<file>.{1,500}):(?<line>\d{1,9}):\d{1,9}\)$/,
  /^at (?:async )?(?<file>.{1,500}):(?<line>\d{1,9}):\d{1,9}$/,
  /^❯ (?:(?<name>\S.{0,200}) )?(?<file>\S{1,500}):(?<line>\d{1,9}):\d{1,9}$/,
  /^(?<name>[^\s@]{0,200})@(?<file>.{1,500}):(?<line>\d{1,9}):\d{1,9}$/,
  /^File "(?<file>[^"]{1,500})", line (?<line>\d{1,9})(?:, in (?<name>\S{1,200}))?/,
  /(?<file>[^\s()"']{1,300}\.[A-Za-z]{1,6}):(?<line>\d{1,9})(?::\d{1,9})?\)?$/,
];

function parsedStack(stack: string): Named[] {
  return stack
    .slice(0, stackCharactersMax)
    .split("\n")
    .flatMap((text): Named[] => {
      const line = text.trim().slice(0, 1_000);
      for (const shape of frameShapes) {
        const groups = line.match(shape)?.groups;
        if (groups?.file !== undefined) {
          return [{ file: groups.file, line: Number(groups.line), function: groups.name ?? "" }];
        }
      }
      return [];
    });
}

type Index = Map<string, { path: string; segments: string[]; kind: string }[]>;

function indexOf(paths: string[]): Index {
  const index: Index = new Map();
  for (const path of paths) {
    const segments = path.split("/");
    const { stem, kind } = nameOf(segments.at(-1) ?? "");
    const known = index.get(stem);
    if (known === undefined) index.set(stem, [{ path, segments, kind }]);
    else known.push({ path, segments, kind });
  }
  return index;
}

function nameOf(name: string): { stem: string; kind: string } {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? { stem: name, kind: "" } : { stem: name.slice(0, dot), kind: name.slice(dot + 1).toLowerCase() };
}

function matchesOf(file: string, index: Index): { path: string; isBuilt: boolean }[] {
  const segments = segmentsOf(file);
  const { stem, kind } = nameOf(segments.at(-1) ?? "");
  const candidates = (index.get(stem) ?? []).filter((candidate) => isSameKind(kind, candidate.kind));
  const scored = candidates.map((candidate) => ({
    path: candidate.path,
    isBuilt: candidate.kind !== kind,
    score: scoreOf(segments, candidate.segments) * 2 + (candidate.kind === kind ? 1 : 0),
  }));
  const best = Math.max(0, ...scored.map(({ score }) => score));
  const winners = scored.filter(({ score }) => score === best);
  return winners.length <= candidatesMax ? winners : [];
}

function isSameKind(kind: string, other: string): boolean {
  return kind === other || (sourceKinds.includes(kind) && sourceKinds.includes(other));
}

/** How many segments from the end are equal. Folders of a build are passed over on the frame's side. */
function scoreOf(frame: string[], path: string[]): number {
  let score = 1;
  let at = frame.length - 2;
  for (let own = path.length - 2; own >= 0; own--) {
    const wanted = path[own] ?? "";
    while (at >= 0 && frame[at] !== wanted && buildFolders.has(frame[at] ?? "")) at--;
    // `dist/a.js` is built from `src/a.ts`: the source's own folder has no counterpart.
    if (frame[at] !== wanted) return wanted === "src" && own === 0 ? score + 0.5 : score;
    at -= 1;
    score += 1;
  }
  return score;
}

/** The path's segments without a bundler's prefix, a host, a drive, a query, and with escapes undone. */
function segmentsOf(file: string): string[] {
  const plain = unescaped(file.replaceAll("\\", "/"))
    // The bundler's layer, not a folder: `webpack-internal:///(rsc)/./src/a.ts`.
    .replace(/^webpack-internal:\/\/\/\([^)]{1,60}\)\//, "")
    .replace(/^(?:webpack-internal|webpack|turbopack|vite|rsc|file|app|https?|capacitor):\/{2,3}/i, "")
    .replace(/^[A-Za-z]:\//, "")
    .replace(/[?#].*$/, "");
  return plain.split("/").filter((segment) => segment !== "" && segment !== ".");
}

function unescaped(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}
