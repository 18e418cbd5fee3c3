import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Problem } from "#ports/engineer.ts";
import { type Place, placesOf } from "./places.ts";
import { isTest, sourcesOf } from "./project-tests.ts";
import { numbered } from "./reader.ts";
import { commitLine } from "./tools/file-history.ts";
import { overview } from "./tools/list-files.ts";
import type { Desk } from "./tools/tool.ts";

/** What the model sees of the code before it asks: it grows with the stack, never with the repository. */

const codePlacesMax = 6;
/** Lines around a failing line: the innermost two get more. */
const windows = { near: 18, far: 8 };
const blamedPlacesMax = 3;
const blameAround = 2;
const historyFilesMax = 3;
const historyMax = 5;
const blockCharactersMax = 6_000;
/** Shorter pieces of a message stand everywhere. */
const wordsCharactersMin = 14;
const piecesMax = 3;
const wordPlacesMax = 6;
/** A file of the diagnosis up to this long is shown whole. */
const wholeLinesMax = 250;
const diagnosedFilesMax = 4;

/** The stack mapped to the repository: code around it, who changed the failing lines last, what changed lately. */
export async function codeOf(problem: Problem, desk: Desk): Promise<string> {
  const places = await Promise.all(placesOf(problem, await desk.reader.paths()).map((place) => withLine(place, desk)));
  const parts = [`# The repository\n${await overview(desk)}`];
  if (places.length === 0) {
    parts.push("No frame of the stack could be matched with a file. Search for the words of the error.");
    parts.push(await wordsOf(problem, desk));
    return parts.filter((part) => part !== "").join("\n");
  }
  parts.push(
    `# The stack in the repository, innermost first\n${desk.quoting.block("frames", places.map(frameLine).join("\n"), { charactersMax: 3_000 })}`,
  );
  parts.push(await testedBy(places, desk));
  for (const [index, place] of places.slice(0, codePlacesMax).entries()) {
    const code = await codeAround(place, index < 2 ? windows.near : windows.far, desk);
    if (code !== undefined) parts.push(code);
  }
  parts.push(await wordsOf(problem, desk), await pastOfPlaces(places, desk));
  return parts.filter((part) => part !== "").join("\n");
}

function frameLine({ path, line, function: name, isBuilt }: Place): string {
  const place = line === null ? path : `${path}:${line}`;
  return `${place}${name === "" ? "" : ` in ${name}`}${isBuilt ? " (from a built file: the line is not known)" : ""}`;
}

/** A frame of a built file knows its function only: that is looked for in the source. */
async function withLine(place: Place, { reader }: Desk): Promise<Place> {
  if (place.line !== null) return place;
  const name = place.function.split(".").at(-1) ?? "";
  if (!/^[A-Za-z_$][\w$]{1,99}$/.test(name)) return place;
  const lines = await reader.lines(place.path);
  const index = lines?.findIndex((line) => new RegExp(`\\b${name.replaceAll("$", "\\$")}\\b`).test(line)) ?? -1;
  return index === -1 ? place : { ...place, line: index + 1 };
}

async function codeAround(
  { path, line }: Place,
  around: number,
  { reader, quoting }: Desk,
): Promise<string | undefined> {
  const lines = await reader.lines(path);
  if (lines === undefined) return undefined;
  const center = Math.min(line ?? 1, lines.length);
  const code = numbered(lines, center - around, center + around);
  return quoting.block(`${quoting.inline(path, 120)} around line ${center}`, code, {
    charactersMax: blockCharactersMax,
    isRedacted: true,
  });
}

/** A stack that knows nothing but tests is one of a test that found something wrong: what it tests has its name. */
async function testedBy(places: Place[], { reader, quoting }: Desk): Promise<string> {
  if (!places.every(({ path }) => isTest(path))) return "";
  const sources = sourcesOf(
    places.map(({ path }) => path),
    await reader.paths(),
  );
  if (sources.length === 0) return "";
  return quoting.block("files that these tests are named after", sources.join("\n"), { charactersMax: 1_000 });
}

/** Where the fixed words of the message stand in the code: whoever throws it wrote them. */
async function wordsOf({ message }: Problem, { reader, quoting }: Desk): Promise<string> {
  const pieces = message
    .slice(0, 1_000)
    .split(/["'`\d:;,{}()[\]<>\n]/)
    .map((piece) => piece.trim())
    .filter((piece) => piece.length >= wordsCharactersMin)
    .toSorted((a, b) => b.length - a.length);
  const found = new Set<string>();
  for (const piece of pieces.slice(0, piecesMax)) {
    const places = await reader.search(piece, wordPlacesMax + 1);
    // Words that stand everywhere explain nothing.
    if (places.length <= wordPlacesMax) for (const { path, line } of places) found.add(`${path}:${line}`);
  }
  if (found.size === 0) return "";
  const block = quoting.block("places", [...found].join("\n"), { charactersMax: 1_500 });
  return `# Where the words of the message stand\n${block}`;
}

async function pastOfPlaces(places: Place[], { reader, quoting }: Desk): Promise<string> {
  const blamed: string[] = [];
  for (const { path, line, isBuilt } of places.slice(0, blamedPlacesMax)) {
    if (line === null || isBuilt) continue;
    const commits = await reader.blame(path, Math.max(1, line - blameAround), line + blameAround);
    const runs = Map.groupBy(commits, (commit) => commitLine(commit, quoting));
    for (const [commit, lines] of runs) blamed.push(`${path}:${lines.map((each) => each.line).join(",")} ${commit}`);
  }
  const histories: string[] = [];
  for (const path of [...new Set(places.map((place) => place.path))].slice(0, historyFilesMax)) {
    const commits = await reader.history(path, historyMax);
    histories.push(...commits.map((commit) => `${path} ${commitLine(commit, quoting)}`));
  }
  const blocks = Object.entries({
    "who last changed the failing lines": blamed,
    "recent commits of these files": histories,
  })
    .filter(([, lines]) => lines.length > 0)
    .map(([label, lines]) => quoting.block(label, lines.join("\n"), { charactersMax: 3_000 }));
  return blocks.length > 0 ? `# What changed there\n${blocks.join("\n")}` : "";
}

/** The files that a diagnosis names: whole where they are short, else around the lines that it points at. */
export async function diagnosedCode({ files, evidence }: Diagnosis, desk: Desk): Promise<string> {
  const parts: string[] = [];
  for (const path of files.slice(0, diagnosedFilesMax)) {
    const lines = await desk.reader.lines(path);
    if (lines === undefined) continue;
    if (lines.length <= wholeLinesMax) {
      const label = `${desk.quoting.inline(path, 120)}, whole`;
      parts.push(
        desk.quoting.block(label, numbered(lines, 1, lines.length), { charactersMax: 16_000, isRedacted: true }),
      );
      continue;
    }
    for (const { line } of evidence.filter(({ file }) => file === path).slice(0, 2)) {
      const code = await codeAround({ path, line, function: "", isBuilt: false }, 40, desk);
      if (code !== undefined) parts.push(code);
    }
  }
  return parts.length > 0 ? `# The code concerned\n${parts.join("\n")}` : "";
}
