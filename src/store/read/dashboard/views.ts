import type { ApprovalView, BoardView } from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { approvalViews } from "./approvals.ts";
import { boardView } from "./board.ts";

/** The dashboard's readings: one view, one call. Every list in them is bounded; nothing here changes anything. */
export interface Views {
  board(): Promise<BoardView>;
  /** Fixes that wait for a person, gravest and oldest first; at most 20. */
  approvals(): Promise<ApprovalView[]>;
}

export function viewsOf(connection: Connection, projectId: string): Views {
  return {
    board: () => boardView(connection, projectId),
    approvals: () => approvalViews(connection.db, projectId),
  };
}
