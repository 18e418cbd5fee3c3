import { posix } from "node:path";
import { type Import, importsIn } from "../code/imports.ts";
import { type Code, lineOf, parse } from "../code/syntax.ts";
import type { Assessment, Change, Cure } from "../editing.ts";
import { isTestFile } from "../places.ts";
import { type Found, foundAgain, type Rewrite, sameElsewhere } from "./paths.ts";
import { basesOf, fileOf, type Manner, type Modules, mannerOf, specifierFor } from "./project.ts";

/** An import of a file that is not there. `target` is what the loader looked for, as an absolute path of the host. */
export interface MissingFile {
  importer: string;
  specifier: string | null;
  target: string | null;
  /** As the report writes it: the host's folders stand before it. */
  importerText: string;
}

/** The import, and all others of the same file, as they must read. */
export async function cureMissingFile(missing: MissingFile, modules: Modules): Promise<Assessment> {
  const { importer } = missing;
  if (isTestFile(importer)) return { kind: "unknown", because: `${importer} is a test, and tests are never changed` };
  const text = await modules.snapshot.read(importer);
  const code = text === undefined ? undefined : parse(importer, text);
  if (code === undefined) return { kind: "unknown", because: `${importer} cannot be read or does not parse` };
  const wanted = wantedIn(code, missing);
  if (wanted === undefined)
    return { kind: "unknown", because: `${importer} holds no such import; the code may have changed since` };
  const [base] = basesOf(wanted.specifier, importer, modules);
  if (base === undefined) return undefined;
  const there = fileOf(wanted.specifier, importer, modules);
  const found = there === undefined ? await foundAgain(wanted, importer, modules) : withEnding(there, base, missing);
  if (typeof found === "string") return { kind: "unknown", because: found };
  const manner = mannerOf(
    importsIn(code.source).map(({ specifier }) => specifier),
    modules,
    missing.target !== null,
  );
  const first: Rewrite = {
    path: importer,
    wanted,
    to: specifierFor(found.file, importer, wanted.specifier, modules, manner),
    found,
  };
  if (first.to === wanted.specifier)
    return { kind: "unknown", because: `\`${wanted.specifier}\` is right in this version` };
  if (there !== undefined) return cure(code, first, [], []);
  const { rewrites, tests } = await sameElsewhere(wanted, importer, found, modules, manner);
  return cure(code, first, [...(await othersIn(code, wanted, modules, manner)), ...rewrites], tests);
}

function wantedIn({ source, path }: Code, { specifier, target, importerText }: MissingFile): Import | undefined {
  const all = importsIn(source);
  if (specifier !== null) return all.find((one) => one.specifier === specifier);
  const root = importerText
    .replace(/^file:\/\//, "")
    .replaceAll("\\", "/")
    .slice(0, -path.length);
  const inside = (target ?? "").replace(/^file:\/\//, "").replaceAll("\\", "/");
  if (!inside.startsWith(root)) return undefined;
  const wanted = inside.slice(root.length);
  return all.find(
    (one) =>
      one.specifier.startsWith(".") &&
      posix.join(posix.dirname(path), one.specifier).replace(/\/$/, "") === wanted.replace(/\/$/, ""),
  );
}

/** The file is there under a longer name: the loader adds neither endings nor `/index`. */
function withEnding(file: string, base: string, { target }: MissingFile): Found | string {
  if (target === null || file === base) return `${file} is there in this version`;
  return { file, because: `${file} is what is meant, and the loader adds no endings`, certainty: 93 };
}

/** Further imports of a file that was moved itself: they lead nowhere as well, and would fail next. */
async function othersIn({ source, path }: Code, wanted: Import, modules: Modules, manner: Manner): Promise<Rewrite[]> {
  const rewrites: Rewrite[] = [];
  for (const other of importsIn(source)) {
    const leadsNowhere =
      other.specifier.startsWith(".") &&
      other.node !== wanted.node &&
      fileOf(other.specifier, path, modules) === undefined;
    if (!leadsNowhere || basesOf(other.specifier, path, modules).length === 0) continue;
    const found = await foundAgain(other, path, modules);
    if (typeof found !== "string" && found.certainty >= 80)
      rewrites.push({
        path,
        wanted: other,
        to: specifierFor(found.file, path, other.specifier, modules, manner),
        found,
      });
  }
  return rewrites;
}

function cure(code: Code, first: Rewrite, others: Rewrite[], tests: string[]): Cure {
  const { wanted, to, found } = first;
  const line = lineOf(code, wanted.node.getStart());
  const changes = new Map<string, Change>();
  for (const { path, wanted: one, to: text } of [first, ...others]) {
    const change = changes.get(path) ?? { path, edits: [] };
    // Between the quotes, which stay as they are.
    change.edits.push({ start: one.node.getStart() + 1, end: one.node.getEnd() - 1, text });
    changes.set(path, change);
  }
  const more = others.length === 0 ? "" : ` and ${others.length} more import${others.length === 1 ? "" : "s"} alike`;
  const left =
    tests.length === 0
      ? ""
      : ` ${tests.length === 1 ? "A test imports" : `${tests.length} tests import`} it by the old path as well (${tests.slice(0, 3).join(", ")}) and are left for a person.`;
  return {
    kind: "cure",
    rootCause: `${code.path}:${line} imports \`${wanted.specifier}\`, and there is no such file: ${found.because}.${left}`,
    evidence: [
      { file: code.path, line, note: `\`${wanted.specifier}\` is imported here` },
      { file: found.file, line: 1, note: "the file that is meant" },
    ],
    strategy: `import \`${to}\` instead of \`${wanted.specifier}\`${more}`,
    subject: `Import ${posix.basename(found.file)} from where it is`,
    stops: `The import at ${code.path}:${line} finds its file.`,
    confidence: found.certainty - (tests.length > 0 ? 12 : 0),
    changes: [
      changes.get(code.path) ?? { path: code.path, edits: [] },
      ...[...changes.values()].filter(({ path }) => path !== code.path),
    ],
  };
}
