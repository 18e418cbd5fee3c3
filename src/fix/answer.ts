import type { Diagnosis } from "#domain/diagnosis.ts";
import type { ModelCall } from "#domain/evidence.ts";
import type { Failure, FailureCode } from "#domain/failure.ts";
import type { TestReport } from "#domain/fix.ts";
import type { TestRun } from "#ports/test-bench.ts";
import type { Suspect } from "./suspects.ts";

/** What `vigil fix --json` prints: fields may be added, never renamed or removed (design.md §6). */
export interface Answer {
  status: "fixed" | "not_fixed" | "needs_human";
  diagnosis: DiagnosisAnswer;
  /** Unified, from the folder as it was to the fix; empty where there is none. */
  diff: string;
  tests: { before: TestAnswer; after: TestAnswer; before_counts: Counts | null; after_counts: Counts | null };
  cost_usd: number;
  model_calls: number;
  tokens: { input: number; output: number; cache_read: number; cache_write: number };
  /** Why a person is asked, or why there is no fix. */
  reasons: string[];
  attempts: { attempt: number; because: string; diff: string | null }[];
  /** Files of the repository that were read, in order. */
  read_files: string[];
  files: string[];
  /** Why it could not be tried to its end; `null` where it came to one. */
  error: { code: FailureCode; message: string; hint: string | null } | null;
  /** `--apply` wrote the change into the folder. */
  applied: boolean;
  engineer: "playbooks" | "claude" | "playbooks+claude";
  seconds: number;
}

export interface DiagnosisAnswer {
  /** `null`: the cause was not found; files and evidence are then what the stack names. */
  root_cause: string | null;
  cause_class: Diagnosis["causeClass"] | null;
  evidence: { file: string; line: number; note: string }[];
  fix_strategy: string | null;
  files: string[];
  /** Percent. */
  confidence: number;
  requires_human: boolean;
  requires_human_because: string | null;
  estimated_minutes: number | null;
  /** How grave it looks from the code, where that differs from an ordinary error (P2). */
  severity: { value: string; because: string } | null;
  engineer: string | null;
}

/** `none`: the project has no tests. `not_run`: it did not come so far. */
export type TestAnswer = TestReport["outcome"] | "none" | "not_run";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export function diagnosisAnswer(
  found: Diagnosis | null,
  severity: DiagnosisAnswer["severity"],
  suspects: Suspect[],
): DiagnosisAnswer {
  if (found === null) return suspicion(suspects);
  return {
    root_cause: found.rootCause,
    cause_class: found.causeClass,
    evidence: found.evidence,
    fix_strategy: found.fixStrategy,
    files: found.files,
    confidence: found.confidence,
    requires_human: found.requiresPerson,
    requires_human_because: found.requiresPersonBecause,
    estimated_minutes: found.estimatedMinutes,
    severity,
    engineer: found.engineer,
  };
}

/** Without a diagnosis a reader still wants to know where to begin. */
function suspicion(suspects: Suspect[]): DiagnosisAnswer {
  return {
    root_cause: null,
    cause_class: null,
    evidence: suspects.map(({ file, line, why }) => ({
      file,
      line: Math.max(1, line ?? 1),
      note: `${why}; not examined`,
    })),
    fix_strategy: null,
    files: suspects.map(({ file }) => file),
    confidence: 0,
    requires_human: true,
    requires_human_because: "the cause was not found",
    estimated_minutes: null,
    severity: null,
    engineer: null,
  };
}

export function testAnswer(run: TestRun | undefined): { outcome: TestAnswer; counts: Counts | null } {
  if (run === undefined || run.kind === "pending") return { outcome: "not_run", counts: null };
  if (run.kind === "none") return { outcome: "none", counts: null };
  const { outcome, passed, failed, skipped } = run.report;
  return { outcome: outcome === "no_tests" ? "none" : outcome, counts: { passed, failed, skipped } };
}

/** A service that is out of reach may answer the next run, which is one that somebody starts. */
export function errorAnswer(failure: Failure): NonNullable<Answer["error"]> {
  const { code, message, hint } = failure;
  return { code, message, hint: failure.retry ? "It may pass: try again later." : (hint ?? null) };
}

export function tokensOf(calls: readonly ModelCall[]): Answer["tokens"] {
  const sum = (read: (call: ModelCall) => number) => calls.reduce((total, call) => total + read(call), 0);
  return {
    input: sum((call) => call.inputTokens),
    output: sum((call) => call.outputTokens),
    cache_read: sum((call) => call.cacheReadTokens),
    cache_write: sum((call) => call.cacheWriteTokens),
  };
}
