import { and, desc, eq, isNotNull, sql } from "drizzle-orm";
import type { Database, Transaction } from "../connect.ts";
import { modelCalls } from "../schema.ts";

/** Which step asks: of an attempt at a fix, or (`null`) of the issue since it came to its status. */
export interface Asking {
  issueId: string;
  fixId: string | null;
  since: Date;
}

/**
 * The answer that this step paid for with exactly this request. An issue that is tried again asks anew: the answers
 * that led nowhere would lead there again.
 */
export async function paidAnswer(db: Database, asking: Asking, request: string): Promise<unknown | undefined> {
  const { issueId, fixId, since } = asking;
  const own = fixId === null ? sql`${modelCalls.at} >= ${since.toISOString()}` : eq(modelCalls.fixId, fixId);
  const [row] = await db
    .select({ answer: modelCalls.answer })
    .from(modelCalls)
    .where(and(eq(modelCalls.issueId, issueId), eq(modelCalls.request, request), isNotNull(modelCalls.answer), own))
    .orderBy(desc(modelCalls.id))
    .limit(1);
  return row?.answer ?? undefined;
}

const sumUsd = sql<number>`coalesce(sum(${modelCalls.costUsd}), 0)::float8`;

/** Since midnight UTC, what is set aside included. */
export async function spentTodayUsd(db: Database | Transaction, projectId: string): Promise<number> {
  const midnight = sql`date_trunc('day', clock_timestamp() AT TIME ZONE 'utc') AT TIME ZONE 'utc'`;
  const [row] = await db
    .select({ usd: sumUsd })
    .from(modelCalls)
    .where(and(eq(modelCalls.projectId, projectId), sql`${modelCalls.at} >= ${midnight}`));
  return row?.usd ?? 0;
}

/** For one issue, all its attempts together, what is set aside included. */
export async function spentOnUsd(tx: Transaction, issueId: string): Promise<number> {
  const [row] = await tx.select({ usd: sumUsd }).from(modelCalls).where(eq(modelCalls.issueId, issueId));
  return row?.usd ?? 0;
}
