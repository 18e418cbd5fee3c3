import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";

/**
 * A program in a process group of its own, so that it outlives us and ends as a whole. `startedAs` (boot and start
 * time) tells it from a later process that was given the same number.
 */
export const ProcessGroup = z.object({ pid: z.int().min(2), startedAs: z.string().min(1) });
export type ProcessGroup = z.infer<typeof ProcessGroup>;

const lookEveryMs = 15;
const killWaitMs = 3_000;

/**
 * The leader of each group. It starts the program only when told to, and ends when whoever should tell it is gone: a
 * process that was never recorded never runs. It outlives a SIGTERM to its group in order to write down the exit code.
 */
const leaderScript = `trap : TERM INT HUP
exit_file=$1
shift
IFS= read -r go || exit 0
"$@" </dev/null
echo $? >"$exit_file"`;

export interface Launch {
  command: string[];
  directory: string;
  environmentVariables: Record<string, string>;
  /** Both streams are appended here; emptied first. */
  outputFile: string;
  /** Holds the exit code once the program ended by itself; removed first. */
  exitFile: string;
}

export interface Launched {
  group: ProcessGroup;
  /** Runs the program; to be called only after `group` was recorded. */
  go(): Promise<void>;
  /** Ends the leader instead: the program never runs. */
  cancel(): void;
}

/** Prepares a program and the group that it will run in. */
export async function launch(request: Launch): Promise<Launched> {
  rmSync(request.exitFile, { force: true });
  rmSync(request.outputFile, { force: true });
  const output = await open(request.outputFile, "a", 0o600);
  try {
    const child = spawn("/bin/sh", ["-c", leaderScript, "sh", request.exitFile, ...request.command], {
      cwd: request.directory,
      // A release is a production build, on staging too.
      env: { NODE_ENV: "production", ...request.environmentVariables },
      detached: true,
      stdio: ["pipe", output.fd, output.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => reject(new Failure("unavailable", "A process could not be started.", { cause })));
    });
    child.unref();
    const startedAs = child.pid === undefined ? undefined : entryOf(child.pid)?.startedAs;
    const { stdin } = child;
    if (child.pid === undefined || startedAs === undefined || stdin === null) {
      throw new Failure("unavailable", "A process ended before it could be recorded.");
    }
    // A leader that is gone is found dead, and without an exit code, at the next look; nothing is lost by not hearing of it here.
    stdin.on("error", () => undefined);
    return {
      group: { pid: child.pid, startedAs },
      go: () => new Promise<void>((resolve) => stdin.end("go\n", () => resolve())),
      cancel: () => stdin.destroy(),
    };
  } finally {
    await output.close();
  }
}

/** Whether the program still runs. A zombie does not. */
export function isRunning(group: ProcessGroup): boolean {
  return entryOf(group.pid)?.startedAs === group.startedAs;
}

/** This very process, by the same kind of identity. */
export function ownProcess(): ProcessGroup {
  const startedAs = entryOf(process.pid)?.startedAs;
  if (startedAs === undefined) {
    throw new Failure("misconfigured", "Releases can be run as local processes on Linux only.", {
      hint: "Use the platform `url` or `vercel`, or run on Linux: /proc tells one process from another.",
    });
  }
  return { pid: process.pid, startedAs };
}

/** The exit code, or `undefined` when the program still runs, never ran, or was killed together with its leader. */
export function exitCode(exitFile: string): number | undefined {
  try {
    const text = readFileSync(exitFile, "utf8").trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the whole group to end, and makes it after `graceMs`. Resolves when none of it is left; touches nothing else. */
export async function endGroup(group: ProcessGroup, graceMs: number): Promise<void> {
  for (const [signal, waitMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", killWaitMs],
  ] as const) {
    if (waitMs === 0 || !hasMembers(group)) continue;
    signalGroup(group, signal);
    for (let waited = 0; waited < waitMs && hasMembers(group); waited += lookEveryMs) await sleep(lookEveryMs);
  }
  if (hasMembers(group)) throw new Failure("unavailable", `Process group ${group.pid} does not end.`);
}

function signalGroup(group: ProcessGroup, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-group.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Whether anything of the group is left. A number is not given out again while a group bears it; a group that now
 * bears it with another leader, from another boot or from before is not ours.
 */
function hasMembers(group: ProcessGroup): boolean {
  const leader = entryOf(group.pid);
  if (leader !== undefined) return leader.startedAs === group.startedAs;
  const [boot, ticks] = group.startedAs.split(":");
  return allEntries().some((entry) => {
    const [entryBoot, entryTicks] = entry.startedAs.split(":");
    const isOurs = entry.group === group.pid && entry.session === group.pid;
    return isOurs && entryBoot === boot && Number(entryTicks) >= Number(ticks);
  });
}

interface ProcessEntry {
  group: number;
  session: number;
  startedAs: string;
}

function allEntries(): ProcessEntry[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => entryOf(Number(pid))).filter((entry) => entry !== undefined);
}

/** What the kernel knows of a process; `undefined` when there is none, or only its zombie. */
function entryOf(pid: number): ProcessEntry | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold anything, so counting starts after the last one: state, ppid, pgrp, session, … starttime.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, , group, session] = fields;
    const ticks = fields[19];
    if (state === "Z" || state === "X" || ticks === undefined) return undefined;
    return { group: Number(group), session: Number(session), startedAs: `${boot}:${ticks}` };
  } catch {
    return undefined;
  }
}
