import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { aSha } from "#tests/support/builders.ts";

/** A commit that holds exactly `files`. */
export function aSnapshot(files: Record<string, string>): Snapshot {
  const paths = Object.keys(files).sort();
  return {
    commit: aSha("d"),
    list: async () => paths,
    read: async (path) => {
      const text = Object.hasOwn(files, path) ? files[path] : undefined;
      return text !== undefined && text.length <= 1_000_000 ? text : undefined;
    },
    search: async (text, limit) => {
      const lines = paths.flatMap((path) =>
        (files[path] ?? "").split(/\r?\n/).map((line, index) => ({ path, line: index + 1, text: line })),
      );
      return lines.filter((line) => line.text.includes(text)).slice(0, limit);
    },
    history: async () => [],
    blame: async () => [],
  };
}

export function aProblem(change: Partial<Problem> = {}): Problem {
  return {
    fingerprint: "f1",
    severity: "P2",
    environment: "production",
    release: null,
    eventCount: 1,
    affectedUsers: 1,
    past: [],
    issueType: "api_error",
    title: "",
    message: "",
    errorType: null,
    stack: null,
    frames: [],
    operation: "GET /api/things",
    ...change,
  };
}

/** Where the engine says that it failed: right behind this sign, which is no part of the code. */
export const sign = "⟦";

/** The code as it is, and the problem that its engine reports for the signed place. */
export function failing(path: string, signed: string, error: string, change: Partial<Problem> = {}) {
  const before = signed.slice(0, signed.indexOf(sign));
  const code = signed.replace(sign, "");
  const line = before.split("\n").length;
  const column = before.length - before.lastIndexOf("\n");
  const stack = `TypeError: ${error}\n    at handler (/var/task/${path}:${line}:${column})\n    at async run (/var/task/node_modules/next/dist/server.js:1:2)`;
  return { code, problem: aProblem({ message: error, errorType: "TypeError", stack, ...change }), line, column };
}
