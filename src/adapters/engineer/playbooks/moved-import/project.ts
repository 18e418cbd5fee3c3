import { posix } from "node:path";
import type { Snapshot } from "#ports/repository.ts";
import { type Exports, exportsOf } from "../code/exports.ts";
import { type Alias, pathAliases, resolve } from "../code/project.ts";

/** The repository as far as imports are concerned. */
export interface Modules {
  snapshot: Snapshot;
  files: Set<string>;
  aliases: Alias[];
}

/** As the file at `importer` sees it: in a repository of several packages each has short names of its own. */
export async function modulesOf(snapshot: Snapshot, importer: string): Promise<Modules> {
  return { snapshot, files: new Set(await snapshot.list()), aliases: await pathAliases(snapshot, importer) };
}

/** The file that a specifier means; `undefined` when there is none, or when it means a package. */
export function fileOf(specifier: string, importer: string, { files, aliases }: Modules): string | undefined {
  return resolve(specifier, importer, files, aliases);
}

export function exportsAt(path: string, modules: Modules): Promise<Exports | undefined> {
  return exportsOf(path, modules.snapshot, modules);
}

/** The paths, without an ending, that a specifier stands for; none when it means a package. */
export function basesOf(specifier: string, importer: string, { aliases }: Modules): string[] {
  if (/^\.{1,2}(?:\/|$)/.test(specifier)) {
    const base = posix.join(posix.dirname(importer), specifier);
    return base.startsWith("..") ? [] : [base.replace(/\/$/, "")];
  }
  return aliases.flatMap(({ prefix, targets }) =>
    prefix !== "" && specifier.startsWith(prefix)
      ? targets.map((target) => target + specifier.slice(prefix.length))
      : [],
  );
}

/** The folder of the package that a file belongs to. */
export function packageOf(path: string, { files }: Modules): string {
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    if (folder === "." || folder === "/" || files.has(`${folder}/package.json`)) return folder;
  }
}

const codeEnding = /(?:\.d)?\.[cm]?[jt]sx?$/;

/** A path without what an import may leave out. */
export function stemOf(path: string): string {
  return path.replace(codeEnding, "").replace(/\/index$/, "");
}

/** How a file is named from another one, in the manner of the specifier that it replaces and of the file around it. */
export function specifierFor(file: string, importer: string, old: string, modules: Modules, manner: Manner): string {
  const { aliases } = modules;
  const ending = codeEnding.exec(old)?.[0];
  const named = withEnding(file, ending, manner.needsEnding, /\/index(?:\.\w+)?$/.test(old));
  const relative = posix.relative(posix.dirname(importer), named);
  const own = old.startsWith(".") ? [] : aliases.filter(({ prefix }) => prefix !== "" && old.startsWith(prefix));
  const isFar = upwards(relative) > Math.max(1, upwards(old));
  const usual = isFar && manner.alias !== undefined ? [manner.alias] : [];
  for (const { prefix, targets } of [...own, ...usual]) {
    const target = targets.find((one) => named.startsWith(one));
    if (target !== undefined) return prefix + named.slice(target.length);
  }
  // In the same folder as before only the last part is another one.
  if (old.startsWith(".") && posix.dirname(posix.join(posix.dirname(importer), old)) === posix.dirname(named))
    return `${old.slice(0, old.lastIndexOf("/") + 1)}${posix.basename(named)}`;
  return relative.startsWith(".") ? relative : `./${relative}`;
}

function upwards(specifier: string): number {
  return specifier.split("../").length - 1;
}

/** How a file names others. */
export interface Manner {
  /** Node itself loads it, and adds no endings. */
  needsEnding: boolean;
  /** The short name by which it goes for what is further away, where it does so more often than not. */
  alias: Alias | undefined;
}

/** The manner that the imports of a file show. */
export function mannerOf(specifiers: string[], modules: Modules, needsEnding: boolean): Manner {
  const counts = modules.aliases.map((alias) => ({
    alias,
    count: specifiers.filter(
      (one) =>
        !one.startsWith(".") &&
        one.startsWith(alias.prefix) &&
        fileOf(one, "", { ...modules, aliases: [alias] }) !== undefined,
    ).length,
  }));
  const [most] = counts.toSorted((one, other) => other.count - one.count);
  const upwards = specifiers.filter((one) => one.startsWith("../")).length;
  return { needsEnding, alias: most !== undefined && most.count > upwards ? most.alias : undefined };
}

function withEnding(file: string, ending: string | undefined, needsEnding: boolean, namesIndex: boolean): string {
  if (!codeEnding.test(file)) return file;
  if (ending !== undefined || needsEnding) {
    const isCompiled = /\.[cm]?tsx?$/.test(file) && /\.[cm]?jsx?$/.test(ending ?? "");
    return isCompiled ? file.replace(/\.([cm]?)tsx?$/, ".$1js") : file;
  }
  const plain = file.replace(codeEnding, "");
  return namesIndex ? plain : plain.replace(/\/index$/, "");
}
