import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectEmbedded } from "#store/connect.ts";
import { type DirectoryLock, lockDirectory } from "#store/lock.ts";

let folder: string;
let directory: string;
let lockFile: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vigil-lock-"));
  directory = join(folder, "db");
  lockFile = `${directory}.lock`;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that has ended: its number belongs to nobody, or to somebody else by now. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  return child.pid ?? 0;
}

async function leaveLock(holder: { pid: number; host?: string; startedAt?: string | null }): Promise<void> {
  await writeFile(lockFile, JSON.stringify({ token: "left", host: hostname(), startedAt: "long ago", ...holder }));
}

const inUse = { name: "Failure", code: "conflict" };

describe("the lock of a database directory", () => {
  test("keeps a second owner out, and says who the first one is", async () => {
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      ...inUse,
      message: `Another Vigil process (pid ${process.pid}) uses the database ${directory}.`,
      hint: "Stop it first, or set DATABASE_URL to share a Postgres server.",
    });
    await lock.release();
  });

  test("is free again after its release, and leaves no file behind", async () => {
    await (await lockDirectory(directory)).release();
    const lock = await lockDirectory(directory);
    await lock.release();
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test("is taken over from a process that died", async () => {
    await leaveLock({ pid: await deadPid() });
    const lock = await lockDirectory(directory);
    expect(JSON.parse(await readFile(lockFile, "utf8"))).toMatchObject({ pid: process.pid, host: hostname() });
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test("is taken over when its number belongs to another process by now", async () => {
    await leaveLock({ pid: process.pid, startedAt: "another boot 1" });
    await (await lockDirectory(directory)).release();
  });

  test("is not taken from a living process whose start nobody knows", async () => {
    await leaveLock({ pid: process.ppid, startedAt: null });
    await expect(lockDirectory(directory)).rejects.toMatchObject(inUse);
  });

  test("is not taken from another machine, which cannot be asked", async () => {
    await leaveLock({ pid: await deadPid(), host: "elsewhere" });
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      ...inUse,
      hint: `Stop it, or delete ${lockFile} if it is surely gone; two processes would destroy the data.`,
    });
  });

  test("is not taken when the file is something else", async () => {
    await writeFile(lockFile, "not a lock");
    await expect(lockDirectory(directory)).rejects.toMatchObject(inUse);
    expect(await readFile(lockFile, "utf8")).toBe("not a lock");
  });

  test("goes to exactly one of many that find it free or find its owner dead", async () => {
    for (const leave of [async () => {}, async () => leaveLock({ pid: await deadPid() })]) {
      await leave();
      const tries = await Promise.allSettled(Array.from({ length: 30 }, () => lockDirectory(directory)));
      const locks = tries.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const reasons = tries.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
      expect(locks).toHaveLength(1);
      for (const reason of reasons) expect(reason).toMatchObject(inUse);
      await Promise.all(locks.map((lock: DirectoryLock) => lock.release()));
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test("is inherited even when the heir before died in the act", async () => {
    const dead = await deadPid();
    await leaveLock({ pid: dead });
    await writeFile(
      `${lockFile}.left.heir`,
      JSON.stringify({ token: "heir", pid: dead, host: hostname(), startedAt: "x" }),
    );
    await (await lockDirectory(directory)).release();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("an embedded database", () => {
  test("is made with its folders, locked while it is open, and opens again after it was closed", async () => {
    const deep = join(folder, "a", "b", "db");
    const first = await connectEmbedded({ directory: deep });
    await expect(connectEmbedded({ directory: deep })).rejects.toMatchObject(inUse);
    await first.script((run) => run("CREATE TABLE kept AS SELECT 1 AS n"));
    await first.close();
    await first.close();
    const second = await connectEmbedded({ directory: deep });
    expect(await second.script((run) => run("SELECT n FROM kept"))).toEqual([{ n: 1 }]);
    await second.close();
    expect(await readdir(join(folder, "a", "b"))).toEqual(["db"]);
  });

  test("gives the lock back when it cannot be opened", async () => {
    await writeFile(directory, "a file where the folder should be");
    await expect(connectEmbedded({ directory })).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["db"]);
  });
});
