import type { TestReport } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import { cleanText } from "#domain/text.ts";
import type { Ended } from "./bounded-run.ts";
import { failingTests } from "./failing-tests.ts";

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
export function reportOf(commit: Sha, ended: Ended): TestReport {
  const printed = readable(ended.output);
  const counted = countsIn(printed);
  const counts = counted ?? { passed: 0, failed: 0, skipped: 0 };
  const output =
    ended.stoppedFor === "disk" ? `${printed}\n[stopped: more was written to disk than the limit]\n` : printed;
  const failures = failingTests(printed);
  const timing = { durationMs: Math.round(ended.durationMs), exitCode: ended.exitCode };
  const base = { commit, of: "tests" as const, ...timing, output, failures, baseline: null };
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
  if (stoppedFor !== null) return "output_limit";
  return outOfMemory && exitCode !== 0 ? "memory_limit" : undefined;
}

/** Nothing that moves a cursor, forges a line or hides text reaches a person or a model. */
function readable(text: string): string {
  return cleanText(text).replaceAll(/[^\P{C}\n\t]/gu, "");
}

/** Summaries of known runners: bounded patterns on single lines. */
const summaries: ((lines: string[]) => Counts | undefined)[] = [
  nodeTest,
  vitest,
  jest,
  mocha,
  nodeTap,
  ava,
  plain,
  plainTap,
  nothingFound,
];

/** The first runner that is recognised counts; where a second one counts failures as well, they are not passed over. */
function countsIn(output: string): Counts | undefined {
  const lines = output.split("\n").map((line) => line.slice(0, lineLengthMax));
  const found = summaries.map((summary) => summary(lines)).filter((counts) => counts !== undefined);
  const [first] = found;
  return first === undefined ? undefined : { ...first, failed: Math.max(...found.map(({ failed }) => failed)) };
}

const lineLengthMax = 300;

/** `# pass 4` (TAP; tape pads with spaces) or `ℹ pass 4` (spec), summed over files. */
function nodeTest(lines: string[]): Counts | undefined {
  const found = lines.flatMap((line) => {
    const [, word, digits] = nodeTestLine.exec(line) ?? [];
    return word === undefined || digits === undefined ? [] : [{ word, count: bounded(digits) }];
  });
  const read = (word: string) => sum(found.filter((line) => line.word === word).map(({ count }) => count));
  if (!found.some(({ word }) => word === "pass" || word === "fail")) return undefined;
  return { passed: read("pass"), failed: read("fail"), skipped: read("skipped") + read("todo") };
}

const nodeTestLine = /^\s{0,8}[#ℹ] (pass|fail|skipped|todo)\s{1,3}(\d{1,9})$/;

/** ` Tests  1 failed | 2 passed (3)`; the last one of several runs. */
function vitest(lines: string[]): Counts | undefined {
  return fromLine(lines, /^\s{0,12}Tests\s{2,12}(?:\d|no tests)/, "|");
}

function jest(lines: string[]): Counts | undefined {
  return fromLine(lines, /^Tests:\s/, ",");
}

/** `12 passing (30ms)` and `1 failing` on lines of their own. */
function mocha(lines: string[]): Counts | undefined {
  const passed = last(lines, /^\s{0,8}(\d{1,9}) passing\b/);
  if (passed === undefined) return undefined;
  const failed = last(lines, /^\s{0,8}(\d{1,9}) failing\b/) ?? 0;
  return { passed, failed, skipped: last(lines, /^\s{0,8}(\d{1,9}) pending\b/) ?? 0 };
}

/** `# { total: 3, pass: 2, fail: 1 }`, the last line of node-tap's own protocol. */
function nodeTap(lines: string[]): Counts | undefined {
  const line = lines.findLast((candidate) => /^# \{ total: \d{1,9}[,} ]/.test(candidate));
  if (line === undefined) return undefined;
  const read = (word: string) => bounded(new RegExp(`[ ,]${word}: (\\d{1,9})`).exec(line)?.[1] ?? "0");
  return { passed: read("pass"), failed: read("fail"), skipped: read("skip") + read("todo") };
}

/** `2 tests passed` and `1 test failed` on lines of their own. */
function ava(lines: string[]): Counts | undefined {
  const passed = last(lines, /^\s{0,8}(\d{1,9}) tests? passed$/);
  const failed = last(lines, /^\s{0,8}(\d{1,9}) tests? failed$/);
  if (passed === undefined && failed === undefined) return undefined;
  const skipped = last(lines, /^\s{0,8}(\d{1,9}) tests? skipped$/) ?? 0;
  return { passed: passed ?? 0, failed: failed ?? 0, skipped };
}

/** `3 passed, 0 failed` on one line. */
function plain(lines: string[]): Counts | undefined {
  return fromLine(lines, /^(?:\w{1,20}: )?\d{1,9} passed, \d{1,9} failed/, ",");
}

/** The test lines themselves, of a runner that says it speaks TAP and prints no summary. */
function plainTap(lines: string[]): Counts | undefined {
  if (!lines.some((line) => /^TAP version \d{1,3}$/.test(line))) return undefined;
  if (lines.some((line) => /^\s{1,8}(?:not )?ok\b/.test(line)) && !lines.some((line) => /^(?:not )?ok\b/.test(line)))
    return undefined;
  const count = (pattern: RegExp) => Math.min(countMax, lines.filter((line) => pattern.test(line)).length);
  const skipped = count(/^(?:not )?ok\b.{0,250} # (?:skip|todo)/i);
  const failed = count(/^not ok\b(?!.{0,250} # (?:skip|todo))/i);
  return { passed: count(/^ok\b(?!.{0,250} # (?:skip|todo))/i), failed, skipped };
}

/** jest and vitest with `--passWithNoTests` end well without having run anything. */
function nothingFound(lines: string[]): Counts | undefined {
  const said = lines.some((line) => /^\s{0,8}No tests? (?:files )?found\b/i.test(line));
  return said ? { passed: 0, failed: 0, skipped: 0 } : undefined;
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

function last(lines: string[], pattern: RegExp): number | undefined {
  const line = lines.findLast((candidate) => pattern.test(candidate));
  return line === undefined ? undefined : bounded(pattern.exec(line)?.[1] ?? "0");
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
