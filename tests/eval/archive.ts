import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "#domain/failure.ts";

/**
 * A small repository as one readable text: what it is about, then `-- path --` before each file. Files below `hidden/` are
 * the true fix's tests, those below `crash/` only make the error happen; the others are the repository.
 */
export interface Archive {
  files: Record<string, string>;
  crash: Record<string, string>;
  hidden: Record<string, string>;
}

export function readArchive(text: string): Archive {
  const archive: Archive = { files: {}, crash: {}, hidden: {} };
  const [, ...parts] = text.split(/^-- (.{1,300}) --\n/m);
  if (parts.length === 0) throw new Failure("invalid", 'A case holds no files: write "-- path --" before each.');
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const [, kind, path = ""] = /^(?:(hidden|crash)\/)?(.+)$/.exec(parts[index] ?? "") ?? [];
    const place = kind === "hidden" || kind === "crash" ? archive[kind] : archive.files;
    place[path] = parts[index + 1] ?? "";
  }
  return archive;
}

export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
