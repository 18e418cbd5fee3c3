import { cp, mkdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { createSandboxTestBench } from "#adapters/test-bench/sandbox.ts";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { TestRun } from "#ports/test-bench.ts";
import { git } from "#tests/support/git.ts";
import { type Archive, readArchive, writeFiles } from "./archive.ts";
import { type Case, errorTextOf } from "./cases.ts";

export interface Places {
  /** The folder of the cases' file. */
  cases: string;
  /** Where `owner/name` are looked for. */
  mirrors: string | null;
  work: string;
}

/** A case, ready to be tried. */
export interface Prepared {
  /** A working copy at the base commit. */
  repository: string;
  /** As a person would hand it over. */
  error: string;
  hidden: Record<string, string>;
}

export async function prepare(given: Case, places: Places): Promise<Prepared> {
  const archive = given.files === undefined ? undefined : await archiveAt(resolve(places.cases, given.files));
  const repository = await prepareRepository(given, archive, places);
  const error =
    given.crash === undefined ? errorTextOf(given) : await crashed(given.crash, repository, archive, places);
  return { repository, error, hidden: { ...archive?.hidden, ...given.hidden_tests?.files } };
}

async function archiveAt(file: string): Promise<Archive> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Failure("not_found", `The file ${file} cannot be read.`, { cause });
  });
  return readArchive(text);
}

async function prepareRepository(given: Case, archive: Archive | undefined, places: Places): Promise<string> {
  const folder = join(places.work, given.id, "repo");
  await rm(join(places.work, given.id), { recursive: true, force: true });
  await mkdir(join(places.work, given.id), { recursive: true });
  if (archive !== undefined) await newRepository(archive.files, folder);
  else await clone(await sourceOf(given, places), folder, given.base_commit ?? "HEAD");
  if (given.dependencies !== undefined) {
    await symlink(join(resolve(places.cases, given.dependencies), "node_modules"), join(folder, "node_modules"));
  }
  return folder;
}

async function newRepository(files: Record<string, string>, folder: string): Promise<void> {
  await writeFiles(folder, files);
  await git(folder, "init", "--quiet", "--initial-branch=main");
  await git(folder, "add", "--all", "--force");
  await git(folder, ...author, "commit", "--quiet", "-m", "Begin");
}

const author = ["-c", "user.name=Eval", "-c", "user.email=eval@localhost", "-c", "core.hooksPath=/dev/null"];

/** Borrows the mirror's objects: a copy costs no more than its files. */
async function clone(source: string, folder: string, commit: string): Promise<void> {
  const quiet = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"];
  await git("/", ...quiet, "clone", "--quiet", "--shared", "--no-checkout", source, folder);
  await git(folder, ...quiet, "checkout", "--quiet", "--detach", commit).catch((cause: unknown) => {
    throw new Failure("not_found", `${source} does not hold the commit ${commit}.`, { cause });
  });
}

async function sourceOf({ repo = "" }: Case, { cases, mirrors }: Places): Promise<string> {
  const [owner = "", name = ""] = repo.split("/");
  const isNamed = /^[\w.-]+\/[\w.-]+$/.test(repo);
  const mirrored =
    mirrors === null || !isNamed
      ? []
      : [
          `${owner}+${name}/repo`,
          `${owner}/${name}`,
          `${owner}/${name}.git`,
          `${owner}+${name}`,
          `${owner}__${name}`,
          name,
        ].map((path) => join(resolve(mirrors), path));
  for (const place of [...mirrored, isAbsolute(repo) ? repo : resolve(cases, repo)]) {
    if (
      await stat(place).then(
        (found) => found.isDirectory(),
        () => false,
      )
    )
      return place;
  }
  throw new Failure("not_found", `The repository ${repo} was not found.`, {
    hint: isNamed && mirrors === null ? "Say with --mirrors where copies of repositories are." : "",
  });
}

/** The error as it happens now. */
async function crashed(
  command: string,
  repository: string,
  archive: Archive | undefined,
  places: Places,
): Promise<string> {
  const folder = `${repository}-crash`;
  await cp(repository, folder, { recursive: true, verbatimSymlinks: true });
  await writeFiles(folder, archive?.crash ?? {});
  const run = await runIn(folder, command, places);
  if (run.kind === "finished" && run.report.outcome === "failed") return run.report.output;
  throw new Failure("invalid", `"${command}" does not fail, so there is no error.`);
}

const nowhere = Sha.parse("0".repeat(40));

/** Runs a command of the case on a copy of its files, in the sandbox: it is anybody's code. */
export async function runIn(folder: string, command: string, { work }: Places): Promise<TestRun> {
  const modules = join(folder, "node_modules");
  const isIts = (path: string) => path !== modules && !path.startsWith(`${modules}/`) && path !== join(folder, ".git");
  const bench = createSandboxTestBench({
    source: { export: (_, directory) => cp(folder, directory, { recursive: true, filter: isIts }) },
    scratch: join(work, "tests"),
    testCommand: command,
    typesCommand: null,
    isolation: "bubblewrap",
    lent: (await stat(modules).catch(() => undefined)) ? [{ from: modules, at: "node_modules" }] : [],
    nodePath: process.execPath,
  });
  return bench.run(nowhere, "tests");
}
