import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { crc32 } from "node:zlib";
import { Failure } from "#domain/failure.ts";
import { type DirectoryLock, lockDirectory } from "./lock.ts";

/**
 * Keeps what was acknowledged while the database is away: files of lines, each with its checksum. A line that a crash tore
 * was never acknowledged, and is left out.
 */
export interface Spool {
  /** Durable when it resolves. Throws `rate_limited` when the spool is full or the disk does not take it. */
  append(records: readonly string[]): Promise<void>;
  isEmpty(): boolean;
  /**
   * Gives every record to `take`, oldest first, some hundred at a time, and forgets a file when all of it was taken. Whoever takes must
   * bear a record twice: a crash before the file is gone repeats it. Stops at the first thing that `take` throws.
   */
  replay(take: (records: string[]) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const limits = { bytesMax: 64 * 1024 * 1024, fileBytesMax: 4 * 1024 * 1024, recordsAtOnce: 200 };
const ending = ".spool";

/** Opens the folder for this process, and finds what an earlier one left. `undefined`: another process has it, or it cannot be written. */
export async function openSpool(directory: string, changes: Partial<typeof limits> = {}): Promise<Spool | undefined> {
  const folder = resolve(directory);
  const lock = await lockedFolder(folder);
  return lock === undefined ? undefined : spoolIn(folder, lock, { ...limits, ...changes });
}

async function lockedFolder(folder: string): Promise<DirectoryLock | undefined> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await lockDirectory(folder);
  } catch (error) {
    const isExpected = error instanceof Failure || (error instanceof Error && "code" in error);
    if (!isExpected) throw error;
    return undefined;
  }
}

interface Part {
  path: string;
  bytes: number;
}

async function spoolIn(folder: string, lock: DirectoryLock, { bytesMax, fileBytesMax, recordsAtOnce }: typeof limits) {
  let parts = await partsIn(folder);
  let current: { part: Part; file: FileHandle } | undefined;
  let waiting: { text: string; done: () => void; failed: (error: Failure) => void }[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  const bytes = () => parts.reduce((sum, part) => sum + part.bytes, 0);

  /** One after the other: whoever writes, and whoever changes the file that is written to. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work);
    turn = done;
    return done;
  }

  async function writeWaiting(): Promise<void> {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      // One write and one fsync for all who came meanwhile.
      await write(batch.map(({ text }) => text).join(""));
      for (const { done } of batch) done();
    } catch (cause) {
      const failure = full("The disk does not take more events.", cause);
      for (const { failed } of batch) failed(failure);
      await leaveCurrent();
    }
  }

  async function write(text: string): Promise<void> {
    if (current === undefined || current.part.bytes >= fileBytesMax) await startPart();
    if (current === undefined) throw new Error("no file is open");
    const { part, file } = current;
    const data = Buffer.from(text);
    await file.appendFile(data);
    await file.datasync();
    part.bytes += data.byteLength;
  }

  async function startPart(): Promise<void> {
    await leaveCurrent();
    const place = (parts.at(-1)?.path.match(/(\d{12})-[^/]*$/)?.[1] ?? "0").replace(/^0+(?=\d)/, "");
    const path = join(folder, `${String(Number(place) + 1).padStart(12, "0")}-${randomUUID()}${ending}`);
    const file = await open(path, "ax", 0o600);
    current = { part: { path, bytes: 0 }, file };
    parts = [...parts, current.part];
    await syncFolder(folder);
  }

  /** What follows a failed write must not share its file: half a line would swallow the next. */
  async function leaveCurrent(): Promise<void> {
    const left = current;
    current = undefined;
    await left?.file.close().catch(() => undefined);
  }

  const spool: Spool = {
    append(records) {
      const text = records.map(lineOf).join("");
      const awaited = waiting.reduce((sum, { text: other }) => sum + other.length, 0);
      if (bytes() + awaited + text.length > bytesMax) {
        return Promise.reject(full("The spool for events is full while the database is away."));
      }
      return new Promise((done, failed) => {
        waiting.push({ text, done, failed });
        if (waiting.length === 1) void inTurn(writeWaiting);
      });
    },
    isEmpty: () => parts.every((part) => part.bytes === 0),
    async replay(take) {
      // What comes from now on goes into a file of its own, and this one can be read to its end.
      await inTurn(leaveCurrent);
      for (const part of parts.filter((one) => one !== current?.part)) {
        const records = recordsIn(await readFile(part.path));
        for (let from = 0; from < records.length; from += recordsAtOnce) {
          await take(records.slice(from, from + recordsAtOnce));
        }
        await rm(part.path, { force: true });
        parts = parts.filter((other) => other !== part);
      }
    },
    async close() {
      await inTurn(leaveCurrent);
      await lock.release();
    },
  };
  return spool;
}

async function partsIn(folder: string): Promise<Part[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { path, bytes: (await stat(path)).size };
    }),
  );
}

/** The name of a new file is durable only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function lineOf(record: string): string {
  return `${checksumOf(record)} ${record}\n`;
}

function recordsIn(bytes: Buffer): string[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .flatMap((line) => {
      const record = line.slice(9);
      return record !== "" && line.slice(0, 8) === checksumOf(record) ? [record] : [];
    });
}

function checksumOf(record: string): string {
  return crc32(record).toString(16).padStart(8, "0");
}

function full(message: string, cause?: unknown): Failure {
  return new Failure("rate_limited", message, { hint: "Events are taken again when there is room.", cause });
}
