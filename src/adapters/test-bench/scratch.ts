import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isOrphaned, ownName } from "./owners.ts";

const run = promisify(execFile);
const removeTimeoutMs = 60_000;

/** Makes the folder for copies and removes those whose process was killed. */
export async function prepareScratch(scratch: string): Promise<void> {
  await mkdir(scratch, { recursive: true });
  for (const name of await readdir(scratch)) {
    if (isOrphaned(name)) await removeTree(join(scratch, name));
  }
}

/** Lends an empty folder for as long as `use` takes; nothing of it stays, whatever was put there. */
export async function inFreshFolder<T>(scratch: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(scratch, ownName("")));
  try {
    return await use(folder);
  } finally {
    await removeTree(folder);
  }
}

/**
 * Removes a folder that hostile code filled: nested deeper than any path can name, or with its permissions taken away.
 * Links are removed, never followed.
 */
async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await removeByDescending(folder);
  }
}

/**
 * `rm` and `chmod` descend step by step, so that no path becomes too long for them. What even they cannot remove stays
 * until the next start tries again: leftovers must never decide how a run ended.
 */
async function removeByDescending(folder: string): Promise<void> {
  const options = { timeout: removeTimeoutMs, env: { NODE_ENV: "test" as const, PATH: "/usr/bin:/bin" }, cwd: "/" };
  await run("chmod", ["-R", "u+rwX", "--", folder], options).catch(() => undefined);
  await run("rm", ["-rf", "--", folder], options).catch(() => undefined);
}
