import { z } from "zod";
import type { Deployment, HealthSample } from "./evidence.ts";
import type { Approval, PlannedFix, TestedFix, WrittenFix } from "./fix.ts";
import type { Environment, IssueId, Sha } from "./ids.ts";
import type { ActiveStatus, Status } from "./lifecycle.ts";

/** P0 everyone is affected · P1 many or important · P2 a plain production error · P3 minor · P4 noise worth a note. */
export const Severity = z.enum(["P0", "P1", "P2", "P3", "P4"]);
export type Severity = z.infer<typeof Severity>;

/** How a problem itself goes on, whatever is being done about it. `recovered`: it stopped without us. */
export const IssueState = z.enum(["new", "ongoing", "regressed", "escalating", "recovered"]);
export type IssueState = z.infer<typeof IssueState>;

/** What is known about a problem from the moment it is detected. */
export interface IssueFacts {
  id: IssueId;
  project: string;
  severity: Severity;
  /** `api_error`, `database_error`, `typo` …; free text, because people insert rows by hand. */
  issueType: string;
  title: string;
  message: string;
  /** Distinct users; -1 means everyone. */
  affectedUsers: number;
  /** `null` for a row that a person inserted. */
  fingerprint: string | null;
  /** Exception type and place: two issues with one cause key are never fixed at the same time (spec.md §18.4). */
  causeKey: string | null;
  environment: Environment;
  release: string | null;
  /** The exception's class, when there was one. */
  errorType: string | null;
  stack: string | null;
  /** Route or job in which it happened, for example `POST /api/campaigns/launch`. */
  operation: string | null;
  eventCount: number;
  /** Only unauthenticated or browser-side sources reported it: never deployed without a person (reliability D3). */
  unverified: boolean;
  firstSeen: Date;
  lastSeen: Date;
  createdAt: Date;
  /** Counts every claim and every change: the fence that stops a stale worker. */
  version: number;
  /** Claims of the present step without progress. */
  attempts: number;
  /** Since when the issue has its status. */
  statusSince: Date;
}

/** What is known in addition, by status: `issue.fix` exists exactly where a fix exists. */
interface Known {
  detected: object;
  diagnosing: object;
  fixing: { fix: PlannedFix };
  testing: { fix: WrittenFix };
  staging: { fix: TestedFix; deployment: Deployment | null; samples: HealthSample[] };
  awaiting_approval: { fix: TestedFix; approval: Approval };
  deploying: { fix: TestedFix; approval: Approval | null; deployment: Deployment | null };
  monitoring: { fix: TestedFix; deployment: Deployment; samples: HealthSample[] };
  rolling_back: { fix: TestedFix; deployment: Deployment; because: string };
}

export type IssueAt<S extends ActiveStatus> = IssueFacts & { status: S } & Known[S];
/** Any issue that the agent works on. */
export type Issue = { [S in ActiveStatus]: IssueAt<S> }[ActiveStatus];
/** An issue where only the facts matter. */
export type AnyIssue = IssueFacts & { status: Status };

/** How a similar problem ended: knowledge for the diagnosis, never proof. */
export interface PastIssue {
  title: string;
  /** How it was similar. */
  likeness: "same_error" | "same_place" | "same_kind";
  status: string;
  /** Why it ended as it did. */
  because: string;
  rootCause: string | null;
  commit: Sha | null;
  endedAt: Date;
}
