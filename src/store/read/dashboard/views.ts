import type { BoardView } from "#domain/view.ts";
import type { Connection } from "../../connect.ts";
import { boardView } from "./board.ts";

/** The dashboard's readings: one view, one call. Every list in them is bounded; nothing here changes anything. */
export interface Views {
  board(): Promise<BoardView>;
}

export function viewsOf(connection: Connection, projectId: string): Views {
  return { board: () => boardView(connection, projectId) };
}
