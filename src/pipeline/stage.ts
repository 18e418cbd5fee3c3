import type { Environment } from "#domain/ids.ts";
import type { Issue, IssueAt } from "#domain/issue.ts";
import type { ActiveStatus, NextOf, Status } from "#domain/lifecycle.ts";
import type { Outcome } from "#domain/outcome.ts";
import type { Settings } from "#domain/settings.ts";
import type { Return } from "#policy/coming-back.ts";
import type { Steps } from "#policy/detectors/events.ts";
import type { Judged } from "#policy/severity.ts";
import type { Clock } from "#ports/clock.ts";
import type { Engineer, EngineerSession } from "#ports/engineer.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import type { DetectionReads, KnownIssue, UnseenFingerprint } from "#store/read/detection/reads.ts";
import type { Reads } from "#store/read/reads.ts";

/** Everything a stage may look at or act on. What acts on the outside is guarded by the engine: claimed, unpaused and recorded. */
export interface World {
  clock: Clock;
  settings: Settings;
  repository: Repository;
  testBench: TestBench;
  platform: Platform;
  engineer: Engineer;
  /** What the engineer may spend in this run, and where it tells how far it is. */
  session: EngineerSession;
  read: Reads;
  /** Takes one unit of a budget, once per key; a full budget says until when (spec.md §11). */
  reserve(kind: "fix" | "deployment", key: string): Promise<Reservation>;
  /** sha256 in hexadecimal. */
  digest(text: string): string;
}

export type Reservation = { kind: "taken" } | { kind: "full"; until: Date; because: string };

/** One step of the pipeline: an issue in; `move` or `wait` out, or it throws. It never writes to the database. */
export type Stage<S extends ActiveStatus> = (issue: IssueAt<S>, world: World) => Promise<Outcome<NextOf<S>>>;

export type Stages = { [S in ActiveStatus]: Stage<S> };

/** The product as the engine drives it. */
export interface Pipeline {
  /** Runs the stage of the issue's status. */
  run(issue: Issue, world: World): Promise<Outcome>;
  /** Where an issue goes when its stage failed for good. */
  giveUp(issue: Issue): { to: Status; freeze: boolean };
}

/** What detection finds; the engine writes it. */
export type Finding =
  /** A kind of error became a problem by `rule`. */
  | { kind: "open"; fingerprint: UnseenFingerprint; rule: string; opening: string; impact: Impact }
  | { kind: "update"; fingerprint: UnseenFingerprint; issue: KnownIssue; impact: Impact }
  /** A problem that had ended or was ignored is back. */
  | { kind: "return"; fingerprint: UnseenFingerprint; issue: KnownIssue; impact: Impact; returned: Return }
  /** Counted, and nothing more: not enough yet, noise, ignored, or an older release still producing it. */
  | { kind: "counted"; fingerprint: UnseenFingerprint }
  | { kind: "spike"; issue: KnownIssue; because: string; raised: Judged | undefined; returned: Return | undefined }
  | { kind: "condition"; condition: Condition; issue: KnownIssue | undefined }
  | { kind: "recovered"; issue: KnownIssue; because: string }
  /** Nothing comes in any more, although the application answers: whoever judges by errors is blind. */
  | { kind: "blind"; environment: Environment; because: string; since: Date };

export interface Impact extends Judged {
  /** Distinct users; -1 means everyone. */
  affectedUsers: number;
}

/** A problem that no single event tells of: production is down, an operation fails. Its key takes a fingerprint's place. */
export interface Condition extends Judged {
  key: string;
  rule: string;
  issueType: string;
  title: string;
  /** The numbers. */
  message: string;
  operation: string | null;
  affectedUsers: number;
}

/** All that detection may look at. */
export interface DetectionWorld {
  clock: Clock;
  settings: Settings;
  /** How often each rule raised its own threshold. */
  steps: Steps;
  read: DetectionReads;
  repository: Repository;
}
