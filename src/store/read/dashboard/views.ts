import { IssueId } from "#domain/ids.ts";
import type {
  ApprovalView,
  BoardView,
  FiguresView,
  HistoryView,
  IssueView,
  RepositoryUrl,
  TimelineEntry,
} from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { approvalViews } from "./approvals.ts";
import { type AuditFilter, auditRows } from "./audit.ts";
import { boardView } from "./board.ts";
import { figuresView, type HistoryFilter, historyView, issueTypes } from "./history.ts";
import { issueView } from "./issue.ts";
import { createStageLengths } from "./stage-lengths.ts";

export type { AuditFilter } from "./audit.ts";
export type { HistoryFilter } from "./history.ts";

/** The dashboard's readings: one view, one call. Every list in them is bounded; nothing here changes anything. */
export interface Views {
  board(): Promise<BoardView>;
  /** Fixes that wait for a person, gravest and oldest first; at most 20. */
  approvals(): Promise<ApprovalView[]>;
  /** `undefined`: there is no such issue. */
  issue(id: string): Promise<IssueView | undefined>;
  history(filter: HistoryFilter): Promise<HistoryView>;
  figures(days: number): Promise<FiguresView>;
  /** The types that issues have had, in alphabetical order; at most 100. */
  issueTypes(): Promise<string[]>;
  audit(filter: AuditFilter): Promise<TimelineEntry[]>;
}

/** Of what the views are, and where people look at its source. */
export interface Watched {
  projectId: string;
  repositoryUrl: RepositoryUrl;
}

export function viewsOf(connection: Connection, projectId: string, repositoryUrl: RepositoryUrl = null): Views {
  const { db } = connection;
  const watched = { projectId, repositoryUrl };
  const stageLengths = createStageLengths(connection, projectId);
  return {
    board: () => boardView(connection, projectId, stageLengths),
    approvals: () => approvalViews(db, watched),
    issue: async (id) => (IssueId.safeParse(id).success ? issueView(connection, watched, id) : undefined),
    history: (filter) => historyView(connection, watched, filter),
    issueTypes: () => issueTypes(connection, projectId),
    figures: (days) => figuresView(connection, projectId, days),
    audit: (filter) => auditRows(db, projectId, filter),
  };
}
