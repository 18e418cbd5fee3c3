import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Edit, Feedback } from "#domain/fix.ts";
import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";

/** What a playbook makes of a problem. `not_mine`: another kind of problem; `unknown`: its kind, but nothing sure can be said. */
export type Finding =
  | { kind: "found"; diagnosis: Diagnosis }
  | { kind: "unknown"; because: string }
  | { kind: "not_mine" };

export type Repair =
  | { kind: "edits"; edits: Edit[]; subject: string; explanation: string }
  | { kind: "cannot_fix"; because: string };

/**
 * One kind of problem and its deterministic repair. It remembers nothing: the same problem on the same snapshot gives
 * the same answer, today and after a crash. `feedback` holds why its earlier attempts did not work.
 */
export interface Playbook {
  name: string;
  diagnose(problem: Problem, snapshot: Snapshot): Promise<Finding>;
  repair(problem: Problem, diagnosis: Diagnosis, snapshot: Snapshot, feedback: Feedback[]): Promise<Repair>;
}
