import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { isOrphaned, ownName } from "./owners.ts";

/** Limits that the kernel keeps, where this machine lets us set them. */
export interface ControlGroup {
  /** A shell line by which a process joins before it becomes the target; empty where there are no control groups. */
  join: string;
  /** Whether the kernel ended a process for its memory. */
  ranOutOfMemory(): Promise<boolean>;
  /** Ends whatever is still in the group. */
  remove(): Promise<void>;
}

export type ControlGroupKind = "cgroup-v1" | "cgroup-v2" | "none";

interface Folder {
  path: string;
  /** Whether the kernel took every limit. */
  limited: boolean;
}

const run = promisify(execFile);
const root = "/sys/fs/cgroup";
const prefix = "vigil-";
const removeTries = 20;
const removeEveryMs = 50;

/** Version 2 where it is, else version 1, else none: then time, output and disk still are bounded. */
export async function createControlGroup(limits: { memoryBytes: number; processes: number }): Promise<ControlGroup> {
  return groupOf((await enterAll(limits)).folders);
}

/** Which limits really hold here: tried with a group of its own and a process that joins it. */
export async function controlGroupKind(): Promise<ControlGroupKind> {
  const { version, folders } = await enterAll({ memoryBytes: 64 * 1024 ** 2, processes: 16 });
  const group = groupOf(folders);
  try {
    const complete = folders.length === (version === "cgroup-v2" ? 1 : 2) && folders.every(({ limited }) => limited);
    if (!complete) return "none";
    await run("/bin/sh", ["-c", `set -e; ${group.join} exit 0`], { env: { NODE_ENV: "test" }, timeout: 5_000 });
    return version;
  } catch {
    // Joining is not allowed here.
    return "none";
  } finally {
    await group.remove();
  }
}

/** Removes the groups of processes that were killed, with whatever still runs in them. */
export async function removeOrphanedGroups(): Promise<void> {
  for (const parent of [root, join(root, "memory"), join(root, "pids")]) {
    const names = await readdir(/* turbopackIgnore: true */ parent).catch(() => []);
    const orphans = names.filter((name) => name.startsWith(prefix) && isOrphaned(name.slice(prefix.length)));
    for (const name of orphans) await removeFolder(`${parent}/${name}`);
  }
}

async function enterAll({ memoryBytes, processes }: { memoryBytes: number; processes: number }) {
  const name = `${prefix}${ownName(randomUUID())}`;
  if (existsSync(join(root, "cgroup.controllers"))) {
    const unified = await enter(join(root, name), { "memory.max": memoryBytes, "pids.max": processes });
    // A kernel without swap accounting has no such file; the other limits hold.
    if (unified) await write(join(unified.path, "memory.swap.max"), 0);
    return { version: "cgroup-v2" as const, folders: unified ? [unified] : [] };
  }
  const memory = await enter(join(root, "memory", name), { "memory.limit_in_bytes": memoryBytes });
  const pids = await enter(join(root, "pids", name), { "pids.max": processes });
  return { version: "cgroup-v1" as const, folders: [memory, pids].filter((folder) => folder !== undefined) };
}

async function enter(path: string, settings: Record<string, number>): Promise<Folder | undefined> {
  try {
    await mkdir(path);
  } catch {
    // Not writable here: nothing to limit with.
    return undefined;
  }
  const taken = await Promise.all(Object.entries(settings).map(([file, value]) => write(join(path, file), value)));
  return { path, limited: taken.every(Boolean) };
}

function write(path: string, value: number): Promise<boolean> {
  return writeFile(path, String(value)).then(
    () => true,
    () => false,
  );
}

function groupOf(folders: Folder[]): ControlGroup {
  const paths = folders.map(({ path }) => path);
  return {
    // Where joining is refused the run goes on: the probe has told that these limits do not hold here.
    join: paths.map((path) => `echo $$ > ${path}/cgroup.procs; `).join(""),
    ranOutOfMemory: async () => (await Promise.all(paths.map(killsIn))).some((kills) => kills > 0),
    remove: async () => {
      for (const path of paths) await removeFolder(path);
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
    for (const line of left.split("\n")) end(Number(line));
    try {
      return await rmdir(/* turbopackIgnore: true */ folder);
    } catch {
      if (!existsSync(/* turbopackIgnore: true */ folder)) return;
      await sleep(removeEveryMs);
    }
  }
}

function end(pid: number): void {
  // The kernel says 0 for processes that cannot be seen from here; to kill 0 would mean ourselves.
  if (!Number.isInteger(pid) || pid <= 1) return;
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
