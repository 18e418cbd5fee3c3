import type { IssueDetail, Step } from "./operators.ts";
import type { Judged } from "./outcome.ts";
import type { Scenario } from "./scenarios.ts";

const reasonCharsMax = 150;
const diffLinesMax = 24;

/** The live timeline for people. */
export interface Printer {
  line(text?: string): void;
  begins(scenario: Scenario): void;
  found(issue: IssueDetail): void;
  step(step: Step): void;
  note(what: string, text: string): void;
  ends(judged: Judged, scenario: Scenario, fix: IssueDetail["fix"]): void;
}

export function createPrinter(write: (text: string) => void, clock: () => number): Printer {
  let begunAt = clock();
  const line = (text = "") => write(`${text}\n`);
  const note = (what: string, text: string) =>
    line(`  ${elapsed(clock() - begunAt)}  ${what.padEnd(17)} ${short(text)}`);
  return {
    line,
    note,
    begins(scenario) {
      begunAt = clock();
      line();
      line(`${scenario.name}: ${scenario.story}`);
    },
    found: (issue) => note("issue", `${issue.severity} ${issue.issueType}: ${issue.title}`),
    step: (step) => note(step.status, step.because ?? ""),
    ends({ outcome, problems }, scenario, fix) {
      for (const text of diffLines(fix?.diff ?? "")) line(`           ${text}`);
      const seconds = ((clock() - begunAt) / 1_000).toFixed(1);
      line(`  ${outcome.ok ? "✓" : "✗"} ${scenario.expected}${outcome.ok ? "" : ": NOT SO"} (${seconds} s)`);
      if (outcome.ok)
        line(`    production serves ${outcome.production.commit?.slice(0, 8)}: ${scenario.proof.inWords}`);
      for (const problem of problems) line(`    - ${problem}`);
    },
  };
}

function elapsed(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(5)} s`;
}

/** One line, without control characters: parts of it come from the watched application. */
function short(text: string): string {
  const flat = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return flat.length > reasonCharsMax ? `${flat.slice(0, reasonCharsMax - 1)}…` : flat;
}

/** The diff from its first hunk on. */
function diffLines(diff: string): string[] {
  if (diff.trim() === "") return [];
  const lines = diff
    .trimEnd()
    .split("\n")
    .filter((text) => !/^(diff --git|index |similarity )/.test(text));
  const shown = lines.slice(0, diffLinesMax).map((text) => text.replace(/[\p{Cc}\p{Cf}]/gu, " ").trimEnd());
  return lines.length > diffLinesMax ? [...shown, `… ${lines.length - diffLinesMax} more lines`] : shown;
}
