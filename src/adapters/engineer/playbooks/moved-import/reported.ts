import type { Snapshot } from "#ports/repository.ts";
import { importsIn } from "../code/imports.ts";
import { parse } from "../code/syntax.ts";
import type { Assessment } from "../editing.ts";
import { isSourceFile, isTestFile } from "../places.ts";
import type { ImportError } from "./error-text.ts";
import { cureMissingFile } from "./missing-file.ts";
import { cureMissingName } from "./missing-name.ts";
import { exportsAt, fileOf, modulesOf } from "./project.ts";

type Reported = Exclude<ImportError, { kind: "use" }>;

const placesMax = 200;

/** What a loader or bundler reported about an import, found in the code. */
export async function cureImport(
  error: Reported,
  at: { importer: string | undefined; importerText: string | null },
  snapshot: Snapshot,
): Promise<Assessment> {
  const importer = at.importer ?? (await importerOf(error, snapshot));
  if (importer === undefined)
    return { kind: "unknown", because: "which file of this version holds the import is not known" };
  const modules = await modulesOf(snapshot, importer);
  if (error.kind === "path") {
    const { specifier, target } = error;
    return cureMissingFile({ importer, specifier, target, importerText: at.importerText ?? importer }, modules);
  }
  const text = await snapshot.read(importer);
  const code = text === undefined ? undefined : parse(importer, text);
  if (code === undefined) return { kind: "unknown", because: `${importer} cannot be read or does not parse` };
  const imports = importsIn(code.source).filter((one) =>
    error.specifier === null ? one.names.has(error.name) : sameFile(one.specifier, error.specifier),
  );
  const [wanted, ...others] = imports.filter(({ names }) => names.has(error.name));
  if (wanted === undefined || others.length > 0)
    return { kind: "unknown", because: `${importer} holds no such import, or more than one` };
  return cureMissingName(error.name, wanted, importer, modules);
}

/** Compilers print a specifier as it is written, or the path that it was resolved to. */
function sameFile(specifier: string, reported: string): boolean {
  return (
    specifier === reported ||
    reported.endsWith(`/${specifier.replace(/^(?:\.{1,2}\/)+/, "").replace(/\.[cm]?[jt]sx?$/, "")}`)
  );
}

/** Some engines name only what was looked for: the one file that imports it so, and in vain. */
async function importerOf(error: Reported, snapshot: Snapshot): Promise<string | undefined> {
  if (error.specifier === null) return undefined;
  const found = new Set<string>();
  for (const { path } of await snapshot.search(error.specifier, placesMax)) {
    if (found.has(path) || !isSourceFile(path) || isTestFile(path)) continue;
    const text = await snapshot.read(path);
    const code = text === undefined ? undefined : parse(path, text);
    const modules = await modulesOf(snapshot, path);
    for (const one of code === undefined ? [] : importsIn(code.source)) {
      if (one.specifier !== error.specifier) continue;
      const target = fileOf(one.specifier, path, modules);
      const isVain =
        error.kind === "path"
          ? target === undefined
          : target !== undefined &&
            one.names.has(error.name) &&
            (await exportsAt(target, modules))?.names.has(error.name) === false;
      if (isVain) found.add(path);
    }
  }
  const [only, ...others] = found;
  return others.length === 0 ? only : undefined;
}
