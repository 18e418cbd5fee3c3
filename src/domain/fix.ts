import { z } from "zod";
import type { Diagnosis } from "./diagnosis.ts";
import { Environment, FixId, Sha } from "./ids.ts";

/** One file as it shall be after the fix; `content: null` deletes it. Paths are relative to the repository, with `/`. */
export const Edit = z.object({ path: z.string().min(1).max(500), content: z.string().max(1_000_000).nullable() });
export type Edit = z.infer<typeof Edit>;

/** One changed file as Git sees it (`diff-tree --raw --no-renames`): both sides, with modes, so that nothing hides in a rename. */
export const FileChange = z.object({
  path: z.string(),
  change: z.enum(["added", "modified", "deleted", "type_changed"]),
  oldMode: z.string(),
  newMode: z.string(),
  binary: z.boolean(),
  addedLines: z.int(),
  removedLines: z.int(),
});
export type FileChange = z.infer<typeof FileChange>;

/** Something in a diff that a person should look at, with the place. */
export const Risk = z.object({
  kind: z.enum([
    "network",
    "process",
    "eval",
    "authorization",
    "deleted_test",
    "skipped_test",
    "pipeline_file",
    "dependency",
    "swallowed_error",
    "secret",
    "hidden_text",
    "migration",
    "logging",
    "size",
  ]),
  path: z.string(),
  line: z.int().nullable(),
  note: z.string(),
});
export type Risk = z.infer<typeof Risk>;

/** The commit that is tested, staged and shipped, unchanged: the merge of a fix into `base`, the head of main it was built on. */
export const Candidate = z.object({
  commit: Sha,
  tree: Sha,
  base: Sha,
  /** sha256 of the diff from `base`, in hexadecimal: what a person approves. */
  diffHash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Candidate = z.infer<typeof Candidate>;

/** What the project's own tests said about one commit. Output is trimmed and stripped of control characters. */
export const TestReport = z.object({
  commit: Sha,
  /** What was counted: tests, or the checks of a service, each of which may stand for thousands and runs on some branches only. */
  of: z.enum(["tests", "checks"]).default("tests"),
  outcome: z.enum(["passed", "failed", "timed_out", "output_limit", "memory_limit", "no_tests"]),
  passed: z.int().min(0),
  failed: z.int().min(0),
  skipped: z.int().min(0),
  durationMs: z.number().min(0),
  exitCode: z.int().nullable(),
  output: z.string(),
  /** Names of failing tests, where the runner gives them: its own words. */
  failures: z.array(z.string()).default([]),
  /** What the base's own tests said, where they had to be run because this run is not clean. */
  baseline: z
    .object({ verdict: z.enum(["none_new", "unclear"]), because: z.string() })
    .nullable()
    .default(null),
});
export type TestReport = z.infer<typeof TestReport>;

/** Why an attempt did not work: returned to the engineer for the next one and kept with the attempt. */
export const Feedback = z.object({
  attempt: z.int(),
  because: z.string(),
  output: z.string().nullable(),
  /** What was tried; `null` where nothing was written. */
  diff: z.string().nullable().default(null),
});
export type Feedback = z.infer<typeof Feedback>;

/** A fix before any code exists: the diagnosis is there, this is attempt number `attempt`. */
export interface PlannedFix {
  id: FixId;
  attempt: number;
  diagnosis: Diagnosis;
  feedback: Feedback[];
  createdAt: Date;
}

/** A fix that is a commit on its own branch, cut from `base`. */
export interface WrittenFix extends PlannedFix {
  branch: string;
  base: Sha;
  commit: Sha;
  files: string[];
  diff: string;
  risks: Risk[];
  /** Files on the "requires approval" list that it touches. */
  approvalFiles: string[];
  /** How often the candidate was built anew because main moved. */
  rebuilds: number;
  candidate: Candidate | null;
  /** Where people find it in their own tool; `null`: nowhere (yet). */
  pullRequest: PullRequest | null;
}

export interface PullRequest {
  url: string;
  number: number;
  /** The commit that the agent put on its branch last; anything else there is a person's. */
  head: Sha;
  /** Since when a person is asked to merge it, because main is protected; `null`: nobody has to. */
  mergeAskedAt: Date | null;
}

/** A fix whose candidate passed the project's tests. */
export interface TestedFix extends WrittenFix {
  candidate: Candidate;
  tests: TestReport;
}

/** What an approval is bound to; any change voids it (spec.md §18.5, reliability C5). */
export const ApprovalBinding = z.object({
  candidate: Candidate,
  /** sha256 over the rules that decided who must approve: limits, lists and autonomy. */
  policyHash: z.string().regex(/^[0-9a-f]{64}$/),
  environment: Environment,
  expiresAt: z.date(),
});
export type ApprovalBinding = z.infer<typeof ApprovalBinding>;

export const ApprovalState = z.enum(["pending", "approved", "rejected", "expired", "void"]);
export type ApprovalState = z.infer<typeof ApprovalState>;

export interface Approval extends ApprovalBinding {
  state: ApprovalState;
  /** Which rules asked for a person, in words. */
  reasons: string[];
  decidedBy: string | null;
}

export { FixId };
