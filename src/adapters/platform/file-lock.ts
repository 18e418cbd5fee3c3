import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#domain/failure.ts";
import { isRunning, ownProcess, ProcessGroup } from "./process-group.ts";

const retryEveryMs = 10;
const waitMs = 30_000;
const released = "released";

/**
 * Runs `work` while nobody else, in this process or another, holds the lock of `directory`. The lock of a process
 * that was killed is taken over. Each holder creates the next number, so a holder that is late can tell that it is
 * too late: the highest number is never removed, only replaced by a higher one.
 */
export async function withLock<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(directory, { recursive: true });
  const held = await acquire(directory);
  try {
    return await work();
  } finally {
    const claim = await writeClaim(directory, released);
    await rename(claim, join(directory, lockName(held)));
  }
}

async function acquire(directory: string): Promise<number> {
  for (let waited = 0; waited < waitMs; waited += retryEveryMs) {
    const newest = Math.max(0, ...(await lockNumbers(directory)));
    if (newest === 0 || !(await isHeld(join(directory, lockName(newest))))) {
      if (await claimNumber(directory, newest + 1)) return newest + 1;
    }
    await sleep(retryEveryMs);
  }
  throw new Failure("unavailable", "Another process keeps changing the releases of this environment.");
}

async function claimNumber(directory: string, number: number): Promise<boolean> {
  const claim = await writeClaim(directory, JSON.stringify(ownProcess()));
  try {
    await link(claim, join(directory, lockName(number)));
  } catch (error) {
    // Someone was faster, or whoever was faster already tidied up.
    if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOENT") return false;
    throw error;
  } finally {
    await rm(claim, { force: true });
  }
  const numbers = await lockNumbers(directory);
  if (numbers.some((other) => other > number)) {
    await rm(join(directory, lockName(number)), { force: true });
    return false;
  }
  await tidy(directory, number);
  return true;
}

/** Removes the locks before `number`, and what killed processes were about to claim. */
async function tidy(directory: string, number: number): Promise<void> {
  const older = (await lockNumbers(directory)).filter((other) => other < number).map(lockName);
  const orphaned = (await readdir(directory)).filter((name) => {
    const pid = /^claim\.(\d+)\./.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  await Promise.all([...older, ...orphaned].map((name) => rm(join(directory, name), { force: true })));
}

async function isHeld(file: string): Promise<boolean> {
  try {
    const text = await readFile(file, "utf8");
    return text !== released && isRunning(ProcessGroup.parse(JSON.parse(text)));
  } catch (error) {
    // A number that was just replaced: look again.
    if (codeOf(error) === "ENOENT") return true;
    throw new Failure("misconfigured", `The lock of the releases is damaged: ${basename(file)}.`, {
      hint: "Delete this file in the folder of the environment.",
      cause: error,
    });
  }
}

/** The lock's content appears whole or not at all, because it is linked or renamed into place. */
async function writeClaim(directory: string, content: string): Promise<string> {
  const claim = join(directory, `claim.${process.pid}.${randomUUID()}`);
  await writeFile(claim, content);
  return claim;
}

async function lockNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => {
    const number = /^lock\.(\d+)$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

const lockName = (number: number) => `lock.${number}`;

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
