import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { steps } from "../code/likeness.ts";
import { clip } from "../findings.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import { caseLike, type Dictionary } from "./dictionary.ts";
import { type VisibleText, visibleTexts, wordsOf } from "./texts.ts";

/** One misspelt word in its place. */
export interface Slip {
  path: string;
  start: number;
  line: number;
  wrong: string;
  right: string;
  /** The text around it, for the reader. */
  text: string;
}

export type SlipSearch =
  | { kind: "slips"; slips: Slip[]; confidence: number; inTests: string | null }
  | { kind: "none"; because: string };

const reportCharactersMax = 4_000;
const filesMax = 1_500;
const fileCharactersMax = 400_000;
const placesMax = 60;
/** More different words than this are no slip but a language or a trade that the dictionaries do not know. */
const wordsMax = 5;
/** A word that stands this often in the repository is meant like that. */
const frequent = 3;

/** The misspelt words that a report is about. What it quotes or names narrows the search; else the answers of the API are read. */
export async function findSlips(problem: Problem, snapshot: Snapshot, dictionary: Dictionary): Promise<SlipSearch> {
  const report = `${problem.title}\n${problem.message}\n${problem.stack ?? ""}`.slice(0, reportCharactersMax);
  const paths = (await snapshot.list()).filter(isReadable);
  const { quotes, words: reported } = reportedWords(report, dictionary);
  if (quotes && reported.length === 0)
    return { kind: "none", because: "what the report quotes holds no word that the dictionaries do not know" };
  const texts =
    reported.length > 0
      ? await textsWith(reported, paths, snapshot)
      : await textsNear(problem, report, paths, snapshot);
  const isQuoted = reported.length > 0;
  const names = await properNames(snapshot);
  const slips: (Slip & { sure: boolean })[] = [];
  for (const text of texts)
    slips.push(
      ...(await slipsIn(text, { dictionary, names, report, snapshot, only: isQuoted ? new Set(reported) : undefined })),
    );
  const different = new Set(slips.map(({ wrong }) => wrong.toLowerCase()));
  if (slips.length === 0) return { kind: "none", because: whyNone(isQuoted, reported, texts.length) };
  if (different.size > wordsMax)
    return {
      kind: "none",
      because: `${different.size} words are unknown to the dictionaries: which of them are slips cannot be told`,
    };
  const confidence = (isQuoted ? 95 : 90) - (different.size - 1) * 3 - (slips.every(({ sure }) => sure) ? 0 : 12);
  return { kind: "slips", slips, confidence, inTests: await expectedInTests(slips, snapshot) };
}

function isReadable(path: string): boolean {
  if (isTestFile(path)) return false;
  return (
    isSourceFile(path) ||
    /(?:^|\/)(?:locales?|i18n|lang|translations|messages)\/(?:.*\/)?(?:en[\w-]*|[\w-]*)\.json$/i.test(path)
  );
}

/** Words of the report that no dictionary knows: in what it quotes, or anywhere when it quotes nothing misspelt. */
function reportedWords(report: string, dictionary: Dictionary): { quotes: boolean; words: string[] } {
  const quotes = [
    ...report.matchAll(/"([^"\n]{3,300})"|“([^”\n]{3,300})”|`([^`\n]{3,300})`|(?<![\w])'([^'\n]{3,300})'(?!\w)/g),
  ].map((found) => found.slice(1).join(""));
  const unknown = (text: string) =>
    wordsOf(text).flatMap(({ word }) => (dictionary.knows(word) ? [] : [word.toLowerCase()]));
  const quoted = quotes.flatMap(unknown);
  const words = quoted.length > 0 ? quoted : unknown(report).filter((word) => dictionary.cure(word) !== undefined);
  return { quotes: quotes.some((quote) => wordsOf(quote).length > 0), words: [...new Set(words)].slice(0, wordsMax) };
}

/** Texts that hold one of the reported words, wherever they are. */
async function textsWith(reported: string[], paths: string[], snapshot: Snapshot): Promise<VisibleText[]> {
  const known = new Set(paths);
  const files = new Set<string>();
  for (const word of reported) {
    for (const spelling of [word, caseLike(word, "Xx"), word.toUpperCase()]) {
      for (const { path } of await snapshot.search(spelling, placesMax)) if (known.has(path)) files.add(path);
    }
  }
  return textsOf([...files], snapshot);
}

/** Nothing is quoted: the file that the report names, else the route it happened in, else every answer of the API. */
async function textsNear(
  problem: Problem,
  report: string,
  paths: string[],
  snapshot: Snapshot,
): Promise<VisibleText[]> {
  const named = paths.filter((path) => report.includes(path) || problem.frames.some(({ file }) => file.endsWith(path)));
  if (named.length > 0) return textsOf(named, snapshot);
  const route = routeOf(problem.operation);
  const routed = route === undefined ? [] : paths.filter((path) => path.includes(route));
  if (routed.length > 0) return textsOf(routed, snapshot);
  const api = paths.filter((path) =>
    /(?:^|\/)(?:api|routes?|controllers?|handlers?|resolvers?|endpoints?|server|services?|lib|middlewares?)\/|(?:^|\/)(?:route|server|app|index)\.[cm]?[jt]s$/i.test(
      path,
    ),
  );
  return (await textsOf(api, snapshot)).filter(({ isAnswer }) => isAnswer);
}

/** `GET /api/calls/[id]` and `GET /api/calls/:id` are answered by files under `api/calls/`. */
function routeOf(operation: string | null): string | undefined {
  const path = /^[A-Z]{3,7} \/([\w/[\]:.-]{1,200})/.exec(operation ?? "")?.[1];
  return path?.replace(/\/(?:\[|:)[^/]*(?=$)/, (end) => (end.startsWith("/[") ? end : "")).replace(/\/$/, "");
}

async function textsOf(paths: string[], snapshot: Snapshot): Promise<VisibleText[]> {
  const texts: VisibleText[] = [];
  for (const path of paths.slice(0, filesMax)) {
    const content = await snapshot.read(path);
    if (content !== undefined && content.length <= fileCharactersMax) texts.push(...visibleTexts(path, content));
  }
  return texts;
}

interface Search {
  dictionary: Dictionary;
  names: Set<string>;
  report: string;
  snapshot: Snapshot;
  /** The reported words; without any, every word counts. */
  only: Set<string> | undefined;
}

async function slipsIn(text: VisibleText, search: Search): Promise<(Slip & { sure: boolean })[]> {
  const words = wordsOf(text.raw);
  const unknown = words.filter(({ word }) => !search.dictionary.knows(word));
  // Another language, or a list of names.
  if (words.length >= 4 && unknown.length * 2 > words.length) return [];
  const slips: (Slip & { sure: boolean })[] = [];
  for (const { word, at } of unknown) {
    if (search.only !== undefined && !search.only.has(word.toLowerCase())) continue;
    const cure = await cureOf(word, search);
    if (cure === undefined) continue;
    const { path, line, raw, start } = text;
    const note = clip(raw.replace(/\s+/g, " ").trim(), 200);
    slips.push({
      path,
      line,
      start: start + at,
      wrong: word,
      right: caseLike(cure.word, word),
      text: note,
      sure: cure.sure,
    });
  }
  return slips;
}

async function cureOf(
  word: string,
  { dictionary, names, report, snapshot, only }: Search,
): Promise<{ word: string; sure: boolean } | undefined> {
  const plain = word.toLowerCase();
  if (names.has(plain)) return undefined;
  const told = only === undefined ? undefined : toldCure(plain, report, dictionary);
  if (told !== undefined) return { word: told, sure: true };
  const cure = dictionary.cure(word);
  if (cure === undefined) return undefined;
  if (cure.certainty === "listed") return { word: cure.word, sure: true };
  return (await isUsual(word, snapshot)) ? undefined : { word: cure.word, sure: only !== undefined };
}

/** The report itself says how it should be: `"recieve" should be "receive"`. */
function toldCure(word: string, report: string, dictionary: Dictionary): string | undefined {
  const near = new Set(
    wordsOf(report)
      .map((one) => one.word.toLowerCase())
      .filter((one) => one !== word && dictionary.knows(one) && steps(one, word) <= 2 && one.length > 3),
  );
  const [only] = near;
  return near.size === 1 && /\b(?:should (?:be|read)|instead of|->|→|=>|not|correct(?:ed)?|meant)\b|->|→/.test(report)
    ? only
    : undefined;
}

/** A name, a term of the trade: it stands in the repository again and again, or is a name in the code. */
async function isUsual(word: string, snapshot: Snapshot): Promise<boolean> {
  const places = await snapshot.search(word, placesMax);
  const whole = places.filter(({ text }) => new RegExp(`(?<![A-Za-z])${word}(?![A-Za-z])`).test(text));
  if (whole.length >= frequent) return true;
  return places.some(
    ({ path, text }) =>
      isSourceFile(path) &&
      new RegExp(`\\b(?:const|let|var|function|class|interface|type|enum)\\s+\\w*${word}\\w*`, "i").test(text),
  );
}

/** The product's own names: in `package.json` and in the heading of the README. */
async function properNames(snapshot: Snapshot): Promise<Set<string>> {
  const manifest = (await snapshot.read("package.json")) ?? "";
  const heading = /^#\s+(.{1,200})$/m.exec(((await snapshot.read("README.md")) ?? "").slice(0, 5_000))?.[1] ?? "";
  const names = [
    ...manifest
      .slice(0, 200_000)
      .matchAll(/"(?:name|productName|author)"\s*:\s*"([^"]{1,200})"|^\s*"(@?[\w/.-]{1,100})"\s*:\s*"[\^~]?\d/gm),
  ].map(([, name = "", dependency = ""]) => `${name} ${dependency}`);
  return new Set([...names, heading].flatMap((text) => text.toLowerCase().match(/[a-z]{4,}/g) ?? []));
}

/** A test that holds the misspelt text: it would fail on the right one. */
async function expectedInTests(slips: Slip[], snapshot: Snapshot): Promise<string | null> {
  for (const word of new Set(slips.map(({ wrong }) => wrong))) {
    const test = (await snapshot.search(word, placesMax)).find(({ path }) => isTestFile(path));
    if (test !== undefined) return `${test.path}:${test.line}`;
  }
  return null;
}

function whyNone(isQuoted: boolean, reported: string[], texts: number): string {
  if (isQuoted)
    return `"${reported.join('", "')}" stands in no text that people read, or what it should be is not plain`;
  return texts === 0
    ? "the report quotes no text and names no place, and no answers of an API were found to look at"
    : "no misspelt word was found in the texts that the report can mean";
}
