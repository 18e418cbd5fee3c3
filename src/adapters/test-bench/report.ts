import type { TestReport } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import { cleanText } from "#domain/text.ts";
import type { Ended } from "./bounded-run.ts";

const countMax = 1_000_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * What a run means. The exit code, seen from outside, decides; counts are the target's own words and can only make it
 * worse: a run that says "0 failures" and exits with an error has failed (reliability D12).
 */
export function reportOf(commit: Sha, ended: Ended, limits: { outputBytes: number }): TestReport {
  const output = readable(ended.output).slice(0, limits.outputBytes);
  const counted = countsIn(output);
  const base = { commit, durationMs: Math.round(ended.durationMs), exitCode: ended.exitCode, output };
  const counts = counted ?? { passed: 0, failed: 0, skipped: 0 };
  const broken = stoppedBy(ended);
  if (broken !== undefined) return { ...base, ...counts, outcome: broken };
  if (ended.exitCode !== 0) return { ...base, ...counts, failed: Math.max(1, counts.failed), outcome: "failed" };
  if (counts.failed > 0) return { ...base, ...counts, outcome: "failed" };
  if (counted !== undefined && counts.passed === 0) return { ...base, ...counts, outcome: "no_tests" };
  // A runner that we cannot read, and that ended well.
  if (counted === undefined) return { ...base, ...counts, passed: 1, outcome: "passed" };
  return { ...base, ...counts, outcome: "passed" };
}

function stoppedBy({ stoppedFor, outOfMemory, exitCode }: Ended): TestReport["outcome"] | undefined {
  if (stoppedFor === "time") return "timed_out";
  if (stoppedFor === "output") return "output_limit";
  return outOfMemory && exitCode !== 0 ? "memory_limit" : undefined;
}

/** Nothing that moves a cursor, forges a line or hides text reaches a person or a model. */
function readable(text: string): string {
  return cleanText(text).replaceAll(/[^\P{C}\n\t]/gu, "");
}

/** Summaries of known runners, newest occurrence first; bounded patterns on single lines. */
const summaries: ((lines: string[]) => Counts | undefined)[] = [nodeTest, vitest, jest, mocha, plain];

function countsIn(output: string): Counts | undefined {
  const lines = output.split("\n").map((line) => line.slice(0, 300));
  for (const summary of summaries) {
    const counts = summary(lines);
    if (counts !== undefined) return counts;
  }
  return undefined;
}

/** `# pass 4` (TAP) or `ℹ pass 4` (spec), summed over files. */
function nodeTest(lines: string[]): Counts | undefined {
  const read = (word: string) =>
    lines.flatMap((line) => {
      const found = new RegExp(`^\\s{0,8}[#ℹ] ${word} (\\d{1,9})$`).exec(line);
      return found?.[1] === undefined ? [] : [bounded(found[1])];
    });
  const passed = read("pass");
  const failed = read("fail");
  if (passed.length === 0 || failed.length === 0) return undefined;
  return { passed: sum(passed), failed: sum(failed), skipped: sum([...read("skipped"), ...read("todo")]) };
}

function vitest(lines: string[]): Counts | undefined {
  return fromLine(lines, /^\s{0,12}Tests\s{2,}/, "|");
}

function jest(lines: string[]): Counts | undefined {
  return fromLine(lines, /^Tests:\s/, ",");
}

/** `12 passing (30ms)` and `1 failing` on lines of their own. */
function mocha(lines: string[]): Counts | undefined {
  const read = (word: string) => {
    const found = lines
      .map((line) => new RegExp(`^\\s{0,8}(\\d{1,9}) ${word}\\b`).exec(line)?.[1])
      .findLast((n) => n !== undefined);
    return found === undefined ? undefined : bounded(found);
  };
  const passed = read("passing");
  if (passed === undefined) return undefined;
  return { passed, failed: read("failing") ?? 0, skipped: read("pending") ?? 0 };
}

/** `3 passed, 0 failed` on one line. */
function plain(lines: string[]): Counts | undefined {
  return fromLine(lines, /^(?:\w{1,20}: )?\d{1,9} passed, \d{1,9} failed/, ",");
}

function fromLine(lines: string[], start: RegExp, separator: string): Counts | undefined {
  const line = lines.findLast((candidate) => start.test(candidate));
  if (line === undefined) return undefined;
  const read = (word: string) => {
    const part = line.split(separator).find((candidate) => candidate.includes(word));
    return bounded(/(\d{1,9}) \w{1,10}/.exec(part ?? "")?.[1] ?? "0");
  };
  return { passed: read("passed"), failed: read("failed"), skipped: read("skipped") + read("todo") };
}

function bounded(digits: string): number {
  return Math.min(countMax, Number(digits));
}

function sum(numbers: number[]): number {
  return Math.min(
    countMax,
    numbers.reduce((total, number) => total + number, 0),
  );
}
