import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
import type { TestBench, TestRun } from "#ports/test-bench.ts";
import { type Command, runBounded } from "./bounded-run.ts";
import { bubblewrapCommand, writeHosts } from "./bubblewrap.ts";
import { createControlGroup, removeOrphanedGroups } from "./control-groups.ts";
import { probeSandbox } from "./probe.ts";
import { commandFor, type LentModules, lentDependencies, linkDependencies, missingModules } from "./project.ts";
import { reportOf } from "./report.ts";
import { inFreshFolder, prepareScratch } from "./scratch.ts";

export { probeSandbox } from "./probe.ts";
export type { LentModules } from "./project.ts";

export interface Limits {
  timeMs: number;
  memoryBytes: number;
  processes: number;
  /** Kept of the output: its beginning and its end. */
  outputBytes: number;
  /** Output past this ends the run. */
  outputBytesMax: number;
  /** Size of the private /tmp, held in memory. */
  temporaryBytes: number;
  /** The largest single file that may be written. */
  fileBytes: number;
  /** Written to the disk in all; past this the run ends. */
  diskBytes: number;
}

const defaults: Limits = {
  timeMs: 180_000,
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  outputBytes: 200_000,
  outputBytesMax: 20_000_000,
  temporaryBytes: 256 * 1024 ** 2,
  fileBytes: 512 * 1024 ** 2,
  diskBytes: 2 * 1024 ** 3,
};

export interface SandboxTestBenchOptions {
  /** Where a commit's files come from. */
  source: { export(commit: Sha, directory: string): Promise<void> };
  /** Copies for runs; made when missing. Leftovers of killed runs are removed. */
  scratch: string;
  /** `null`: the project's own `test` script. */
  testCommand: string | null;
  /** `null`: the project's own `typecheck` script, else the TypeScript compiler that it brings. */
  typesCommand: string | null;
  /** `none` runs target code as it is: only for our own bundled application, or where an operator chose it knowingly. */
  isolation: "bubblewrap" | "none";
  /** A folder with `node_modules`, lent to commits with the same lock file; in the sandbox read-only. */
  dependencies?: string;
  /** Installed packages lent to every commit whatever its lock file says; in the sandbox read-only. */
  lent?: readonly LentModules[];
  /** Where in the checkout the commands run, relative and with `/`. Unset: at its top. */
  directory?: string;
  nodePath: string;
  /** The folder of an npm that lies elsewhere than below /usr, where every run sees it anyway. */
  npm?: string;
  limits?: Partial<Limits>;
}

/**
 * Runs a project's tests on a copy of the commit: no network, no credentials, no host files, bounded in time, memory,
 * processes, disk and output. Refuses to run at all where that cannot be had, unless `isolation` is `none`.
 */
export function createSandboxTestBench(options: SandboxTestBenchOptions): TestBench {
  const limits = { ...defaults, ...options.limits };
  let ready: Promise<void> | undefined;
  const prepare = () => {
    ready ??= makeReady(options).catch((error) => {
      // Installing what was missing needs no restart.
      ready = undefined;
      throw error;
    });
    return ready;
  };
  return {
    run: async (commit, what, tell) => {
      await prepare();
      return inFreshFolder(options.scratch, (folder) => runIn(folder, { commit, what, tell, options, limits }));
    },
  };
}

const nothingToRun = { tests: "the project has no test script", types: "the project has no type check" };

async function runIn(
  folder: string,
  run: {
    commit: Sha;
    what: "tests" | "types";
    tell: ((line: string) => void) | undefined;
    options: SandboxTestBenchOptions;
    limits: Limits;
  },
): Promise<TestRun> {
  const { commit, what, tell, options, limits } = run;
  const work = join(folder, "work");
  await mkdir(work);
  await options.source.export(commit, work);
  const directory = options.directory ?? "";
  const lent =
    options.lent === undefined
      ? await lentDependencies(work, options.dependencies)
      : await missingModules(work, options.lent);
  const configured = what === "tests" ? options.testCommand : options.typesCommand;
  const command = await commandFor(what, { work, lent, directory, configured });
  if (command === undefined) return { kind: "none", why: nothingToRun[what] };
  const isolated = options.isolation === "bubblewrap";
  if (!isolated) await linkDependencies(work, lent);
  const given = { folder, work, command, nodePath: options.nodePath, npm: options.npm, lent, directory, limits };
  const group = await createControlGroup(limits);
  try {
    const started = isolated ? bubblewrapCommand({ ...given, hosts: await writeHosts(folder) }) : plainCommand(given);
    const ended = await runBounded({ ...started, group, folder, limits, tell });
    return { kind: "finished", report: reportOf(commit, ended) };
  } finally {
    await group.remove();
  }
}

/** Without a sandbox the environment is scrubbed all the same, and the whole process group ends at the limit. */
function plainCommand(given: {
  folder: string;
  work: string;
  directory: string;
  command: string;
  nodePath: string;
}): Command {
  const { folder, work, directory, command, nodePath } = given;
  const tools = [...new Set([join(work, directory), work])].map((place) => join(place, "node_modules", ".bin"));
  const folders = [...tools, dirname(nodePath), "/usr/local/bin", "/usr/bin", "/bin"];
  const PATH = folders.join(":");
  const environment = { NODE_ENV: "test" as const, PATH, HOME: folder, TMPDIR: folder, CI: "1", LANG: "C.UTF-8" };
  return { file: "/bin/sh", given: ["-c", command], directory: join(work, directory), environment, tellsEnd: false };
}

async function makeReady({ scratch, isolation, nodePath }: SandboxTestBenchOptions): Promise<void> {
  // Groups first: what still runs in them may be writing to the copies.
  await removeOrphanedGroups();
  await prepareScratch(scratch);
  if (isolation === "none") return;
  const probe = await probeSandbox({ nodePath });
  if (probe.kind === "available") return;
  throw new Failure("misconfigured", `Tests cannot run safely on this machine: ${probe.why}.`, { hint: probe.hint });
}
