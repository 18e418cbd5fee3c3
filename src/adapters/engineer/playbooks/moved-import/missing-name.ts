import type { Exports } from "../code/exports.ts";
import { type Import, importsIn } from "../code/imports.ts";
import { onlySlip, slipOf } from "../code/likeness.ts";
import { wholeWord } from "../code/names.ts";
import { type OpenFile, openFile } from "../code/project.ts";
import { lineOf } from "../code/syntax.ts";
import type { Assessment, Cure } from "../editing.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import { type Binding, bindingOf, type Correction, mixedUp, moving, renaming } from "./bindings.ts";
import { exportsAt, fileOf, type Modules, mannerOf, packageOf, specifierFor } from "./project.ts";

const placesMax = 200;
const historyMax = 30;
const exportersMax = 12;
const codeEnding = /\.[cm]?[jt]sx?$/;

/** A name that is taken out of a file which does not give it. */
interface Sought {
  name: string;
  wanted: Import;
  importer: string;
  target: string;
  exported: Exports;
  binding: Binding;
  open: OpenFile;
  modules: Modules;
}

/** `name` is taken out of the file that `given` means, which does not give it. */
export async function cureMissingName(
  name: string,
  given: Import,
  importer: string,
  modules: Modules,
): Promise<Assessment> {
  const unknown = (because: string) => ({ kind: "unknown" as const, because });
  if (isTestFile(importer)) return unknown(`${importer} is a test, and tests are never changed`);
  const target = fileOf(given.specifier, importer, modules);
  if (target === undefined) return undefined;
  const exported = await exportsAt(target, modules);
  if (exported?.names.has(name) === true) return unknown(`${target} exports \`${name}\` in this version`);
  const open = await openFile(importer, modules.snapshot);
  if (typeof open === "string") return unknown(open);
  const wanted = importsIn(open.code.source).find(({ node }) => node.pos === given.node.pos);
  const binding = wanted === undefined ? undefined : bindingOf(name, wanted, open);
  if (wanted === undefined || binding === undefined || exported === undefined)
    return unknown(`how \`${name}\` gets into ${importer} cannot be read`);
  const sought = { name, wanted, importer, target, exported, binding, open, modules };
  const correction = mixedUp(name, binding, exported) ?? (await correctionOf(sought));
  return typeof correction === "string" ? unknown(correction) : cure(sought, correction);
}

async function correctionOf(sought: Sought): Promise<Correction | string> {
  const { name, importer, target, exported, binding, open, modules } = sought;
  if (!exported.isComplete) return `what else ${target} exports cannot be read`;
  if (name === "default") return `${target} has no default export, and nothing that could be meant by it`;
  const others = [...exported.names.keys()].filter((one) => one !== "default");
  const slip = onlySlip(name, others);
  const exporters = await exportersOf(name, importer, target, modules);
  if (slip !== undefined && !slip.isOtherForm && exporters.length === 0) {
    return {
      because: `of all that ${target} exports only \`${slip.name}\` (line ${exported.names.get(slip.name)}) can be meant`,
      certainty: slip.steps < 2 ? 93 : 86,
      edits: renaming(binding, slip.name, open),
      strategy: `import \`${slip.name}\` instead of \`${name}\``,
    };
  }
  const [only, ...more] = exporters;
  if (only === undefined) return `${target} exports no \`${name}\`, and nothing that could be meant by it`;
  const isNear = others.some((one) => slipOf(name, one) !== undefined);
  return more.length > 0 || isNear ? `what is meant by \`${name}\` is not plain` : movedTo(only, sought);
}

/** The name is exported by one other file of the package. */
async function movedTo(
  file: string,
  { name, wanted, importer, target, binding, open, modules }: Sought,
): Promise<Correction | string> {
  const specifiers = importsIn(open.code.source).map(({ specifier }) => specifier);
  const manner = mannerOf(specifiers, modules, codeEnding.test(wanted.specifier));
  const edits = moving(binding, wanted, specifierFor(file, importer, wanted.specifier, modules, manner), open);
  if (edits === undefined) return `\`${name}\` is imported together with other things in a way that cannot be parted`;
  const commit = await sharedCommit(target, file, modules);
  const touched = commit === undefined ? "" : `, and the commit ${commit.slice(0, 10)} touched both`;
  return {
    because: `${file} is the only file that exports it${touched}`,
    certainty: commit === undefined ? 82 : 90,
    edits,
    strategy: `import \`${name}\` from ${file}`,
  };
}

/** Files, tests aside, that export the name themselves. */
async function exportersOf(name: string, importer: string, target: string, modules: Modules): Promise<string[]> {
  const word = wholeWord(name);
  const own = packageOf(importer, modules);
  const isCandidate = (path: string) =>
    isSourceFile(path) && !isTestFile(path) && path !== importer && path !== target && packageOf(path, modules) === own;
  const says = (text: string) => word.test(text) && /export/.test(text) && !/\bfrom\s*["']/.test(text);
  const places = await modules.snapshot.search(name, placesMax);
  const paths = new Set(places.filter(({ path, text }) => says(text) && isCandidate(path)).map(({ path }) => path));
  const found: string[] = [];
  for (const path of [...paths].slice(0, exportersMax))
    if ((await exportsAt(path, modules))?.names.has(name) === true) found.push(path);
  return found;
}

async function sharedCommit(one: string, other: string, { snapshot }: Modules): Promise<string | undefined> {
  const ours = new Set((await snapshot.history(one, historyMax)).map(({ commit }) => commit));
  return (await snapshot.history(other, historyMax)).find(({ commit }) => ours.has(commit))?.commit;
}

function cure({ open, wanted, target, name }: Sought, { because, certainty, edits, strategy }: Correction): Cure {
  const line = lineOf(open.code, wanted.node.getStart());
  const shown = name === "default" ? "default export" : `\`${name}\``;
  return {
    kind: "cure",
    rootCause: `${open.code.path}:${line} imports ${name === "default" ? "the default export" : shown} of ${target}, which has none: ${because}.`,
    evidence: [
      { file: open.code.path, line, note: `${shown} is imported here from \`${wanted.specifier}\`` },
      { file: target, line: 1, note: `exports no ${shown}` },
    ],
    strategy,
    subject: strategy.replaceAll("`", "").replace(/^i/, "I"),
    stops: `What ${open.code.path}:${line} imports is there.`,
    confidence: certainty,
    changes: [{ path: open.code.path, edits }],
  };
}
