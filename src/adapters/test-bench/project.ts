import { constants } from "node:fs";
import { access, lstat, open, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";

const packageBytesMax = 1024 ** 2;
const lockBytesMax = 64 * 1024 ** 2;

/** Installed packages that a run may read: the folder `from`, shown as `at` in the checkout (`node_modules`, `packages/api/node_modules`). */
export interface LentModules {
  from: string;
  at: string;
}

const Package = z.object({ scripts: z.record(z.string(), z.string()).optional() });

/**
 * What to run: the operator's command, else the project's own script, for types else the compiler that the project
 * brings. A shell runs it with the project's tools in the path; npm is not needed.
 */
export async function commandFor(
  what: "tests" | "types",
  project: { work: string; lent: readonly LentModules[]; directory: string; configured: string | null },
): Promise<string | undefined> {
  const { work, lent, directory, configured } = project;
  if (configured !== null) return configured;
  const text = await readRegular(join(work, directory, "package.json"), packageBytesMax);
  const scripts = parsePackage(text ?? "{}").scripts ?? {};
  const script = what === "tests" ? scripts.test : scripts.typecheck;
  if (script !== undefined && script.trim() !== "") return script;
  return what === "types" && (await hasCompiler(work, directory, lent)) ? "tsc --noEmit" : undefined;
}

/** The lent `node_modules`, where the commit asks for exactly what is installed there and brings none of its own. */
export async function lentDependencies(work: string, dependencies: string | undefined): Promise<LentModules[]> {
  if (dependencies === undefined || (await isThere(join(work, "node_modules")))) return [];
  const [wanted, installed] = await Promise.all(
    [work, dependencies].map((folder) => readRegular(join(folder, "package-lock.json"), lockBytesMax)),
  );
  const modules = join(dependencies, "node_modules");
  const isSame = wanted !== undefined && wanted === installed && (await isThere(modules));
  return isSame ? [{ from: modules, at: "node_modules" }] : [];
}

/** Of what the caller lends, everything that the commit does not bring itself, where it has that package at all. */
export async function missingModules(work: string, lent: readonly LentModules[]): Promise<LentModules[]> {
  const wanted: LentModules[] = [];
  for (const modules of lent) {
    const place = join(work, modules.at);
    if ((await isThere(dirname(place))) && !(await isThere(place))) wanted.push(modules);
  }
  return wanted;
}

/** Where nothing can be mounted, a link has to do: what runs there can write wherever this user can anyway. */
export async function linkDependencies(work: string, lent: readonly LentModules[]): Promise<void> {
  for (const { from, at } of lent) await symlink(from, join(work, at));
}

async function hasCompiler(work: string, directory: string, lent: readonly LentModules[]): Promise<boolean> {
  if (!(await isThere(join(work, directory, "tsconfig.json")))) return false;
  const own = [...new Set([directory, ""])].map((folder) => join(work, folder, "node_modules"));
  for (const modules of [...lent.map(({ from }) => from), ...own]) {
    if (await access(join(modules, ".bin", "tsc")).then(yes, no)) return true;
  }
  return false;
}

const yes = () => true;
const no = () => false;
const isThere = (path: string): Promise<boolean> => lstat(path).then(yes, no);

/** A regular file's text; `undefined` for whatever else a hostile copy holds there: links, pipes, devices, huge files. */
async function readRegular(path: string, bytesMax: number): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file === undefined) return undefined;
  try {
    const { size, isFile } = await file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
    return isFile && size <= bytesMax ? await file.readFile("utf8") : undefined;
  } finally {
    await file.close();
  }
}

function parsePackage(text: string): z.infer<typeof Package> {
  try {
    const parsed = Package.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
