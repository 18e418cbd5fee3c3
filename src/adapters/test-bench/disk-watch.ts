import { execFile } from "node:child_process";
import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const lookEveryMs = 200;
const measureTimeoutMs = 2_000;
/** Others write to the same disk: a loss this many times the limit is put down to the run without being found in its folder. */
const unexplainedFactor = 4;
/** New files in one run; a disk can run out of them long before it is full. */
const filesMax = 300_000;

/**
 * Calls `exceeded` when a run uses more than `bytesMax` of the disk that `folder` is on. Asking how much is free costs
 * next to nothing; the folder is measured only when much has gone. Files that were deleted but are still open show
 * only as lost space.
 */
export function watchDisk(folder: string, bytesMax: number, exceeded: () => void): { stop(): void } {
  let before: StatsFs | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const now = await statfs(folder);
    before ??= now;
    const goneBytes = (before.bfree - now.bfree) * now.bsize;
    const isOver =
      before.ffree - now.ffree > filesMax ||
      goneBytes > bytesMax * unexplainedFactor ||
      (goneBytes > bytesMax && (await sizeOf(folder)) > bytesMax);
    if (stopped) return;
    if (isOver) exceeded();
    else lookLater();
  };
  // A disk that cannot be asked now is asked again: the limit on single files holds meanwhile.
  const lookOrTryAgain = () => void look().catch(() => stopped || lookLater());
  const lookLater = () => {
    timer = setTimeout(lookOrTryAgain, lookEveryMs);
  };
  lookOrTryAgain();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Bytes on disk in a folder that someone may be changing meanwhile; 0 when it took too long to find out. */
async function sizeOf(folder: string): Promise<number> {
  const options = { timeout: measureTimeoutMs, env: { NODE_ENV: "test" as const, PATH: "/usr/bin:/bin" }, cwd: "/" };
  const { stdout } = await run("du", ["-sk", "--", folder], options).catch((error: { stdout?: string }) => ({
    // Files that vanish while it counts make it complain, after it has counted the rest.
    stdout: error.stdout ?? "",
  }));
  return Number.parseInt(stdout || "0", 10) * 1024;
}
