import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";
import { Failure } from "#domain/failure.ts";
import type { ControlGroup } from "./control-groups.ts";
import { watchDisk } from "./disk-watch.ts";
import { createLiveLine } from "./live-line.ts";
import { createOutput } from "./output.ts";

export interface Command {
  file: string;
  given: string[];
  directory: string;
  environment: NodeJS.ProcessEnv;
  /** The command says on descriptor 3, which its target does not have, how the target ended. */
  tellsEnd: boolean;
}

export interface BoundedRun extends Command {
  group: ControlGroup;
  /** Where the target writes: what it may take of the disk is measured there. */
  folder: string;
  /** Hears what was printed last, now and then. */
  tell?: ((line: string) => void) | undefined;
  limits: { timeMs: number; outputBytes: number; outputBytesMax: number; fileBytes: number; diskBytes: number };
}

type Stop = "time" | "output" | "disk";

/** How a run ended, as seen from outside: nothing in it is the target's own word but the output. */
export interface Ended {
  exitCode: number | null;
  stoppedFor: Stop | null;
  outOfMemory: boolean;
  output: string;
  durationMs: number;
}

/** 128 + SIGKILL: what a shell says of a process that the kernel ended. */
const exitCodeKilled = 137;

/**
 * Runs one command to its end or to its limits. Its processes are ended as a group; its output is kept at both ends
 * only. Failure: `unavailable` when the target could not be started, which says nothing about the target.
 */
export async function runBounded(run: BoundedRun): Promise<Ended> {
  const { group, folder, limits } = run;
  const startMs = performance.now();
  const child = start(run);
  const output = createOutput(limits.outputBytes);
  const live = run.tell && createLiveLine(run.tell);
  let stoppedFor: Stop | null = null;
  const stop = (why: Stop) => {
    stoppedFor ??= why;
    endGroup(child.pid);
  };
  const ending = endOf(child, (chunk) => {
    output.add(chunk);
    live?.add(chunk);
    if (output.bytes() > limits.outputBytesMax) stop("output");
  });
  const timer = setTimeout(() => stop("time"), limits.timeMs);
  const disk = watchDisk(folder, limits.diskBytes, () => stop("disk"));
  try {
    const { exitCode, signal, told } = await ending;
    // Nobody else ends processes this way, and without control groups there is no other sign.
    const killed = stoppedFor === null && (signal === "SIGKILL" || exitCode === exitCodeKilled);
    const outOfMemory = killed || (await group.ranOutOfMemory());
    if (run.tellsEnd && !told && stoppedFor === null && !outOfMemory) {
      throw new Failure("unavailable", "The sandbox did not start.", { cause: output.text() });
    }
    return { exitCode, stoppedFor, outOfMemory, output: output.text(), durationMs: performance.now() - startMs };
  } finally {
    clearTimeout(timer);
    disk.stop();
    live?.stop();
  }
}

function start({ file, given, directory, environment, tellsEnd, group, limits }: BoundedRun): ChildProcess {
  const blocks = Math.floor(limits.fileBytes / 512);
  // The shell joins the control group before it becomes the target, so that nothing of the target ever runs outside it.
  const script = `${group.join}ulimit -f ${blocks}; exec "$0" "$@"`;
  return spawn("/bin/sh", ["-c", script, file, ...given], {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", tellsEnd ? "pipe" : "ignore"],
  });
}

const closeGraceMs = 1_000;
const toldBytesMax = 4_096;

/** Leaders of the groups that run right now. */
const running = new Set<number>();
/** Where the sandbox's own tie to us is missing, an ordinary end of this process must not leave the target behind. */
process.on("exit", () => {
  for (const pid of running) endGroup(pid);
});

async function endOf(child: ChildProcess, take: (chunk: Buffer) => void) {
  let status = "";
  const { stdout, stderr, pid } = child;
  if (pid !== undefined) running.add(pid);
  const teller = child.stdio[3];
  const streams = [stdout, stderr, teller].filter((stream): stream is Readable => stream instanceof Readable);
  stdout?.on("data", take);
  stderr?.on("data", take);
  teller?.on("data", (chunk: Buffer) => {
    if (status.length < toldBytesMax) status += chunk.toString("latin1");
  });
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once("error", (cause) => reject(new Failure("unavailable", "The tests could not be started.", { cause })));
    child.once("exit", (code, signal) => {
      endGroup(pid);
      if (pid !== undefined) running.delete(pid);
      // A process that left the group may hold the output open for ever: after the leader's end it gets a moment.
      const giveUp = setTimeout(() => {
        for (const stream of streams) stream.destroy();
      }, closeGraceMs);
      child.once("close", () => {
        clearTimeout(giveUp);
        resolve({ code, signal });
      });
    });
  });
  return { exitCode: code, signal, told: status.includes('"exit-code"') };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Everything of it has ended already.
  }
}
