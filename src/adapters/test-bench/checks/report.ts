import { stripVTControlCharacters } from "node:util";
import type { TestReport } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import { cleanText } from "#domain/text.ts";
import type { Client } from "../../github/client.ts";
import type { Check } from "./reading.ts";
import type { Judged } from "./verdict.ts";

/** A check stands for a test: what it looks at inside is its own business. */
export function reportOf(commit: Sha, { passed, failed, skipped }: Judged, output: string): TestReport {
  const all = [...passed, ...failed, ...skipped];
  return {
    commit,
    of: "checks",
    outcome: failed.length > 0 ? "failed" : passed.length > 0 ? "passed" : "no_tests",
    ...{ passed: passed.length, failed: failed.length, skipped: skipped.length },
    durationMs: durationOf(all),
    exitCode: null,
    output: output === "" ? wordsOf(all) : output,
    failures: failed.map(({ name }) => name),
    baseline: null,
  };
}

function durationOf(checks: Check[]): number {
  const times = (read: (check: Check) => string | null) =>
    checks.map((check) => Date.parse(read(check) ?? "")).filter(Number.isFinite);
  const [from, to] = [Math.min(...times(({ startedAt }) => startedAt)), Math.max(...times(({ endedAt }) => endedAt))];
  return Number.isFinite(to - from) ? Math.max(0, to - from) : 0;
}

function wordsOf(checks: Check[]): string {
  return checks.map(({ name, conclusion }) => `${name}: ${conclusion}`).join("\n");
}

const failedMax = 5;
const logCharactersMax = 6_000;
const summaryCharactersMax = 2_000;

/** Of each check that failed its own words and the end of its log, which is where the reason stands. */
export async function failureOutput(client: Client, failed: Check[]): Promise<string> {
  const told = await Promise.all(failed.slice(0, failedMax).map((check) => wordsOn(client, check)));
  const rest = failed.length > failedMax ? [`and ${failed.length - failedMax} more checks failed`] : [];
  return [...told, ...rest].join("\n\n");
}

async function wordsOn(client: Client, { name, conclusion, job, summary }: Check): Promise<string> {
  const log = job === null ? undefined : await logOf(client, job);
  const parts = [`${name}: ${conclusion}`, cleanText(summary).slice(0, summaryCharactersMax), log ?? ""];
  return parts.filter((part) => part !== "").join("\n");
}

/** `undefined`: there is no log, it is too old, or nobody may read it. Never worth failing for. */
async function logOf({ repo, find }: Client, job: number): Promise<string | undefined> {
  const asked = { ...repo, job_id: job, request: { redirect: "follow" as const } };
  try {
    const answer = await find((api) => api.actions.downloadJobLogsForWorkflowRun(asked));
    return typeof answer?.data === "string" ? tailOf(answer.data) : undefined;
  } catch {
    return undefined;
  }
}

/** Each line begins with the time at which it was printed, to a ten-millionth of a second. */
function tailOf(log: string): string {
  const lines = log.slice(-4 * logCharactersMax).split(/\r?\n/);
  const plain = lines.map((line) => stripVTControlCharacters(line.replace(/^\uFEFF?\d{4}-\d\d-\d\dT[\d:.]+Z /, "")));
  return cleanText(plain.filter((line) => !line.startsWith("##[debug]")).join("\n")).slice(-logCharactersMax);
}
