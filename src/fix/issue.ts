import type { Evidence } from "#domain/evidence.ts";
import type { PlannedFix, TestedFix, WrittenFix } from "#domain/fix.ts";
import { FixId, IssueId } from "#domain/ids.ts";
import type { IssueAt, IssueFacts, Severity } from "#domain/issue.ts";
import type { ReportedError } from "./error-input.ts";

/** The issue that a run works on: in memory what the database holds in the product. */

const titleCharactersMax = 200;

/** An ordinary production error (P2) that one person reported. */
export function issueOf(error: ReportedError, given: { fingerprint: string; at: Date; id: string }): IssueFacts {
  const { errorType, message, stack, operation, release, environment } = error;
  const { fingerprint, at } = given;
  const line = message.split("\n", 1)[0] ?? "";
  return {
    id: IssueId.parse(given.id),
    project: "default",
    severity: "P2",
    issueType: "error",
    title: (errorType === null ? line : `${errorType}: ${line}`).slice(0, titleCharactersMax),
    message,
    affectedUsers: 1,
    fingerprint,
    causeKey: null,
    environment,
    release,
    errorType,
    stack,
    operation,
    eventCount: 1,
    unverified: false,
    firstSeen: at,
    lastSeen: at,
    createdAt: at,
    version: 1,
    attempts: 1,
    statusSince: at,
  };
}

/** What is known about the fix, as far as the stages came. */
export interface Progress {
  fix: PlannedFix | null;
  written: WrittenFix | null;
  tested: TestedFix | null;
  /** Why attempts ended, oldest first. */
  failures: { attempt: number; because: string; diff: string | null }[];
  notes: string[];
  /** What the engineer thinks of its gravity, where that is not what was assumed. */
  severity: { value: Severity; because: string } | null;
}

export const noProgress: Progress = { fix: null, written: null, tested: null, failures: [], notes: [], severity: null };

/** Adds what a stage found, exactly as the database would. */
export function withEvidence(progress: Progress, evidence: Evidence[], make: { id: () => string; at: Date }): Progress {
  return evidence.reduce((known, item) => withOne(known, item, make), progress);
}

function withOne(progress: Progress, item: Evidence, make: { id: () => string; at: Date }): Progress {
  const { fix, written } = progress;
  switch (item.kind) {
    case "diagnosis":
    case "next_attempt": {
      const { diagnosis, feedback } = item;
      const attempt = item.kind === "diagnosis" ? 1 : (fix?.attempt ?? 0) + 1;
      const planned = { id: FixId.parse(make.id()), attempt, diagnosis, feedback, createdAt: make.at };
      return { ...progress, fix: planned, written: null, tested: null };
    }
    case "written_fix": {
      if (fix === null) return progress;
      const { kind: _, ...columns } = item;
      return { ...progress, written: { ...fix, ...columns, rebuilds: 0, candidate: null, pullRequest: null } };
    }
    case "candidate":
      if (written === null) return progress;
      return {
        ...progress,
        written: { ...written, candidate: item.candidate, rebuilds: written.rebuilds + (item.rebuilt ? 1 : 0) },
      };
    case "tests":
      if (written?.candidate == null) return progress;
      return { ...progress, tested: { ...written, candidate: written.candidate, tests: item.report } };
    case "attempt_failed": {
      const diff = item.diff ?? written?.diff ?? null;
      const failed = { attempt: fix?.attempt ?? 1, because: item.because, diff };
      return { ...progress, failures: [...progress.failures, failed] };
    }
    case "opinion": {
      const { severity, because } = item;
      return severity === null ? progress : { ...progress, severity: { value: severity, because } };
    }
    case "note":
      return { ...progress, notes: [...progress.notes, item.text] };
    default:
      return progress;
  }
}

/** The issue as the stage of its status gets it. */
export type FixableIssue = IssueAt<"diagnosing"> | IssueAt<"fixing"> | IssueAt<"testing">;

export function issueAt(status: FixableIssue["status"], facts: IssueFacts, progress: Progress): FixableIssue {
  if (status === "diagnosing") return { ...facts, status };
  if (status === "fixing" && progress.fix !== null) return { ...facts, status, fix: progress.fix };
  if (status === "testing" && progress.written !== null) return { ...facts, status, fix: progress.written };
  throw new Error(`nothing is known that the status ${status} needs`);
}
