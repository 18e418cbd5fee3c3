import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

/** What a release may leave in its log before the older half is dropped. */
export const logBytesMax = 1024 * 1024;
const keptBytes = logBytesMax / 2;
const tailBytes = 8 * 1024;

/**
 * Drops the older half of a log that grew over `logBytesMax`. The writer goes on appending to the same file; a line
 * that it writes in this very moment may be lost.
 */
export function trimLog(file: string): void {
  const log = openSync(file, "r+");
  try {
    const { size } = fstatSync(log);
    if (size <= logBytesMax) return;
    const kept = Buffer.alloc(keptBytes);
    const length = readSync(log, kept, 0, keptBytes, size - keptBytes);
    ftruncateSync(log, 0);
    writeSync(log, kept, 0, length, 0);
  } finally {
    closeSync(log);
  }
}

/**
 * The last 8 KB of a log as plain text: no escape sequences or control characters, and `[NAME]` in place of each
 * value of `secrets` (at least 8 characters, reliability D13). Empty when there is no log.
 */
export function logTail(file: string, secrets: Record<string, string>): string {
  const plain = stripVTControlCharacters(lastBytes(file))
    .replace(/\r\n?/g, "\n")
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "");
  const longestFirst = Object.entries(secrets)
    .filter(([, value]) => value.length >= 8)
    .sort(([, a], [, b]) => b.length - a.length);
  return longestFirst.reduce((text, [name, value]) => text.replaceAll(value, `[${name}]`), plain).trim();
}

function lastBytes(file: string): string {
  let log: number;
  try {
    log = openSync(file, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(log);
    const tail = Buffer.alloc(Math.min(size, tailBytes));
    readSync(log, tail, 0, tail.length, size - tail.length);
    const text = tail.toString("utf8");
    // A line that is cut could show half of a secret, which nothing would recognise.
    return size > tail.length ? text.slice(text.indexOf("\n") + 1) : text;
  } finally {
    closeSync(log);
  }
}
