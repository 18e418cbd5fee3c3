import { posix } from "node:path";
import { type Import, importsIn, membersOf } from "../code/imports.ts";
import { slipOf } from "../code/likeness.ts";
import { parse } from "../code/syntax.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import { basesOf, exportsAt, fileOf, type Manner, type Modules, packageOf, specifierFor, stemOf } from "./project.ts";

/** Where a file that is not found most likely is now. */
export interface Found {
  file: string;
  /** As a clause. */
  because: string;
  certainty: number;
}

const historyMax = 30;
const nearMax = 12;
/** Each look into the past of a large repository takes a while. */
const pastMax = 4;
const importersMax = 40;
const sureMin = 80;
const codeEnding = /\.[cm]?[jt]sx?$/;
/** Names that many folders have: by themselves they say nothing. */
const usual =
  /^(?:index|utils?|helpers?|types?|constants?|config|common|main|app|client|server|api|lib|core|base|shared|models?|schema|errors?|routes?|page|layout|route|styles?|hooks?|context|store|actions?|queries|data|test|setup|options|settings|interfaces?|service|controller|package)$/i;
/** What a build writes is not in the repository, and nothing of it may be guessed. */
const generated =
  /(?:^|\/)(?:dist|build|out|generated|__generated__|\.next|\.prisma|coverage|node_modules|\.cache|[\w-]*-cov)(?:\/|$)/;
const otherEnding = /\.(?!d$)[a-z]\w{0,9}$/i;

/** The one file that an import can mean whose file is not there; a sentence when there is none or more than one. */
export async function foundAgain(wanted: Import, importer: string, modules: Modules): Promise<Found | string> {
  const [base] = basesOf(wanted.specifier, importer, modules);
  if (base === undefined) return `\`${wanted.specifier}\` is a package or leads out of the repository`;
  if (generated.test(base)) return `\`${wanted.specifier}\` is written by a build`;
  const sought = soughtFor(base, importer, modules);
  const suiting = async (found: Found[]) => oneEach(await thatExport(wanted, found, modules));
  const same = await suiting(byCase(sought));
  const [only, ...others] = same.length > 0 ? same : await suiting(byTail(sought));
  if (only !== undefined && others.length === 0 && only.certainty >= sureMin) return only;
  // Several of that name, too usual a name, or another name: the history may tell.
  const [removed, ...more] = await suiting(await byHistory(sought, modules));
  if (removed !== undefined && more.length === 0) return removed;
  const several = (found: Found[]) =>
    `${found
      .slice(0, 4)
      .map(({ file }) => file)
      .join(" and ")} can be meant by \`${wanted.specifier}\``;
  if (only !== undefined && others.length > 0) return several([only, ...others]);
  if (only !== undefined) return `nothing shows that ${only.file} is what \`${wanted.specifier}\` was`;
  const slips = await suiting(bySlip(sought));
  const [slip] = slips;
  if (slip !== undefined && slips.length === 1 && slip.certainty >= sureMin) return slip;
  return slips.length > 1 ? several(slips) : `no file of the repository can be meant by \`${wanted.specifier}\``;
}

/** What is looked for, and where. */
interface Sought {
  base: string;
  /** Without what an import may leave out. */
  stem: string;
  files: string[];
  stemmed(file: string): string;
}

function soughtFor(base: string, importer: string, modules: Modules): Sought {
  const isCode = !otherEnding.test(base.replace(codeEnding, "")) || codeEnding.test(base);
  const isKind = (file: string) => (isCode ? isSourceFile(file) : posix.extname(file) === posix.extname(base));
  const own = packageOf(importer, modules);
  const files = [...modules.files].filter(
    (file) =>
      isKind(file) &&
      file !== importer &&
      !isTestFile(file) &&
      !generated.test(file) &&
      // Another package is imported by its name, never by a path into it.
      packageOf(file, modules) === own,
  );
  const stemmed = (file: string) => (isCode ? stemOf(file) : file);
  return { base, stem: stemmed(base), files, stemmed };
}

/** The same but for large and small letters, or for the sign between words. */
function byCase({ stem, files, stemmed }: Sought): Found[] {
  const plain = (path: string) => path.toLowerCase().replaceAll("_", "-");
  return files
    .filter((file) => stemmed(file) !== stem && plain(stemmed(file)) === plain(stem))
    .map((file) => {
      const isCase = stemmed(file).toLowerCase() === stem.toLowerCase();
      const because = isCase
        ? "has that name in other letters (large and small ones differ)"
        : "has that name with another sign between its words";
      return { file, because: `${file} ${because}`, certainty: isCase ? 95 : 91 };
    });
}

/** Files of the same name elsewhere; of those the ones that share most of the folders as well. */
function byTail({ stem, files, stemmed }: Sought): Found[] {
  const wanted = stem.split("/").reverse();
  const shared = (file: string) => {
    const own = stemmed(file).split("/").reverse();
    const differs = own.findIndex((part, index) => part !== wanted[index]);
    return differs < 0 ? own.length : differs;
  };
  const scored = files.map((file) => ({ file, count: shared(file) })).filter(({ count }) => count > 0);
  const most = Math.max(0, ...scored.map(({ count }) => count));
  const certainty = most > 1 ? 90 : usual.test(wanted[0] ?? "") ? 0 : 87;
  return scored
    .filter(({ count }) => count === most)
    .map(({ file }) => ({ file, because: `${file} is the only file of that name`, certainty }));
}

/** The commit that took the file away put another of the same or a similar name elsewhere. */
async function byHistory({ base, stem, files, stemmed }: Sought, { snapshot }: Modules): Promise<Found[]> {
  const name = posix.basename(stem);
  const near = files.filter((file) => {
    const own = posix.basename(stemmed(file));
    return own === name || slipOf(plainName(name), plainName(own)) !== undefined;
  });
  if (near.length === 0 || near.length > pastMax) return [];
  const endings = new Set(near.map((file) => codeEnding.exec(file)?.[0] ?? ""));
  const paths = codeEnding.test(base)
    ? [base, base.replace(/\.([cm]?)js(x?)$/, ".$1ts$2")]
    : [...endings].map((ending) => stem + ending);
  for (const path of new Set(paths)) {
    const [removal] = await snapshot.history(path, 1);
    if (removal === undefined) continue;
    const found: Found[] = [];
    for (const file of near) {
      const past = await snapshot.history(file, historyMax);
      if (past.some(({ commit }) => commit === removal.commit))
        found.push({
          file,
          because: `the commit ${removal.commit.slice(0, 10)} moved ${path} to ${file}`,
          certainty: 94,
        });
    }
    if (found.length > 0) return found;
  }
  return [];
}

/** A slip in one part of the path. */
function bySlip({ stem, files, stemmed }: Sought): Found[] {
  const wanted = stem.split("/");
  return files.flatMap((file) => {
    const own = stemmed(file).split("/");
    if (own.length !== wanted.length) return [];
    const different = own.flatMap((part, index) =>
      part === wanted[index] ? [] : [{ part, wrong: wanted[index] ?? "" }],
    );
    const [only, ...others] = different;
    const slip =
      only === undefined || others.length > 0 ? undefined : slipOf(plainName(only.wrong), plainName(only.part));
    return slip === undefined
      ? []
      : [{ file, because: `${file} is the only file of a name like that`, certainty: slip.isOtherForm ? 82 : 88 }];
  });
}

function plainName(part: string): string {
  return part.replace(/[^\w$]+/g, "_");
}

/** Those that export all that is taken out of them; where nothing is, a name alone shows little. */
async function thatExport(wanted: Import, candidates: Found[], modules: Modules): Promise<Found[]> {
  const fitting: Found[] = [];
  const members = [...(wanted.isWhole ? membersOf(wanted) : wanted.names)];
  for (const candidate of candidates.slice(0, nearMax)) {
    const exported = members.length === 0 ? undefined : await exportsAt(candidate.file, modules);
    const has = (name: string) =>
      exported?.names.has(name) === true || (name === "default" && exported?.isCommon === true);
    const isProven = members.length > 0 && members.every(has);
    if (members.length > 0 && !isProven && exported?.isComplete !== false) continue;
    fitting.push({
      ...candidate,
      certainty: certaintyOf(
        candidate.certainty,
        isProven,
        members.some((name) => name !== "default"),
        wanted,
      ),
    });
  }
  return fitting;
}

function certaintyOf(certainty: number, isProven: boolean, isNamed: boolean, { isWhole, holder }: Import): number {
  // A name that many files have shows nothing, but what the file exports does.
  if (certainty === 0) return isProven && isNamed ? 82 : 0;
  if (isProven) return certainty;
  if (certainty >= 94) return certainty - 2;
  return isWhole && holder === undefined && certainty < 90 ? 0 : certainty - 6;
}

/** `x.ts` beside `x.d.ts` or `x.js` is one thing: the source counts. */
function oneEach(found: Found[]): Found[] {
  const byStem = new Map<string, Found>();
  for (const one of found) {
    const known = byStem.get(stemOf(one.file));
    const isSource = /\.tsx?$/.test(one.file) && !/\.d\.ts$/.test(one.file);
    if (known === undefined || isSource) byStem.set(stemOf(one.file), one);
  }
  return [...byStem.values()];
}

/** A specifier to be replaced in one file. */
export interface Rewrite {
  path: string;
  wanted: Import;
  to: string;
  found: Found;
}

/** How every import that names the same missing file is to read, in files that may be changed; `tests` are left. */
export async function sameElsewhere(
  wanted: Import,
  importer: string,
  found: Found,
  modules: Modules,
  manner: Manner,
): Promise<{ rewrites: Rewrite[]; tests: string[] }> {
  const [base = ""] = basesOf(wanted.specifier, importer, modules);
  const stem = stemOf(base);
  const name = posix.basename(stem);
  const rewrites: Rewrite[] = [];
  const tests: string[] = [];
  const ending = codeEnding.exec(wanted.specifier)?.[0] ?? "";
  const paths = new Set<string>();
  for (const quote of ["'", '"']) {
    for (const { path, text } of await modules.snapshot.search(`${name}${ending}${quote}`, importersMax))
      if (/\b(?:from|require|import)\b/.test(text)) paths.add(path);
  }
  for (const path of paths) {
    if (path === importer || !isSourceFile(path) || rewrites.length >= 8) continue;
    const text = await modules.snapshot.read(path);
    const code = text === undefined ? undefined : parse(path, text);
    for (const other of code === undefined ? [] : importsIn(code.source)) {
      const isSame =
        basesOf(other.specifier, path, modules).some((one) => stemOf(one) === stem) &&
        fileOf(other.specifier, path, modules) === undefined;
      if (!isSame) continue;
      if (isTestFile(path)) tests.push(path);
      else
        rewrites.push({
          path,
          wanted: other,
          to: specifierFor(found.file, path, other.specifier, modules, manner),
          found,
        });
    }
  }
  return { rewrites, tests };
}
