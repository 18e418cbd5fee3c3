import { z } from "zod";
import type { Diagnosis } from "./diagnosis.ts";
import type { Approval, Candidate, Feedback, PullRequest, Risk, TestReport } from "./fix.ts";
import type { Environment, Sha } from "./ids.ts";
import type { Severity } from "./issue.ts";

/** "We could not look" is its own answer: a number that was not measured is never zero (reliability A1, A9). */
export type Measurement = { kind: "measured"; value: number } | { kind: "unmeasured"; why: string };

/** A judgement. `watching` means: nothing wrong so far, the window is still open. The reason names the number and its limit. */
export type Verdict =
  | { kind: "watching"; because: string }
  | { kind: "passed"; because: string }
  | { kind: "failed"; because: string }
  | { kind: "inconclusive"; because: string };

/** Whether the error that the fix claims to cure stopped (spec.md §8). */
export type ClaimVerdict = { kind: "held" | "not_held" | "inconclusive"; because: string };

/** What one look at a running release gave. `no_data`: our own network failed, or nobody looked; it says nothing about the target. */
export const HealthCheck = z.object({
  outcome: z.enum(["healthy", "unhealthy", "no_data"]),
  because: z.string(),
  /** The commit that the release itself reports, when it reports one. */
  servedCommit: z.string().nullable(),
  httpStatus: z.int().nullable(),
  latencyMs: z.number().nullable(),
});
export type HealthCheck = z.infer<typeof HealthCheck>;

/** A health check in its place: slot 0 is due when the watch starts, one more every interval. One sample per slot (reliability A3). */
export interface HealthSample extends HealthCheck {
  slot: number;
  /** 0 for the regular look, 1 for the repetition after a failed one. */
  repeat: number;
  scheduledAt: Date;
}

/** Errors and requests of one release, or of a time before it. Counts are exact; `requests` is unmeasured where no source reports traffic. */
export interface ErrorCounts {
  errors: Measurement;
  requests: Measurement;
  /** Length of the observed time. */
  durationMs: number;
  /** max(1, variance / mean) of the error counts in windows of the watch's length; 1 when unknown. */
  dispersion: number;
}

/** A kind of error as the watch sees it. */
export interface ErrorKind {
  fingerprint: string;
  title: string;
  events: number;
  /** Not seen on the project in the seven days before the deployment (reliability A11). */
  isNew: boolean;
  /** One of its in-app frames lies in a file that the fix changed. */
  inChangedFile: boolean;
}

/** A release of a candidate in one environment, and the watch over it. */
export interface Deployment {
  id: string;
  environment: Environment;
  commit: Sha;
  /** What served before: the version to return to. `null` on a first deployment. */
  previousCommit: Sha | null;
  providerId: string | null;
  url: string | null;
  /** `taken_back`: it was ready, and another version serves again. */
  state: "pending" | "ready" | "failed" | "taken_back";
  baseline: ErrorCounts | null;
  startedAt: Date;
  /** When the watch began: the release was ready and serving. */
  watchFrom: Date | null;
  watchUntil: Date | null;
  /** The window was prolonged once for lack of data (reliability A4). */
  extended: boolean;
  verdict: Verdict["kind"] | null;
  /** By how many percent errors were above the baseline at the last look, where that was more than noise. */
  lastRisePct: number | null;
}

/** What a stage hands to the engine to be recorded together with its outcome, in one transaction. */
export type Evidence =
  | { kind: "diagnosis"; diagnosis: Diagnosis; feedback: Feedback[] }
  | { kind: "next_attempt"; diagnosis: Diagnosis; feedback: Feedback[] }
  | {
      kind: "written_fix";
      branch: string;
      base: Sha;
      commit: Sha;
      files: string[];
      diff: string;
      /** Identity of the change itself, whatever it is based on. */
      patchHash: string;
      risks: Risk[];
      approvalFiles: string[];
    }
  /** `diff`: what was written, where it never became a commit. */
  | { kind: "attempt_failed"; because: string; output: string | null; diff: string | null }
  | { kind: "candidate"; candidate: Candidate; rebuilt: boolean }
  | { kind: "pull_request"; pullRequest: PullRequest }
  /**
   * A person merged the candidate: main holds its tree as `commit`, which is the candidate from now on. A release of it
   * that was prepared begins now, with what it would return to.
   */
  | {
      kind: "landed";
      commit: Sha;
      by: string;
      startedAt: Date;
      previousCommit: Sha | null;
      baseline: ErrorCounts | null;
    }
  /** `redBeforeGreen`: a test that came with the fix fails without it; `null`: none came (spec.md §18.2). */
  | { kind: "tests"; report: TestReport; redBeforeGreen: boolean | null }
  | { kind: "deployment"; deployment: Omit<Deployment, "id"> }
  | { kind: "health"; deploymentId: string; sample: HealthSample }
  | { kind: "verdict"; deploymentId: string; verdict: Verdict; claim: ClaimVerdict | null; risePct: number | null }
  | { kind: "approval_requested"; approval: Omit<Approval, "state" | "decidedBy"> }
  | { kind: "approval_ended"; state: "expired" | "void"; because: string }
  /** A second opinion on title and severity; only a graver severity counts. */
  | { kind: "opinion"; by: "triage" | "diagnosis"; title: string | null; severity: Severity | null; because: string }
  /** The whole agent must stop and a person must come (reliability A15, A18). */
  | { kind: "freeze"; because: string }
  | { kind: "note"; text: string };

/** One paid (or free) call of a model, for the budget and the cost. */
export interface ModelCall {
  model: string;
  stage: string;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costUsd: number;
  latencyMs: number;
}

/** max(1, variance / mean) of the counts in windows of the watch's length; 1 where too little is known. */
export function dispersionOf(counts: number[]): number {
  const mean = counts.reduce((sum, n) => sum + n, 0) / counts.length;
  if (counts.length < 2 || !(mean > 0)) return 1;
  const variance = counts.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (counts.length - 1);
  return Math.max(1, variance / mean);
}
