import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { TimelineEntry } from "#domain/view.ts";
import type { Database } from "../../connect.ts";
import { actions } from "../../schema.ts";
import { timelineEntry } from "./issue.ts";
import { patternOf } from "./search.ts";

export interface AuditFilter {
  /** Words that stand in the action, subject, reason or actor. */
  text?: string | undefined;
  actor?: "agent" | "people" | undefined;
  outcome?: "intended" | "done" | "failed" | "refused" | undefined;
  issueId?: string | undefined;
  /** Rows before this one. */
  before?: number | undefined;
  limit: number;
}

/** The audit trail, newest first. */
export async function auditRows(db: Database, projectId: string, filter: AuditFilter): Promise<TimelineEntry[]> {
  const { text, actor, outcome, issueId, before, limit } = filter;
  const words = `%${patternOf(text ?? "")}%`;
  const rows = await db
    .select()
    .from(actions)
    .where(
      and(
        eq(actions.projectId, projectId),
        before === undefined ? undefined : lt(actions.seq, before),
        outcome === undefined ? undefined : eq(actions.outcome, outcome),
        issueId === undefined ? undefined : eq(actions.issueId, issueId),
        actor === undefined ? undefined : sql`(${actions.actor} = 'agent') = ${actor === "agent"}`,
        text === undefined
          ? undefined
          : sql`concat_ws(' ', ${actions.action}, ${actions.subject}, ${actions.because}, ${actions.actor}) ILIKE ${words}`,
      ),
    )
    .orderBy(desc(actions.seq))
    .limit(limit);
  return rows.map(timelineEntry);
}
