import type { ErrorEvent } from "#domain/event.ts";
import type { HealthCheck } from "#domain/evidence.ts";
import type { Environment, Sha } from "#domain/ids.ts";
import type { AnyIssue } from "#domain/issue.ts";
import type { Mute } from "#domain/mute.ts";

/** An issue as detection has to know it. */
export interface KnownIssue extends AnyIssue {
  /** The commit of its last fix. */
  fixCommit: Sha | null;
  resolvedAt: Date | null;
  spikedAt: Date | null;
  recovered: boolean;
  mute: Mute | null;
  /** Events in the day before it was dismissed; `null`: not looked up yet. */
  dismissedVolume: number | null;
  /** A person inserted the row: its severity is theirs to change, whatever events are merged into it. */
  isByHand: boolean;
  /** Its events count for another issue. */
  isMerged: boolean;
}

export interface RequestCounts {
  requests: number;
  failures: number;
  /** Events of all kinds of errors there; fewer than failures where an application tells of some only. */
  errors: number;
}

/** Events, and distinct users that met them. */
export interface Count {
  events: number;
  users: number;
}

/** A kind of error with events that detection has not looked at. Counts are those of production. */
export interface UnseenFingerprint {
  fingerprint: string;
  state: "candidate" | "issue" | "muted" | "noise" | "dismissed";
  causeKey: string;
  title: string;
  issueType: string;
  sample: ErrorEvent;
  firstSeen: Date;
  lastSeen: Date;
  /** Of this kind alone, ever: tells what arrived after it was read. */
  ownEvents: number;
  /** All kinds that belong to the same issue, ever. */
  events: number;
  users: number;
  /** The same within each of the windows that were asked for, in milliseconds. */
  recent: ReadonlyMap<number, Count>;
  /** The last five minutes' requests of the whole application, and of the sample's operation. */
  served: { whole: RequestCounts; operation: RequestCounts };
  issue: KnownIssue | null;
}

/** What detection may ask of the database, all of it as of one moment. Every list is bounded; nothing here changes anything. */
export interface DetectionReads {
  /** What has to be judged: new kinds first, then what waited longest. Asks for counts within each of `windowsMs`. */
  unseenFingerprints(limit: number, windowsMs: readonly number[]): Promise<UnseenFingerprint[]>;
  /** Which releases produced the issue's errors since then; the newest 20. */
  releasesSince(issueId: string, since: Date): Promise<{ release: string | null; lastSeen: Date }[]>;
  happenedSince(issueId: string, since: Date): Promise<{ events: number; users: number; eventsLastDay: number }>;
  /**
   * Of its last events, the share that another kind of error with a stack tells of as well: same request or trace. Where it
   * has a stack itself, only what another source says of an error of the same type counts: the kind that has its issue
   * already, or else the one whose source comes first (an SDK before a log), so that of two kinds one is left.
   */
  sharedWithErrors(fingerprint: string): Promise<number>;
  /**
   * Operations of production with at least `failuresMin` failures within the last `windowMs`: what they served and failed,
   * in the 24 hours before as well; at most 200.
   */
  operations(windowMs: number, failuresMin: number): Promise<OperationCounts[]>;
  /** Events per `windowMs` of issues that may be spiking, oldest first, the last window complete; at most 200 issues. */
  mayBeSpiking(windowMs: number, windows: number): Promise<{ issue: KnownIssue; counts: number[] }[]>;
  /** The looks of the last `windowMs`. */
  probes(
    environment: Environment,
    windowMs: number,
  ): Promise<(Pick<HealthCheck, "outcome" | "because"> & { slot: number })[]>;
  /** What an environment reports of its traffic, and used to report at this time of day. */
  trafficHistory(environment: Environment): Promise<TrafficCounts>;
  /** The issue that stands for a condition and not for a kind of error. */
  issueOf(fingerprint: string): Promise<KnownIssue | undefined>;
  /**
   * Conditions whose key begins like this that were not met for `calmMs`, although their operation served `requestsMin`
   * requests meanwhile: no data is no recovery. At most 50.
   */
  calmConditions(keyStart: string, calmMs: number, requestsMin: number): Promise<KnownIssue[]>;
  /** Whether a candidate is being watched in this environment. */
  isWatched(environment: Environment): Promise<boolean>;
  /** Issues that each rule opened since it was counted anew, and how many of them people called false alarms. */
  ruleCounts(): Promise<{ name: string; steps: number; issues: number; falseAlarms: number }[]>;
}

export interface OperationCounts {
  operation: string;
  requests: number;
  failures: number;
  before: { requests: number; failures: number };
  errors: number;
}

export interface TrafficCounts {
  hourBefore: number | null;
  sameHour: number[];
  lastReportAt: Date | null;
}
