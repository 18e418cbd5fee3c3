import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { aSha } from "#tests/support/builders.ts";
import { aProblem, aSnapshot, sign } from "./snapshots.ts";

/** Where the line stands that called the failing one. */
export const outerSign = "⟧";

/** A small repository with a fault, and what its engine says about it. */
export interface Broken {
  name: string;
  /** One file holds the sign where it failed; another place may hold the outer sign. */
  files: Record<string, string>;
  /** Type and message, as an engine prints them. */
  error: string;
  /** Instead of the stack that follows from the signs. */
  stack?: string;
  change?: Partial<Problem>;
  /** The commits that touched a path, newest first. */
  history?: Record<string, string[]>;
}

export interface Fixable extends Broken {
  /** For each changed file, the texts that become others; nothing else changes. */
  becomes: Record<string, [from: string, to: string][]>;
  confidence: [number, number];
}

export interface Hopeless extends Broken {
  because: RegExp;
}

/** The repository without signs, and the problem that is reported for the signed place. */
export function reported({ files, error, stack, change, history = {} }: Broken): {
  problem: Problem;
  snapshot: Snapshot;
  plain: Record<string, string>;
} {
  const plain = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.replace(sign, "").replace(outerSign, "")]),
  );
  const frames = [frameOf(files, sign), frameOf(files, outerSign)].filter((frame) => frame !== undefined);
  const [, type = null, message = error] = /^([A-Z]\w*): ([\s\S]*)$/.exec(error) ?? [];
  const problem = aProblem({
    errorType: type,
    message,
    stack:
      stack ??
      [error, ...frames, "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)"].join(
        "\n",
      ),
    ...change,
  });
  const snapshot = aSnapshot(plain);
  const past = (path: string) =>
    (history[path] ?? []).map((letter) => ({
      commit: aSha(letter),
      at: new Date(0),
      author: "Someone",
      subject: "Move things",
    }));
  return { problem, plain, snapshot: { ...snapshot, history: async (path, limit) => past(path).slice(0, limit) } };
}

function frameOf(files: Record<string, string>, mark: string): string | undefined {
  for (const [path, signed] of Object.entries(files)) {
    const at = signed.indexOf(mark);
    if (at < 0) continue;
    const before = signed.slice(0, at).replace(sign, "").replace(outerSign, "");
    const name = /(?:function|const)\s+(\w+)(?![\s\S]*(?:function|const)\s+\w+)/.exec(before)?.[1] ?? "run";
    return `    at ${name} (/app/${path}:${before.split("\n").length}:${before.length - before.lastIndexOf("\n")})`;
  }
  return undefined;
}
