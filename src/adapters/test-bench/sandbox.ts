import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import type { Sha } from "#domain/ids.ts";
import type { TestBench, TestRun } from "#ports/test-bench.ts";
import { type Ended, runBounded } from "./bounded-run.ts";
import { bubblewrapCommand, installHint, probeSandbox } from "./bubblewrap.ts";
import { createControlGroup } from "./control-groups.ts";
import { reportOf } from "./report.ts";

export { probeSandbox } from "./bubblewrap.ts";

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
}

const defaults: Limits = {
  timeMs: 180_000,
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  outputBytes: 200_000,
  outputBytesMax: 20_000_000,
  temporaryBytes: 256 * 1024 ** 2,
  fileBytes: 512 * 1024 ** 2,
};

export interface SandboxTestBenchOptions {
  /** Where a commit's files come from. */
  source: { export(commit: Sha, directory: string): Promise<void> };
  /** Copies for runs; made when missing. Nothing else may live here: leftovers of killed runs are removed. */
  scratch: string;
  /** `null`: the project's own `test` script. */
  testCommand: string | null;
  /** `null`: the project's own `typecheck` script. */
  typesCommand: string | null;
  /** `none` runs target code as it is: only for our own bundled application, or where an operator chose it knowingly. */
  isolation: "bubblewrap" | "none";
  /** A folder with `node_modules`, lent read-only to commits with the same lock file. */
  dependencies?: string;
  nodePath: string;
  limits?: Partial<Limits>;
}

/**
 * Runs a project's tests on a copy of the commit: no network, no credentials, no host files, bounded in time, memory,
 * processes and output. Refuses to run at all where that cannot be had, unless `isolation` is `none`.
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
    run: async (commit, what) => {
      await prepare();
      const folder = await mkdtemp(join(options.scratch, `${process.pid}-`));
      try {
        const work = join(folder, "work");
        await mkdir(work);
        await options.source.export(commit, work);
        const command = await commandFor(work, what, options);
        if (command === undefined) return { kind: "none", why: nothingToRun[what] };
        return await runIn({ folder, work, command, commit, options, limits });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

const nothingToRun = { tests: "the project has no test script", types: "the project has no type check" };

async function runIn(run: {
  folder: string;
  work: string;
  command: string;
  commit: Sha;
  options: SandboxTestBenchOptions;
  limits: Limits;
}): Promise<TestRun> {
  const { folder, work, command, commit, options, limits } = run;
  const group = await createControlGroup({ memoryBytes: limits.memoryBytes, processes: limits.processes });
  let ended: Ended;
  try {
    const lent = await lentDependencies(work, options.dependencies);
    ended =
      options.isolation === "bubblewrap"
        ? await runBounded({
            ...bubblewrapCommand({ work, command, nodePath: options.nodePath, lent, limits }),
            group,
            limits,
          })
        : await runBounded({ ...plainCommand({ folder, work, command, nodePath: options.nodePath }), group, limits });
  } finally {
    await group.remove();
  }
  return { kind: "finished", report: reportOf(commit, ended, limits) };
}

/** Without a sandbox the environment is scrubbed all the same, and the whole process group ends at the limit. */
function plainCommand({
  folder,
  work,
  command,
  nodePath,
}: {
  folder: string;
  work: string;
  command: string;
  nodePath: string;
}) {
  const path = [join(work, "node_modules", ".bin"), join(nodePath, ".."), "/usr/local/bin", "/usr/bin", "/bin"].join(
    ":",
  );
  const environment = { NODE_ENV: "test" as const, PATH: path, HOME: folder, TMPDIR: folder, CI: "1", LANG: "C.UTF-8" };
  return { file: "/bin/sh", given: ["-c", command], directory: work, environment };
}

async function makeReady({ scratch, isolation, nodePath }: SandboxTestBenchOptions): Promise<void> {
  await mkdir(scratch, { recursive: true });
  await removeLeftovers(scratch);
  if (isolation === "none") return;
  const probe = await probeSandbox({ nodePath });
  if (probe.kind === "available") return;
  throw new Failure("misconfigured", `Tests cannot run safely on this machine: ${probe.why}.`, { hint: installHint });
}

/** Copies of runs whose process is gone. Their names begin with its id. */
async function removeLeftovers(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const owner = Number(name.split("-")[0]);
    if (owner === process.pid || (Number.isInteger(owner) && isAlive(owner))) continue;
    await rm(join(scratch, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const Package = z.object({ scripts: z.record(z.string(), z.string()).optional() });

/** The operator's command, else the project's own script; run by a shell with the project's tools in the path. */
async function commandFor(
  work: string,
  what: "tests" | "types",
  { testCommand, typesCommand }: SandboxTestBenchOptions,
): Promise<string | undefined> {
  const configured = what === "tests" ? testCommand : typesCommand;
  if (configured !== null) return configured;
  const text = await readFile(join(work, "package.json"), "utf8").catch(() => "{}");
  const scripts = parsePackage(text).scripts ?? {};
  return what === "tests" ? scripts.test : scripts.typecheck;
}

function parsePackage(text: string): z.infer<typeof Package> {
  try {
    const parsed = Package.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

/** The lent `node_modules`, where the commit asks for exactly what is installed there. */
async function lentDependencies(work: string, dependencies: string | undefined): Promise<string | undefined> {
  if (dependencies === undefined) return undefined;
  const [wanted, installed] = await Promise.all(
    [work, dependencies].map((folder) => readFile(join(folder, "package-lock.json"), "utf8").catch(() => null)),
  );
  return wanted !== null && wanted === installed ? join(dependencies, "node_modules") : undefined;
}
