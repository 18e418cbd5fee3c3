import type { Issue, IssueAt, Severity } from "#domain/issue.ts";
import type { ActiveStatus, NextOf, Status } from "#domain/lifecycle.ts";
import type { Outcome } from "#domain/outcome.ts";
import type { Settings } from "#domain/settings.ts";
import type { Clock } from "#ports/clock.ts";
import type { Engineer, EngineerSession } from "#ports/engineer.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import type { TestBench } from "#ports/test-bench.ts";
import type { Reads, UnseenFingerprint } from "#store/read/reads.ts";

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

/** What the cron sweep finds; the engine writes it. */
export type Finding =
  | { kind: "open"; fingerprint: UnseenFingerprint; severity: Severity; because: string; affectedUsers: number }
  | { kind: "update"; fingerprint: UnseenFingerprint; severity: Severity; affectedUsers: number }
  | { kind: "regression"; fingerprint: UnseenFingerprint; severity: Severity; because: string; affectedUsers: number }
  /** Counted, and nothing more: not enough yet, muted, or an older release still producing it. */
  | { kind: "counted"; fingerprint: UnseenFingerprint };

/** All that detection may look at. */
export interface DetectionWorld {
  clock: Clock;
  read: Reads;
  repository: Repository;
}
