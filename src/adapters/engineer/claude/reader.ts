import type { PastCommit, Snapshot } from "#ports/repository.ts";

/** What stands in the place of a line that cannot be shown without a secret. */
const hidden = "[hidden]";
const lineCharactersMax = 400;
const kept = 64;

/** One commit's files, as the model may see them: without secrets. Whatever was read is kept for the length of a step. */
export interface Reader {
  paths(): Promise<string[]>;
  has(path: string): Promise<boolean>;
  /** The file as it is, for edits; never for a request. */
  original(path: string): Promise<string | undefined>;
  /** The file's lines without secrets; each at most 400 characters. */
  lines(path: string): Promise<string[] | undefined>;
  /** `code` is the line as it is: to decide by, never for a request. */
  search(text: string, limit: number): Promise<{ path: string; line: number; code: string }[]>;
  history(path: string, limit: number): Promise<PastCommit[]>;
  blame(path: string, from: number, to: number): Promise<(PastCommit & { line: number })[]>;
}

export function createReader(snapshot: Omit<Snapshot, "commit">, redact: (text: string) => string): Reader {
  let listed: Promise<{ paths: string[]; known: Set<string> }> | undefined;
  const list = () => {
    listed ??= snapshot.list().then((paths) => ({ paths, known: new Set(paths) }));
    return listed;
  };
  const originals = new Map<string, Promise<string | undefined>>();
  const shown = new Map<string, Promise<string[] | undefined>>();
  async function original(path: string): Promise<string | undefined> {
    return (await list()).known.has(path) ? remembered(originals, path, () => snapshot.read(path)) : undefined;
  }
  return {
    paths: async () => (await list()).paths,
    has: async (path) => (await list()).known.has(path),
    original,
    lines: (path) =>
      remembered(shown, path, async () => {
        const text = await original(path);
        return text === undefined ? undefined : withoutSecrets(text, redact).map(short);
      }),
    search: async (text, limit) =>
      (await snapshot.search(text, limit)).map(({ path, line, text: code }) => ({ path, line, code })),
    history: (path, limit) => snapshot.history(path, limit),
    blame: (path, from, to) => snapshot.blame(path, from, to),
  };
}

/** The newest few: a step reads the same files again and again, but must not hold a whole repository. */
function remembered<Value>(
  known: Map<string, Promise<Value>>,
  key: string,
  read: () => Promise<Value>,
): Promise<Value> {
  const value = known.get(key) ?? read();
  known.delete(key);
  known.set(key, value);
  for (const oldest of known.keys()) {
    if (known.size <= kept) break;
    known.delete(oldest);
  }
  return value;
}

/**
 * The whole file at once, because a private key has many lines. Should that change the number of lines, then all lines
 * from the first changed one to the last are hidden: line numbers stay true.
 */
function withoutSecrets(text: string, redact: (text: string) => string): string[] {
  const before = linesOf(text);
  const after = linesOf(redact(text));
  if (before.length === after.length) return after;
  const common = Math.min(before.length, after.length);
  let start = 0;
  while (start < common && before[start] === after[start]) start++;
  let end = 0;
  while (end < common - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return before.map((line, index) => (index < start || index >= before.length - end ? line : hidden));
}

/** For a step that reads no files. */
export const noFiles: Omit<Snapshot, "commit"> = {
  list: async () => [],
  read: async () => undefined,
  search: async () => [],
  history: async () => [],
  blame: async () => [],
};

/** A last line break ends a line, it does not begin another. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.length > 1 && lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

function short(line: string): string {
  return line.length <= lineCharactersMax ? line : `${line.slice(0, lineCharactersMax)}… [line cut]`;
}

/** Lines `from` to `to` with their numbers; counted from 1. */
export function numbered(lines: string[], from: number, to: number): string {
  const first = Math.max(1, from);
  const last = Math.min(lines.length, to);
  const width = String(last).length;
  return lines
    .slice(first - 1, last)
    .map((line, index) => `${String(first + index).padStart(width)}| ${line}`)
    .join("\n");
}
