import { posix } from "node:path";
import type { Frame } from "#domain/event.ts";
import { isTestFile } from "#policy/risk/added-lines.ts";
import type { Snapshot } from "#ports/repository.ts";

/** A place that a reader without a diagnosis should look at first. */
export interface Suspect {
  file: string;
  /** `null`: the whole file. */
  line: number | null;
  why: string;
}

const suspectsMax = 5;
const testTextCharactersMax = 20_000;
const extensions = [
  "",
  ".ts",
  ".tsx",
  ".mts",
  ".cts",
  ".js",
  ".jsx",
  ".mjs",
  ".cjs",
  "/index.ts",
  "/index.tsx",
  "/index.js",
];

/**
 * Where the error passed through the application, innermost first. Where only tests are named (a wrong answer leaves no other
 * trace), what such a test is named after and what it imports.
 */
export async function suspectsOf(frames: Frame[], files: string[], snapshot: Snapshot): Promise<Suspect[]> {
  const own = frames.filter(({ inApp }) => inApp);
  const named = own
    .filter(({ file }) => !isTestFile(file))
    .map(({ file, line, function: name }) => ({
      file,
      line,
      why: name === "" ? "named by the stack" : `named by the stack (${name})`,
    }));
  const [test] = own.filter(({ file }) => isTestFile(file));
  const found = named.length > 0 || test === undefined ? named : await testedBy(test.file, new Set(files), snapshot);
  return found
    .filter(({ file }, index) => found.findIndex((other) => other.file === file) === index)
    .slice(0, suspectsMax);
}

async function testedBy(test: string, files: Set<string>, snapshot: Snapshot): Promise<Suspect[]> {
  const folder = posix.dirname(test);
  const name = posix
    .basename(test)
    .replace(/[._-](?:test|spec|cy)(?=\.[cm]?[jt]sx?$)/i, "")
    .replace(/\.[cm]?[jt]sx?$/, "");
  const above = folder.replace(/(?:^|\/)(?:__tests__|tests?|specs?)(?=\/|$).*$/i, "");
  const beside = [...new Set([folder, above, `${above}/src`, `${above}/lib`])].map((each) => posix.join(each, name));
  const text = ((await snapshot.read(test)) ?? "").slice(0, testTextCharactersMax);
  const imported = [...text.matchAll(/(?:from|import|require\()\s{0,5}["'](\.{1,2}\/[^"'\n]{1,300})["']/g)].map(
    ([, specifier = ""]) => posix.join(folder, specifier),
  );
  return [
    ...beside.map((path) => ({ path, why: `what ${posix.basename(test)} is named after` })),
    ...imported.map((path) => ({ path, why: `imported by ${posix.basename(test)}` })),
  ].flatMap(({ path, why }) => {
    const stem = path.replace(/\.([cm]?)js(x?)$/, "");
    const file = [path, stem]
      .flatMap((each) => extensions.map((ending) => each + ending))
      .find((each) => files.has(each));
    return file === undefined || isTestFile(file) ? [] : [{ file, line: null, why }];
  });
}
