import type { Result } from "./measure.ts";

/** Of how many cases something is known, and of how many it is so. */
export interface Share {
  of: number;
  are: number;
}

export interface Summary {
  cases: number;
  top1: Share;
  top5: Share;
  fixed: Share;
  status: Record<Result["status"], number>;
  tokens: number;
  costUsd: number;
  modelCalls: number;
  seconds: number;
}

export function summaryOf(results: readonly Result[]): Summary {
  const share = (read: (result: Result) => boolean | null): Share => {
    const known = results.map(read).filter((value) => value !== null);
    return { of: known.length, are: known.filter(Boolean).length };
  };
  const sum = (read: (result: Result) => number) => results.reduce((total, result) => total + read(result), 0);
  const count = (status: Result["status"]) => results.filter((result) => result.status === status).length;
  return {
    cases: results.length,
    top1: share(({ top1 }) => top1),
    top5: share(({ top5 }) => top5),
    fixed: share(({ fixed }) => fixed),
    status: {
      fixed: count("fixed"),
      needs_human: count("needs_human"),
      not_fixed: count("not_fixed"),
      error: count("error"),
    },
    tokens: sum(({ tokens }) => tokens),
    costUsd: Math.round(sum(({ costUsd }) => costUsd) * 1e4) / 1e4,
    modelCalls: sum(({ modelCalls }) => modelCalls),
    seconds: Math.round(sum(({ seconds }) => seconds) * 10) / 10,
  };
}

const headings = ["case", "top-1", "top-5", "fixed", "status", "tries", "tokens", "cost", "s", "why"];
const reasonCharactersMax = 70;

/** One line a case and one for all of them. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.id,
    mark(result.top1),
    mark(result.top5),
    mark(result.fixed),
    result.status,
    String(result.attempts),
    String(result.tokens),
    `$${result.costUsd.toFixed(3)}`,
    result.seconds.toFixed(1),
    result.reason.replaceAll(/\s+/g, " ").slice(0, reasonCharactersMax),
  ]);
  const { cases, top1, top5, fixed, status, tokens, costUsd, seconds } = summaryOf(results);
  const words = Object.entries(status).filter(([, count]) => count > 0);
  const total = [
    `${cases} cases`,
    `${top1.are}/${top1.of}`,
    `${top5.are}/${top5.of}`,
    `${fixed.are}/${fixed.of}`,
    "",
    "",
    String(tokens),
    `$${costUsd.toFixed(3)}`,
    seconds.toFixed(1),
    words.map(([name, count]) => `${count} ${name}`).join(", "),
  ];
  const lines = [headings, ...rows, total];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function mark(value: boolean | null): string {
  return value === null ? "–" : value ? "yes" : "no";
}
