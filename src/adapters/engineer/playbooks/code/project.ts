import { posix } from "node:path";
import { ts } from "ts-morph";
import type { Snapshot } from "#ports/repository.ts";
import { programOf, sourceOf } from "./compiler.ts";
import { type Code, parse } from "./syntax.ts";

/** Types are worth looking for this far around a file, and no further. */
const filesMax = 60;
const charactersMax = 3_000_000;
const depthMax = 4;
/** A full check of a larger file takes longer than it tells. */
const checkedCharactersMax = 200_000;
/** Only some of the files are at hand, so an import that is not found says nothing. */
const unresolvedImport = 2307;

/** One file among those it imports, with the types that can be had without installing anything. */
export interface OpenFile {
  code: Code;
  program: ts.Program;
  checker: ts.TypeChecker;
  /** The project's own compiler tells "maybe undefined" apart. Only then does a type without it say anything. */
  isStrict: boolean;
  /** Errors of type that the file would have with this text and has not now; empty where types are not checked. */
  newErrors(text: string): string[];
}

const opened = new WeakMap<Snapshot, Map<string, Promise<OpenFile | string>>>();

/** Opens a file for study. A sentence when it cannot be read or parsed. Several playbooks study the same file in turn. */
export function openFile(path: string, snapshot: Snapshot): Promise<OpenFile | string> {
  const known = opened.get(snapshot) ?? new Map<string, Promise<OpenFile | string>>();
  opened.set(snapshot, known);
  const found =
    known.get(path) ??
    readAndOpen(path, snapshot).catch((error) => {
      // A passing fault must not be remembered.
      known.delete(path);
      throw error;
    });
  known.set(path, found);
  return found;
}

async function readAndOpen(path: string, snapshot: Snapshot): Promise<OpenFile | string> {
  const text = await snapshot.read(path);
  if (text === undefined) return `${path} is no text file of this version, or too large to be read`;
  if (text.length > charactersMax / 3 || longestLine(text) > 5_000) return `${path} looks generated or minified`;
  if (parse(path, text) === undefined) return `${path} does not parse`;
  const isStrict = /\.[cm]?tsx?$/i.test(path) && (await hasStrictTypes(path, snapshot));
  const files = new Map<string, ts.SourceFile>();
  for (const [file, content] of await withImports(path, text, snapshot))
    files.set(`/${file}`, sourceOf(`/${file}`, content));
  const names = await aliases(snapshot, path);
  const program = programOf(files, names);
  let before: Set<string> | undefined;
  return {
    code: { path, text, source: files.get(`/${path}`) ?? sourceOf(`/${path}`, text) },
    program,
    checker: program.getTypeChecker(),
    isStrict,
    newErrors: (changed) => {
      if (!isStrict || text.length > checkedCharactersMax) return [];
      const known = before ?? new Set(typeErrors(program, path));
      before = known;
      const after = programOf(new Map(files).set(`/${path}`, sourceOf(`/${path}`, changed)), names);
      return typeErrors(after, path).filter((error) => !known.has(error));
    },
  };
}

/** Compared without their places, which any edit moves. */
function typeErrors(program: ts.Program, path: string): string[] {
  const source = program.getSourceFile(`/${path}`);
  if (source === undefined) return [];
  return program
    .getSemanticDiagnostics(source)
    .filter(({ category, code }) => category === ts.DiagnosticCategory.Error && code !== unresolvedImport)
    .map(({ code, messageText }) => `TS${code} ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}

async function withImports(path: string, text: string, snapshot: Snapshot): Promise<Map<string, string>> {
  const files = new Set(await snapshot.list());
  const paths = await pathAliases(snapshot, path);
  const found = new Map([[path, text]]);
  let characters = text.length;
  let edge = [path];
  for (let depth = 0; depth < depthMax && edge.length > 0; depth++) {
    const next: string[] = [];
    for (const from of edge) {
      for (const { fileName } of ts.preProcessFile(found.get(from) ?? "", true, true).importedFiles) {
        const target = resolve(fileName, from, files, paths);
        if (target === undefined || found.has(target) || found.size >= filesMax) continue;
        const content = await snapshot.read(target);
        if (content === undefined || characters + content.length > charactersMax) continue;
        characters += content.length;
        found.set(target, content);
        next.push(target);
      }
    }
    edge = next;
  }
  return found;
}

const endings = ["", ".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", "/index.ts", "/index.tsx", "/index.js"];

/** The file of the snapshot that an import means; packages are not there. */
export function resolve(specifier: string, from: string, files: Set<string>, paths: Alias[]): string | undefined {
  const bases: string[] = [];
  if (specifier.startsWith(".")) bases.push(posix.join(posix.dirname(from), specifier));
  for (const { prefix, targets } of paths) {
    if (specifier.startsWith(prefix)) for (const target of targets) bases.push(target + specifier.slice(prefix.length));
  }
  for (const base of bases) {
    const plain = base.replace(/\/$/, "");
    const stems = [plain, plain.replace(/\.([cm]?)js(x?)$/, ".$1ts$2")];
    for (const stem of stems) for (const ending of endings) if (files.has(stem + ending)) return stem + ending;
  }
  return undefined;
}

export interface Alias {
  prefix: string;
  targets: string[];
}

/** The short names (`@/…`) that the project gives to its own folders, as the file at `importer` may use them. */
export async function pathAliases(snapshot: Snapshot, importer: string): Promise<Alias[]> {
  const config = await nearestConfig(importer, snapshot);
  if (config === undefined) return [];
  const { folder, options } = config;
  const base = posix.join(folder, typeof options.baseUrl === "string" ? options.baseUrl : ".");
  const short = Object.entries(options.paths ?? {}).flatMap(([pattern, targets]) =>
    pattern.endsWith("*") && Array.isArray(targets)
      ? [
          {
            prefix: pattern.slice(0, -1),
            targets: targets.map((target) => posix.join(base, String(target).replace(/\*$/, ""))),
          },
        ]
      : [],
  );
  const bare = typeof options.baseUrl === "string" ? [{ prefix: "", targets: [base === "." ? "" : `${base}/`] }] : [];
  return [...short, ...bare].map(({ prefix, targets }) => ({
    prefix,
    targets: targets.map((target) => (target === "./" ? "" : target)),
  }));
}

/** The configuration closest to a file that says where modules are found. */
async function nearestConfig(
  importer: string,
  snapshot: Snapshot,
): Promise<{ folder: string; options: TypeOptions } | undefined> {
  const files = new Set(await snapshot.list());
  for (let folder = posix.dirname(importer); ; folder = posix.dirname(folder)) {
    for (const name of ["tsconfig.json", "jsconfig.json", "tsconfig.base.json"]) {
      const path = posix.join(folder, name);
      const options = files.has(path) ? await compilerOptions(path, snapshot) : {};
      if (options.paths != null || options.baseUrl !== undefined) return { folder, options };
    }
    if (folder === "." || folder === "/") return undefined;
  }
}

async function aliases(snapshot: Snapshot, importer: string): Promise<ts.CompilerOptions> {
  const paths = Object.fromEntries(
    (await pathAliases(snapshot, importer)).map(({ prefix, targets }) => [
      `${prefix}*`,
      targets.map((target) => `/${target}*`),
    ]),
  );
  return Object.keys(paths).length === 0 ? {} : { paths };
}

async function hasStrictTypes(path: string, snapshot: Snapshot): Promise<boolean> {
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    const config = await compilerOptions(posix.join(folder, "tsconfig.json"), snapshot);
    if (config.strictNullChecks !== undefined || config.strict !== undefined) {
      return config.strictNullChecks === true || (config.strictNullChecks === undefined && config.strict === true);
    }
    if (folder === "." || folder === "/") return false;
  }
}

interface TypeOptions {
  strict?: unknown;
  strictNullChecks?: unknown;
  baseUrl?: unknown;
  paths?: Record<string, unknown> | null;
}

async function compilerOptions(path: string, snapshot: Snapshot): Promise<TypeOptions> {
  const text = await snapshot.read(path);
  if (text === undefined) return {};
  const { config } = ts.parseConfigFileTextToJson(path, text);
  const found: unknown = config?.compilerOptions;
  return typeof found === "object" && found !== null ? found : {};
}

function longestLine(text: string): number {
  let longest = 0;
  let start = 0;
  for (;;) {
    const end = text.indexOf("\n", start);
    longest = Math.max(longest, (end < 0 ? text.length : end) - start);
    if (end < 0) return longest;
    start = end + 1;
  }
}
