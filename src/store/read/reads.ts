import type { Frame } from "#domain/event.ts";
import type { ErrorCounts, ErrorKind, Measurement } from "#domain/evidence.ts";
import type { Environment, Sha } from "#domain/ids.ts";
import type { IssueFacts, PastIssue } from "#domain/issue.ts";

export type { PastIssue } from "#domain/issue.ts";

import type { TrafficCounts } from "./detection/reads.ts";

/** An issue that is being worked on and gets in another one's way. */
export interface Rival {
  id: string;
  title: string;
}

/** What stages may ask of the database. Every list is bounded; nothing here changes anything. */
export interface Reads {
  frames(issueId: string): Promise<Frame[]>;
  /** Issues like this one that came to an end, most similar first; at most 5. */
  pastIssues(issue: IssueFacts): Promise<PastIssue[]>;
  /** An issue between fixing and the end of its watch with the same cause key. */
  inFlightWithCause(issue: IssueFacts): Promise<Rival | undefined>;
  /** Such an issue that goes first: further on, or older. Of two that began at the same moment, one gives way. */
  inFlightBefore(issue: IssueFacts): Promise<Rival | undefined>;
  /** An issue between testing and the end of its watch whose fix changes one of these files. */
  inFlightTouching(issueId: string, files: string[]): Promise<Rival | undefined>;
  /** How many attempts wrote a fix for this issue since `since`, this run's (`exceptFixId` and its siblings) not counted. */
  fixesWrittenSince(issueId: string, since: Date, exceptFixId: string | null): Promise<number>;
  /** Whether another attempt made exactly this change and tests or a watch refuted it; one that expired says nothing. */
  patchTried(patchHash: string, exceptFixId: string): Promise<boolean>;
  /** The commits that the agent meant to put on a branch for this issue, also where it did not live to say that it did; at most 100. */
  placedOn(issueId: string, branch: string): Promise<Sha[]>;
  /** Rollbacks since `since`, in the whole project. */
  rollbacksSince(since: Date): Promise<number>;
  /** The kinds of error that `release` itself produced since `since`; at most 100. */
  errorKinds(watch: {
    environment: Environment;
    release: Sha;
    since: Date;
    changedFiles: string[];
  }): Promise<ErrorKind[]>;
  /** Errors and requests between two times; of one release where it is given. */
  errorCounts(range: {
    environment: Environment;
    release: Sha | null;
    from: Date;
    to: Date;
    /** Windows of this length give the dispersion. */
    windowMs: number;
  }): Promise<ErrorCounts>;
  /** Requests that `release` served since `since`; of one operation where it is given. */
  requestsOf(watch: {
    environment: Environment;
    release: Sha;
    operation: string | null;
    since: Date;
  }): Promise<Measurement>;
  /**
   * How many issues have a place before this one: those that are worked on (being diagnosed, fixed or tested, or holding
   * the lane), those that are about to, and those that wait as well and are graver or older (reliability D23).
   */
  issuesBefore(issue: IssueFacts): Promise<number>;
  /** What an environment reports of its traffic, and used to report at this time of day (reliability A13). */
  trafficHistory(environment: Environment, at: Date): Promise<TrafficCounts>;
}
