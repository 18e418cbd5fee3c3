import { spawn } from "node:child_process";
import { Failure } from "#domain/failure.ts";
import type { ControlGroup } from "./control-groups.ts";

export interface BoundedRun {
  file: string;
  given: string[];
  directory: string;
  environment: NodeJS.ProcessEnv;
  group: ControlGroup;
  limits: { timeMs: number; outputBytes: number; outputBytesMax: number; fileBytes: number };
}

/** How a run ended, as seen from outside: nothing in it is the target's own word but the output. */
export interface Ended {
  exitCode: number | null;
  stoppedFor: "time" | "output" | null;
  outOfMemory: boolean;
  output: string;
  durationMs: number;
}

/** Runs one command to its end or to its limits. Its processes are ended as a group; its output is kept at both ends only. */
export async function runBounded({ file, given, directory, environment, group, limits }: BoundedRun): Promise<Ended> {
  const startMs = performance.now();
  const output = createOutput(limits.outputBytes);
  // The shell joins the control group before it becomes the target, so that nothing of the target ever runs outside it.
  const blocks = Math.floor(limits.fileBytes / 512);
  const script = `${group.join}ulimit -f ${blocks}; exec "$0" "$@"`;
  const child = spawn("/bin/sh", ["-c", script, file, ...given], {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stoppedFor: Ended["stoppedFor"] = null;
  const stop = (why: "time" | "output") => {
    stoppedFor ??= why;
    endGroup(child.pid);
  };
  const timer = setTimeout(() => stop("time"), limits.timeMs);
  const take = (chunk: Buffer) => {
    output.add(chunk);
    if (output.bytes() > limits.outputBytesMax) stop("output");
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once("error", (cause) => reject(new Failure("unavailable", "The tests could not be started.", { cause })));
      // A process that left the group may hold the output open for ever: after the leader's end it gets a moment.
      child.once("exit", (code) => {
        endGroup(child.pid);
        const giveUp = setTimeout(() => {
          child.stdout.destroy();
          child.stderr.destroy();
        }, closeGraceMs);
        child.once("close", () => {
          clearTimeout(giveUp);
          resolve(code);
        });
      });
    });
    const outOfMemory = await group.ranOutOfMemory();
    return { exitCode, stoppedFor, outOfMemory, output: output.text(), durationMs: performance.now() - startMs };
  } finally {
    clearTimeout(timer);
  }
}

const closeGraceMs = 1_000;

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Everything of it has ended already.
  }
}

/** The first and the last half of what was printed; what lies between is counted. */
function createOutput(keepBytes: number) {
  const half = Math.floor(keepBytes / 2);
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let total = 0;
  return {
    add: (chunk: Buffer) => {
      total += chunk.length;
      const room = half - head.length;
      if (room > 0) head = Buffer.concat([head, chunk.subarray(0, room)]);
      const rest = room > 0 ? chunk.subarray(room) : chunk;
      if (rest.length > 0) tail = Buffer.concat([tail, rest]).subarray(-half);
    },
    bytes: () => total,
    text: () => {
      const left = total - head.length - tail.length;
      const middle = left > 0 ? `\n[… ${left} bytes left out …]\n` : "";
      return `${head.toString("utf8")}${middle}${tail.toString("utf8")}`;
    },
  };
}
