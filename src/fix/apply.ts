import { lstat, mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isWithin } from "#adapters/repository/folder.ts";

/** One file before and after a fix; `null`: it is not there. */
export interface FileVersion {
  path: string;
  before: string | null;
  after: string | null;
}

interface Write {
  place: string;
  bytes: Buffer | null;
  mode: number;
}

/**
 * Writes a change into the work tree `top`, all of it or nothing: a sentence instead when a file is not as it was read, or
 * cannot be reached without a link. Nothing is committed or staged.
 */
export async function applyChange(top: string, versions: readonly FileVersion[]): Promise<string | undefined> {
  const writes: Write[] = [];
  for (const version of versions) {
    const prepared = await prepare(top, version);
    if (typeof prepared === "string") return prepared;
    writes.push(prepared);
  }
  for (const write of writes) await carryOut(write);
  return undefined;
}

async function prepare(top: string, { path, before, after }: FileVersion): Promise<Write | string> {
  const place = join(top, path);
  if (!isWithin(place, top) || !(await isReachedDirectly(top, dirname(place)))) {
    return `${path} is reached through a link`;
  }
  const found = await lstat(place).catch(() => undefined);
  if (found === undefined) {
    if (before !== null) return `${path} was removed meanwhile`;
    return { place, bytes: after === null ? null : Buffer.from(after), mode: 0o666 };
  }
  if (!found.isFile()) return `${path} is no ordinary file`;
  const now = await readFile(place);
  if (before !== null && now.equals(Buffer.from(before))) {
    return { place, bytes: after === null ? null : Buffer.from(after), mode: found.mode };
  }
  // Git may have turned the line ends of a file when it was checked out.
  if (before !== null && now.equals(Buffer.from(withCarriageReturns(before)))) {
    return { place, bytes: after === null ? null : Buffer.from(withCarriageReturns(after)), mode: found.mode };
  }
  return before === null ? `${path} was created meanwhile` : `${path} was changed meanwhile`;
}

function withCarriageReturns(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/** Whether the deepest folder on the way that exists is really there and no link. */
async function isReachedDirectly(top: string, folder: string): Promise<boolean> {
  for (let here = folder; ; here = dirname(here)) {
    const real = await realpath(here).catch(() => undefined);
    if (real !== undefined) return real === here;
    if (here === top || here === dirname(here)) return false;
  }
}

/** Written aside and renamed: a reader sees the old file or the new one. */
async function carryOut({ place, bytes, mode }: Write): Promise<void> {
  if (bytes === null) return rm(place, { force: true });
  await mkdir(dirname(place), { recursive: true });
  const aside = `${place}.vigil-${process.pid}`;
  try {
    await writeFile(aside, bytes, { flag: "wx", mode });
    await rename(aside, place);
  } finally {
    await rm(aside, { force: true });
  }
}
