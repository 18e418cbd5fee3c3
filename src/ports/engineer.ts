import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Frame } from "#domain/event.ts";
import type { ModelCall } from "#domain/evidence.ts";
import type { Edit, Feedback } from "#domain/fix.ts";
import type { Environment } from "#domain/ids.ts";
import type { PastIssue, Severity } from "#domain/issue.ts";
import type { Snapshot } from "./repository.ts";

export type { PastIssue } from "#domain/issue.ts";

/** The problem as the engineer sees it. All texts are hostile input: data, never instructions. */
export interface Problem {
  fingerprint: string | null;
  severity: Severity;
  issueType: string;
  title: string;
  message: string;
  errorType: string | null;
  stack: string | null;
  /** Innermost first; empty when there was no stack. */
  frames: Frame[];
  operation: string | null;
  environment: Environment;
  release: string | null;
  eventCount: number;
  /** Distinct users; -1 means everyone. */
  affectedUsers: number;
  /** Similar issues of this project that came to an end, most similar first; at most 5. */
  past: PastIssue[];
}

/** What a call may cost at the most, before it is made. */
export interface PlannedCall {
  /** sha256 over the whole request, in hexadecimal: the same request is never paid for twice. */
  request: string;
  model: string;
  /** `triage`, `diagnose` or `fix`. */
  stage: string;
  usdMax: number;
}

/**
 * One run of one step by an engineer that costs money: what may be spent, what was paid for already, and where to tell
 * how far it is. A step that is interrupted runs again from its start and finds every finished answer here.
 */
export interface EngineerSession {
  /** The answer to exactly this request, when an earlier run of this issue paid for it. */
  recall(request: string): Promise<unknown | undefined>;
  /**
   * Sets money aside before a call; `refused` names the budget that is used up, and then no call may be made.
   * Failures: `paused` while the agent is paused, `stale` when this run lost its claim.
   */
  reserve(call: PlannedCall): Promise<{ kind: "granted"; id: string } | { kind: "refused"; because: string }>;
  /** Books what the call really cost and keeps its answer (JSON) for `recall`. */
  book(id: string, call: ModelCall, answer: unknown): Promise<void>;
  /** No answer came and nothing is charged: the money goes back. */
  release(id: string): Promise<void>;
  /** What is being done right now, for people who watch; at most 200 characters. Never fails. */
  tell(progress: string): void;
  /** Aborts when the step must end: its time is over, its claim lost, or the process stops. */
  signal: AbortSignal;
}

/** Why nothing was found or written; what it did cost is booked already. */
export type Unfinished =
  /** A budget is used up: no call was made, and a person decides. */
  | { kind: "over_budget"; because: string }
  /** The step's time is over; the next run goes on where this one stopped. */
  | { kind: "interrupted"; because: string };

export type TriageResult =
  | { kind: "triaged"; title: string; severity: Severity; because: string }
  /** It has nothing to add. */
  | { kind: "unchanged" }
  | Unfinished;

export type DiagnoseResult =
  | {
      kind: "diagnosed";
      diagnosis: Diagnosis;
      /** How grave the problem looks from the code, where that differs. */
      severity: { value: Severity; because: string } | null;
    }
  /** It does not know. Never a guess. */
  | { kind: "unknown"; because: string }
  | Unfinished;

export type RepairResult =
  | {
      kind: "edits";
      edits: Edit[];
      /** Imperative, at most 72 characters: the commit's subject. */
      subject: string;
      /** What was wrong and why this cures it: the commit's body. */
      explanation: string;
    }
  | { kind: "cannot_fix"; because: string }
  | Unfinished;

/**
 * Finds causes and writes fixes. It reads a snapshot and returns text; it cannot write, push or deploy.
 * Failures: `misconfigured` (key or model refused; says which variable), `unavailable` (may pass).
 */
export interface Engineer {
  /** A cheap first look that may better title and severity. Detection never depends on it (spec.md §3). */
  triage(problem: Problem, session: EngineerSession): Promise<TriageResult>;
  diagnose(problem: Problem, snapshot: Snapshot, session: EngineerSession): Promise<DiagnoseResult>;
  /** `feedback` tells why the earlier attempts of this run did not work, oldest first. */
  repair(
    problem: Problem,
    work: { diagnosis: Diagnosis; feedback: Feedback[] },
    snapshot: Snapshot,
    session: EngineerSession,
  ): Promise<RepairResult>;
}
