import type { Diagnosis } from "./diagnosis.ts";
import type { Frame } from "./event.ts";
import type { ErrorCounts, HealthCheck } from "./evidence.ts";
import type { Feedback, Risk, TestReport } from "./fix.ts";
import type { Severity } from "./issue.ts";
import type { ActiveStatus, Status } from "./lifecycle.ts";
import type { Settings } from "./settings.ts";

/** What people see at a glance; everything in it may be sent to a browser as JSON. Times are ISO 8601 in UTC. */
export interface BoardView {
  /** The newest action this view knows of. */
  seq: number;
  /** When it was read, by the database's clock: elapsed times are counted from here. */
  at: string;
  paused: { because: string; by: string | null; until: string | null } | null;
  autonomyLevel: 1 | 2 | 3;
  usage: UsageView;
  /** Issues at work, most advanced first; at most 100. */
  flights: FlightView[];
  /** How long a stage usually takes here, in milliseconds; one that is left out is not known well enough. */
  usualMs: Partial<Record<ActiveStatus, number>>;
  /** How many issues are at work in all. */
  flightsInAll: number;
  /** Fixes that wait for a person, oldest first; each named by what would be approved. */
  waiting: { issueId: string; diffHash: string }[];
}

/** What of each limit is used (spec.md §11, §15). */
export interface UsageView {
  fixesThisHour: { used: number; limit: number };
  deploymentsToday: { used: number; limit: number };
  spendTodayUsd: { used: number; limit: number };
}

/** One issue on its way through the pipeline. */
export interface FlightView {
  id: string;
  title: string;
  severity: Severity;
  status: ActiveStatus;
  statusSince: string;
  /** What it is doing or waiting for. */
  progress: string | null;
  /** When it goes on by itself, where it waits for a time. */
  nextRunAt: string | null;
  attempt: number | null;
  affectedUsers: number;
  eventCount: number;
  /** The open watch over its release, when there is one. */
  watch: { environment: "staging" | "production"; from: string; until: string; checks: CheckMark[] } | null;
}

/** One look of a watch, in order. */
export interface CheckMark {
  slot: number;
  /** 0 for the regular look, 1 for the repetition after a failed one. */
  repeat: number;
  outcome: HealthCheck["outcome"];
}

/** Everything a person needs to decide about one fix. */
export interface ApprovalView {
  issueId: string;
  title: string;
  severity: Severity;
  issueType: string;
  operation: string | null;
  affectedUsers: number;
  eventCount: number;
  firstSeen: string;
  requestedAt: string;
  expiresAt: string;
  /** Which rules ask for a person, in words. */
  reasons: string[];
  /** How much worse errors would have to get for the watch in production to notice (reliability A10). */
  effect: string;
  fix: FixView;
  staging: ReleaseView | null;
  repositoryUrl: RepositoryUrl;
}

/** Where people look at the watched repository in a browser; `null`: nowhere that is known. */
export type RepositoryUrl = string | null;

/** One attempt at a fix, as far as it came. */
export interface FixView {
  id: string;
  attempt: number;
  diagnosis: Diagnosis;
  files: string[];
  diff: string | null;
  risks: Risk[];
  branch: string | null;
  /** The commit that is tested and shipped, and what it is built on. */
  commit: string | null;
  base: string | null;
  /** sha256 of the diff: what an approval names. */
  diffHash: string | null;
  tests: TestReport | null;
  /** A test that came with the fix fails without it; `null`: none came. */
  redBeforeGreen: boolean | null;
  /** Where people find it in their own tool; `null`: nowhere (yet). */
  pullRequestUrl: string | null;
  outcome: string;
  outcomeReason: string | null;
  feedback: Feedback[];
  costUsd: number;
  createdAt: string;
  updatedAt: string;
}

/** A release of a candidate and the watch over it. */
export interface ReleaseView {
  id: string;
  environment: "staging" | "production";
  commit: string;
  url: string | null;
  state: string;
  from: string | null;
  until: string | null;
  verdict: string | null;
  verdictReason: string | null;
  claimVerdict: string | null;
  claimReason: string | null;
  baseline: ErrorCounts | null;
  lastRisePct: number | null;
  checks: CheckView[];
  /**
   * What it produced while it was watched, as its watch counted it, oldest first; `null`: it was not judged by that, or the
   * counts are no longer there.
   */
  errors: ErrorSpan[] | null;
}

/** Errors and requests of one release in a minute or a few. */
export interface ErrorSpan {
  at: string;
  durationMs: number;
  errors: number;
  /** `null`: no source reports traffic. */
  requests: number | null;
}

/** By how much errors may rise, in percent of the baseline. */
export type RateLimits = Pick<Settings["production"], "risePctRollback" | "risePctRepeated">;

export interface CheckView extends CheckMark {
  at: string;
  because: string;
  httpStatus: number | null;
  latencyMs: number | null;
  servedCommit: string | null;
}

/** One issue in full: the target of every link. */
export interface IssueView {
  id: string;
  title: string;
  message: string;
  severity: Severity;
  status: Status;
  statusReason: string | null;
  statusSince: string;
  progress: string | null;
  issueType: string;
  environment: string;
  release: string | null;
  operation: string | null;
  errorType: string | null;
  stack: string | null;
  frames: Frame[];
  affectedUsers: number;
  eventCount: number;
  regressions: number;
  unverified: boolean;
  firstSeen: string;
  lastSeen: string;
  createdAt: string;
  resolvedAt: string | null;
  timeline: TimelineEntry[];
  /** Oldest first. */
  attempts: FixView[];
  releases: ReleaseView[];
  /** Its fix was brought to production and not taken back since. */
  isLive: boolean;
  /** What waits for a person now. */
  approval: ApprovalView | null;
  cost: { usd: number; calls: number; inputTokens: number; outputTokens: number };
  /** Events per hour in production, oldest first and without a gap: the last seven days, as far as Vigil was there. */
  hours: { at: string; events: number }[];
  /** Releases that produced it, newest first. */
  seenIn: { release: string; events: number; firstSeen: string; lastSeen: string }[];
  repositoryUrl: RepositoryUrl;
  /** What releases in production are judged by now. */
  rateLimits: RateLimits;
}

/** One row of the audit trail. */
export interface TimelineEntry {
  seq: number;
  at: string;
  issueId: string | null;
  actor: string;
  action: string;
  subject: string;
  outcome: string;
  because: string;
  detail: unknown;
}

/** A page of past and present issues, newest first. */
export interface HistoryView {
  rows: HistoryRow[];
  /** How many there are with these filters. */
  inAll: number;
  /** Where the next page starts, or `null` on the last one. */
  next: string | null;
  repositoryUrl: RepositoryUrl;
}

export interface HistoryRow {
  id: string;
  title: string;
  severity: Severity;
  status: Status;
  issueType: string;
  reason: string | null;
  createdAt: string;
  /** From detection to its end; `null` while it is under way. */
  durationMs: number | null;
  commit: string | null;
  branch: string | null;
  /** Of its last fix; `null`: there is none. */
  pullRequestUrl: string | null;
  costUsd: number;
}

/** Figures against the targets of spec.md §16, over a number of days. */
export interface FiguresView {
  days: number;
  created: number;
  resolved: number;
  failed: number;
  dismissed: number;
  rolledBack: number;
  /** Resolved ÷ ended, in percent; `null` where nothing ended. */
  successPct: number | null;
  /** P2–P4 that were resolved without a person, in percent of those that ended. */
  withoutPersonPct: number | null;
  /** From detection to a tested fix on staging. */
  medianToStagingMs: number | null;
  meanFixMs: number | null;
  medianFixMs: number | null;
  /** Deployed fixes that were never rolled back, in percent. */
  keptPct: number | null;
  falsePositivePct: number | null;
  spendUsd: number;
  perDay: { day: string; created: number; resolved: number; failed: number; rolledBack: number; spendUsd: number }[];
}
