import { constants } from "node:fs";
import { access, lstat, realpath, stat } from "node:fs/promises";
import { delimiter, dirname, join, posix } from "node:path";
import type { LentModules } from "#adapters/test-bench/sandbox.ts";

/** What a run of the tests needs of this machine: the packages that the folder has installed, and the Node that its owner uses. */

const foldersMax = 200;

/**
 * Every `node_modules` of the work tree: at its top and beside each package of it. One that the repository itself holds is
 * not lent, and a link must lead to a folder of that name: what a hostile repository links to is nothing to be shown.
 */
export async function installedModules(top: string, files: readonly string[]): Promise<LentModules[]> {
  const packages = files.filter((path) => posix.basename(path) === "package.json").map((path) => posix.dirname(path));
  const folders = [...new Set([".", ...packages])].toSorted().slice(0, foldersMax);
  const found: LentModules[] = [];
  for (const folder of folders) {
    const at = posix.join(folder, "node_modules");
    if (files.some((path) => path === at || path.startsWith(`${at}/`))) continue;
    const from = await realpath(join(top, at)).catch(() => undefined);
    if (from?.endsWith("/node_modules") && (await isFolder(from))) found.push({ from, at });
  }
  return found;
}

/**
 * The Node for the tests: the first on `searchPath` that is not our own, because a project is tested with what its owner
 * runs. `own` where there is no other.
 */
export async function nodeOnPath(searchPath: string, own: string): Promise<string> {
  const ownPath = await realpath(own);
  for (const folder of searchPath.split(delimiter).filter((each) => each.startsWith("/"))) {
    const candidate = await realpath(join(folder, "node")).catch(() => undefined);
    if (candidate !== undefined && candidate !== ownPath && (await isProgram(candidate))) return candidate;
  }
  return ownPath;
}

async function isProgram(path: string): Promise<boolean> {
  const isFile = await lstat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  return (
    isFile &&
    (await access(path, constants.X_OK).then(
      () => true,
      () => false,
    ))
  );
}

/** The folder of npm that belongs to `node`, where it is not among the programs that every run sees. */
export async function npmBeside(node: string): Promise<string | undefined> {
  const folder = join(dirname(dirname(node)), "lib", "node_modules", "npm");
  return folder.startsWith("/usr/") || !(await isFolder(folder)) ? undefined : folder;
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
