import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Limits that the kernel keeps, where this machine lets us set them. */
export interface ControlGroup {
  /** A shell line by which a process joins before it becomes the target; empty where there are no control groups. */
  join: string;
  /** Whether the kernel ended a process for its memory. */
  ranOutOfMemory(): Promise<boolean>;
  remove(): Promise<void>;
}

const root = "/sys/fs/cgroup";
const removeTries = 20;
const removeEveryMs = 50;

/** Version 2 where it is, else version 1, else none: then time, output and file size still are bounded. */
export async function createControlGroup(limits: { memoryBytes: number; processes: number }): Promise<ControlGroup> {
  const name = `vigil-${process.pid}-${randomUUID()}`;
  const { memoryBytes, processes } = limits;
  if (existsSync(join(root, "cgroup.controllers"))) {
    const unified = await enter(root, name, { "memory.max": memoryBytes, "memory.swap.max": 0, "pids.max": processes });
    return groupOf(unified === undefined ? [] : [unified]);
  }
  const memory = await enter(join(root, "memory"), name, { "memory.limit_in_bytes": memoryBytes });
  const pids = await enter(join(root, "pids"), name, { "pids.max": processes });
  return groupOf([memory, pids].filter((folder) => folder !== undefined));
}

async function enter(parent: string, name: string, settings: Record<string, number>): Promise<string | undefined> {
  const folder = join(parent, name);
  try {
    await mkdir(folder);
  } catch {
    // Not writable here: nothing to limit with.
    return undefined;
  }
  for (const [file, value] of Object.entries(settings)) {
    // A kernel without swap accounting has no such file; the other limits hold.
    await writeFile(join(folder, file), String(value)).catch(() => undefined);
  }
  return folder;
}

function groupOf(folders: string[]): ControlGroup {
  return {
    join: folders.map((folder) => `echo $$ > ${folder}/cgroup.procs && `).join(""),
    ranOutOfMemory: async () => {
      const reports = await Promise.all(folders.map(killsIn));
      return reports.some((kills) => kills > 0);
    },
    remove: async () => {
      for (const folder of folders) await removeFolder(folder);
    },
  };
}

async function killsIn(folder: string): Promise<number> {
  const texts = await Promise.all(["memory.events", "memory.oom_control"].map((file) => readIn(folder, file)));
  return texts.reduce((sum, text) => sum + Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0), 0);
}

/** Ends what is still in the group. Right after the last process ended the kernel may still call the group busy. */
async function removeFolder(folder: string): Promise<void> {
  for (let n = 0; n < removeTries; n++) {
    const left = await readIn(folder, "cgroup.procs");
    for (const pid of left.split("\n").filter((line) => line !== "")) end(Number(pid));
    try {
      return await rmdir(folder);
    } catch {
      await sleep(removeEveryMs);
    }
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

/** A file of the kernel; empty where this version has none. The comment keeps bundlers from tracing the whole disk. */
function readIn(folder: string, file: string): Promise<string> {
  return readFile(/* turbopackIgnore: true */ `${folder}/${file}`, "utf8").catch(() => "");
}
