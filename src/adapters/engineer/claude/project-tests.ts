import type { Diagnosis } from "#domain/diagnosis.ts";
import { numbered } from "./reader.ts";
import type { Desk } from "./tools/tool.ts";

/** What can be said about a project's tests from the names of its files. */

const testFilesMax = 5;
const exampleLines = 60;
const sourcesMax = 4;

/** Whether a path is one of a test, by the usual conventions. */
export const isTest = (path: string): boolean =>
  /(?:^|\/)(?:__tests__|tests?|spec|e2e)\/|[._-](?:test|spec)\.[cm]?[jt]sx?$/i.test(path);

/** How this project tests: its command, the tests nearest to the files, and the head of one of them. */
export async function testsNear({ files }: Diagnosis, desk: Desk): Promise<string> {
  const { reader, quoting } = desk;
  const tests = (await reader.paths()).filter((path) => isTest(path) && /\.[cm]?[jt]sx?$/.test(path));
  const near = nearest(tests, files).slice(0, testFilesMax);
  const command = await testCommandOf(desk);
  if (near.length === 0 && command === null) return "# Tests\nThe project has no tests; add none.";
  const parts = ["# Tests"];
  if (command !== null) parts.push(quoting.block("the script `test` of package.json", command, { charactersMax: 300 }));
  if (near.length > 0) parts.push(quoting.block("the nearest test files", near.join("\n"), { charactersMax: 1_500 }));
  const example = near[0];
  const lines = example === undefined ? undefined : await reader.lines(example);
  if (example !== undefined && lines !== undefined) {
    const label = `the beginning of ${quoting.inline(example, 120)}`;
    parts.push(quoting.block(label, numbered(lines, 1, exampleLines), { charactersMax: 4_000, isRedacted: true }));
  }
  return parts.join("\n");
}

async function testCommandOf({ reader }: Desk): Promise<string | null> {
  const text = (await reader.lines("package.json"))?.join("\n");
  return text?.match(/"test"\s{0,10}:\s{0,10}"((?:[^"\\\n]|\\.){1,300})"/)?.[1] ?? null;
}

/** The files that have the name of one of these tests, the closest first. */
export function sourcesOf(tests: string[], paths: string[]): string[] {
  const sources = paths.filter((path) => !isTest(path) && /\.[cm]?[jt]sx?$/.test(path));
  const stems = new Set(tests.map(stemOf));
  return nearest(
    sources.filter((path) => stems.has(stemOf(path))),
    tests,
  ).slice(0, sourcesMax);
}

/** Tests with the name of a file first, then those in the folders closest to one. */
function nearest(tests: string[], files: string[]): string[] {
  const stems = new Set(files.map((file) => stemOf(file)));
  const closeness = (test: string) => Math.max(0, ...files.map((file) => sharedFolders(test, file)));
  return tests
    .map((test) => ({ test, score: (stems.has(stemOf(test)) ? 100 : 0) + closeness(test) }))
    .toSorted((a, b) => b.score - a.score || (a.test < b.test ? -1 : 1))
    .map(({ test }) => test);
}

function stemOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/(?:[._-](?:test|spec))?\.[cm]?[jt]sx?$/i, "");
}

function sharedFolders(a: string, b: string): number {
  const other = new Set(b.split("/").slice(0, -1));
  return a
    .split("/")
    .slice(0, -1)
    .filter((folder) => other.has(folder)).length;
}
