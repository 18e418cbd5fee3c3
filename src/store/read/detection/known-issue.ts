import { eq, inArray } from "drizzle-orm";
import { Sha } from "#domain/ids.ts";
import { statuses } from "#domain/lifecycle.ts";
import { Mute } from "#domain/mute.ts";
import type { Database, Transaction } from "../../connect.ts";
import { fixes, issues } from "../../schema.ts";
import { factsOf } from "../issues.ts";
import type { KnownIssue } from "./reads.ts";

type Row = { issue: typeof issues.$inferSelect; fixCommit: string | null };

/** Issues by id, as detection has to know them. */
export async function knownIssues(
  db: Database | Transaction,
  ids: readonly string[],
): Promise<Map<string, KnownIssue>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ issue: issues, fixCommit: fixes.fixCommit })
    .from(issues)
    .leftJoin(fixes, eq(fixes.id, issues.fixId))
    .where(inArray(issues.id, [...ids]));
  return new Map(rows.map((row) => [row.issue.id, knownIssue(row)]));
}

function knownIssue({ issue, fixCommit }: Row): KnownIssue {
  const status = statuses.find((known) => known === issue.status);
  if (status === undefined) throw new Error(`issue ${issue.id} has the unknown status ${issue.status}`);
  return {
    ...factsOf(issue),
    status,
    fixCommit: fixCommit === null ? null : Sha.parse(fixCommit),
    resolvedAt: issue.resolvedAt,
    spikedAt: issue.spikedAt,
    recovered: issue.state === "recovered",
    mute: issue.mute === null ? null : Mute.parse(issue.mute),
    dismissedVolume: issue.dismissedVolume,
    isByHand: issue.rule === null && issue.fingerprint === null,
    isMerged: issue.mergedInto !== null,
  };
}
