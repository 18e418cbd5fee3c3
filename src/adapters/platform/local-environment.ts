import { mkdir, readdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#domain/failure.ts";
import { type Environment, Sha } from "#domain/ids.ts";
import { withLock } from "./file-lock.ts";
import { logTail } from "./output-log.ts";
import { endGroup, exitCode, isRunning, type Launched, launch } from "./process-group.ts";
import {
  awaited,
  noState,
  type Release,
  readState,
  recordedGroups,
  type State,
  writeState,
} from "./processes-state.ts";

const host = "127.0.0.1";
/** Below the ports that the kernel gives to outgoing connections, so that none of those takes a release's port. */
const innerPorts = { first: 20_000, count: 12_000, tries: 100 };
const endGraceMs = 2_000;
const frontTries = { count: 150, everyMs: 20 };

export interface LocalEnvironmentOptions {
  environment: Environment;
  directory: string;
  publicPort: number;
  startCommand: string;
  environmentVariables: Record<string, string>;
  nodePath: string;
  frontScript: string;
  drainMs: number;
  now: () => Date;
}

/** The record of one environment, held by whoever changes it. */
export interface Ledger {
  readonly state: State;
  save(next: State): Promise<void>;
}

export type LocalEnvironment = ReturnType<typeof createLocalEnvironment>;

/** The processes of one environment and their record. Every change is recorded before it has an effect that outlives us. */
export function createLocalEnvironment(options: LocalEnvironmentOptions) {
  const { environment, directory, publicPort, now } = options;
  const runs = join(directory, "runs");
  const runFile = (name: string, file: "output.log" | "exit-code") => join(runs, name, file);

  /** Runs `work` with the record, while nobody else changes it. */
  async function change<Result>(work: (ledger: Ledger) => Promise<Result>): Promise<Result> {
    return withLock(directory, async () => {
      let state = await readState(directory);
      const save = async (next: State) => {
        await writeState(directory, next);
        state = next;
      };
      const ledger: Ledger = {
        get state() {
          return state;
        },
        save,
      };
      return work(ledger);
    });
  }

  /** Starts the commit in `checkout` as the candidate. */
  async function start(ledger: Ledger, commit: Sha, checkout: string): Promise<Release> {
    const recorded = recordedReleases(ledger.state);
    // What is left of a release whose leader was killed would write into the same files.
    for (const release of recorded) if (release.commit === commit) await endGroup(release, 0);
    const port = await freePort(recorded.map((release) => release.port));
    const launched = await prepare(commit, ["/bin/sh", "-c", options.startCommand], checkout, {
      ...options.environmentVariables,
      RELEASE: commit,
      PORT: String(port),
      HOST: host,
      ENVIRONMENT: environment,
    });
    const release: Release = { ...launched.group, commit, port, startedAtMs: now().getTime() };
    await recordAndGo(launched, () => ledger.save(awaited(ledger.state, release)));
    return release;
  }

  /** Makes sure that something listens on the public port and that it is ours. Failures: `misconfigured` (port taken). */
  async function openFront(ledger: Ledger): Promise<void> {
    const { front } = ledger.state;
    if (front !== null && isRunning(front)) return;
    if (front !== null) await endGroup(front, 0);
    await requireFree(publicPort, environment);
    const command = [options.nodePath, options.frontScript, join(directory, "state.json"), String(publicPort), runs];
    const launched = await prepare("front", command, directory, {});
    await recordAndGo(launched, () => ledger.save({ ...ledger.state, front: launched.group }));
  }

  async function prepare(name: string, command: string[], cwd: string, variables: Record<string, string>) {
    const home = join(runs, name, "home");
    await mkdir(home, { recursive: true });
    return launch({
      command,
      directory: cwd,
      outputFile: runFile(name, "output.log"),
      exitFile: runFile(name, "exit-code"),
      environmentVariables: {
        ...variables,
        PATH: `${dirname(options.nodePath)}:/usr/local/bin:/usr/bin:/bin`,
        HOME: home,
        TMPDIR: home,
        LANG: "C.UTF-8",
      },
    });
  }

  /** Whether the public port answers, and it is our front that does. */
  async function isOpen(): Promise<boolean> {
    const { front } = await readState(directory);
    return front !== null && isRunning(front) && (await accepts(publicPort));
  }

  /** Resolves when the front listens; it takes as long as starting a program. */
  async function untilOpen(): Promise<void> {
    for (let tries = 0; tries < frontTries.count; tries++) {
      if (await isOpen()) return;
      await sleep(frontTries.everyMs);
    }
    throw new Failure("unavailable", `Nothing listens on port ${publicPort} of ${environment}.`, {
      cause: logTail(runFile("front", "output.log"), {}),
    });
  }

  /** Opens the public address when its front is gone. One that is just dying has closed its port and still counts as running. */
  async function reopen(): Promise<void> {
    const { front } = await readState(directory);
    for (let tries = 0; tries < frontTries.count && front !== null && isRunning(front); tries++) {
      if (await isOpen()) return;
      await sleep(frontTries.everyMs);
    }
    await change(openFront);
    await untilOpen();
  }

  /** Ends the releases that were replaced `drainMs` ago. */
  async function sweep(ledger: Ledger): Promise<void> {
    const { retiring } = ledger.state;
    const isDue = (release: (typeof retiring)[number]) => release.retiredAtMs + options.drainMs <= now().getTime();
    const due = retiring.filter(isDue);
    if (due.length === 0) return;
    await Promise.all(due.map((release) => endGroup(release, endGraceMs)));
    await ledger.save({ ...ledger.state, retiring: retiring.filter((release) => !isDue(release)) });
  }

  /** Ends everything that is recorded. */
  async function endAll(ledger: Ledger): Promise<void> {
    await Promise.all(recordedGroups(ledger.state).map((group) => endGroup(group, endGraceMs)));
    await ledger.save({ ...noState, failures: ledger.state.failures });
  }

  /** Removes the logs of the commits that are not to be kept. */
  async function prune(isKept: (commit: Sha) => boolean): Promise<void> {
    for (const name of await readdir(runs)) {
      const commit = Sha.safeParse(name).data;
      if (commit !== undefined && !isKept(commit)) await rm(join(runs, name), { recursive: true, force: true });
    }
  }

  return {
    environment,
    url: `http://${host}:${publicPort}`,
    state: () => readState(directory),
    /** The code with which the latest process of `commit` ended by itself. */
    exitCode: (commit: Sha) => exitCode(runFile(commit, "exit-code")),
    log: (commit: Sha) => logTail(runFile(commit, "output.log"), options.environmentVariables),
    change,
    start,
    openFront,
    isOpen,
    untilOpen,
    reopen,
    sweep,
    endAll,
    prune,
  };
}

/** A process that is not recorded must not run: whoever comes next could not find it. */
async function recordAndGo(launched: Launched, record: () => Promise<void>): Promise<void> {
  try {
    await record();
  } catch (error) {
    launched.cancel();
    throw error;
  }
  await launched.go();
}

export function recordedReleases(state: State): Release[] {
  return [state.serving, state.previous, state.candidate, ...state.retiring].filter((release) => release !== null);
}

async function freePort(taken: number[]): Promise<number> {
  for (let tries = 0; tries < innerPorts.tries; tries++) {
    const port = innerPorts.first + Math.floor(Math.random() * innerPorts.count);
    if (!taken.includes(port) && (await bindError(port)) === undefined) return port;
  }
  throw new Failure("unavailable", "No free port was found for the release.");
}

async function requireFree(port: number, environment: Environment): Promise<void> {
  const error = await bindError(port);
  if (error === undefined) return;
  const isTaken = "code" in error && error.code === "EADDRINUSE";
  throw new Failure(
    "misconfigured",
    isTaken
      ? `Port ${port} of ${environment} is in use by another program.`
      : `Port ${port} of ${environment} cannot be opened.`,
    { hint: "End the other program or choose another port.", cause: error },
  );
}

/** Why nobody could listen on `port` now; `undefined` when it is free. */
function bindError(port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
