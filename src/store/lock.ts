import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";

/** Who holds a lock. A process id alone is not enough: it is given to another process after the first one ended. */
const Holder = z.object({
  token: z.string(),
  pid: z.int(),
  host: z.string(),
  /** When the process started, in the machine's own words; `null` where that cannot be found out. */
  startedAt: z.string().nullable(),
});
type Holder = z.infer<typeof Holder>;

export interface DirectoryLock {
  release(): Promise<void>;
}

const roundsMax = 10;

/**
 * Takes `<directory>.lock` for this process, or throws `conflict` naming the process that has it. The lock of a process
 * that died is taken over. It lies beside the directory, because PGlite wants to make the directory itself.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = `${directory}.lock`;
  const { pid } = process;
  const me: Holder = { token: randomUUID(), pid, host: hostname(), startedAt: await startOf(pid) };
  const holder = await take(path, me);
  if (holder !== undefined) throw inUse(directory, path, holder);
  return { release: () => release(path, me) };
}

function inUse(directory: string, path: string, { pid, host }: Holder): Failure {
  const elsewhere = host === hostname() ? "" : ` on ${host}`;
  return new Failure("conflict", `Another Vigil process (pid ${pid}${elsewhere}) uses the database ${directory}.`, {
    hint: elsewhere
      ? `Stop it, or delete ${path} if it is surely gone; two processes would destroy the data.`
      : "Stop it first, or set DATABASE_URL to share a Postgres server.",
  });
}

/** `undefined`: taken. Else who has it. */
async function take(path: string, me: Holder): Promise<Holder | undefined> {
  const mine = `${path}.${me.token}`;
  await writeFile(mine, JSON.stringify(me), { flag: "wx" });
  try {
    for (let round = 0; round < roundsMax; round++) {
      // A link appears whole or not at all, so that nobody ever reads half a lock.
      if (await linked(mine, path)) return undefined;
      const holder = await holderOf(path);
      if (holder === undefined) continue;
      if (await isAlive(holder)) return holder;
      const winner = await replaceDead(path, holder, me);
      if (winner !== "look again") return winner;
    }
    throw new Failure("unavailable", `The lock ${path} changes hands too fast.`);
  } finally {
    await rm(mine, { force: true });
  }
}

/** Whoever may replace the lock of exactly this dead holder is decided by a lock of its own: two heirs never both inherit. */
async function replaceDead(path: string, dead: Holder, me: Holder): Promise<Holder | undefined | "look again"> {
  const claim = `${path}.${dead.token}.heir`;
  const heir = await take(claim, me);
  if (heir !== undefined) return heir;
  try {
    if ((await holderOf(path))?.token !== dead.token) return "look again";
    const successor = `${path}.${me.token}.next`;
    await writeFile(successor, JSON.stringify(me));
    await rename(successor, path);
    return undefined;
  } finally {
    await rm(claim, { force: true });
  }
}

async function release(path: string, me: Holder): Promise<void> {
  if ((await holderOf(path))?.token === me.token) await rm(path, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** `undefined`: the lock is gone. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const holder = Holder.safeParse(parsed(text));
  if (holder.success) return holder.data;
  throw new Failure("conflict", `${path} is not a lock of Vigil.`, {
    hint: "Delete it if no Vigil process is running.",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A holder on another machine cannot be asked and counts as alive. */
async function isAlive({ pid, host, startedAt }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    if (!isCode(error, "EPERM")) return false;
  }
  const now = await startOf(pid);
  return startedAt === null || now === null || now === startedAt;
}

async function startOf(pid: number): Promise<string | null> {
  try {
    const [boot, stat] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    // The name of the program is in parentheses and may hold anything; the start is the 20th field after it.
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return start === undefined ? null : `${boot.trim()} ${start}`;
  } catch {
    return startByPs(pid);
  }
}

/** Where there is no /proc (macOS). */
async function startByPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() || null;
  } catch {
    return null;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
