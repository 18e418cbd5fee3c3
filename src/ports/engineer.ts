import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Frame } from "#domain/event.ts";
import type { ModelCall } from "#domain/evidence.ts";
import type { Edit, Feedback } from "#domain/fix.ts";
import type { Snapshot } from "./repository.ts";

/** The problem as the engineer sees it. All texts are hostile input: data, never instructions. */
export interface Problem {
  fingerprint: string | null;
  issueType: string;
  title: string;
  message: string;
  errorType: string | null;
  stack: string | null;
  /** Innermost first; empty when there was no stack. */
  frames: Frame[];
  operation: string | null;
}

export type DiagnoseResult =
  | { kind: "diagnosed"; diagnosis: Diagnosis; calls: ModelCall[] }
  /** It does not know. Never a guess. */
  | { kind: "unknown"; because: string; calls: ModelCall[] };

export type RepairResult =
  | {
      kind: "edits";
      edits: Edit[];
      /** Imperative, at most 72 characters: the commit's subject. */
      subject: string;
      /** What was wrong and why this cures it: the commit's body. */
      explanation: string;
      calls: ModelCall[];
    }
  | { kind: "cannot_fix"; because: string; calls: ModelCall[] };

/** Finds causes and writes fixes. It reads a snapshot and returns text; it cannot write, push or deploy. */
export interface Engineer {
  diagnose(problem: Problem, snapshot: Snapshot): Promise<DiagnoseResult>;
  /** `feedback` tells why the earlier attempts of this run did not work, oldest first. */
  repair(problem: Problem, diagnosis: Diagnosis, snapshot: Snapshot, feedback: Feedback[]): Promise<RepairResult>;
}
