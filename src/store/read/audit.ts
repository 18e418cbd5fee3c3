import { createHash } from "node:crypto";
import { asc, desc, gt, inArray, sql } from "drizzle-orm";
import type { Database } from "../connect.ts";
import { actions } from "../schema.ts";

/** The end of the chain. Kept elsewhere, it proves later that nothing up to it was cut off or written anew (reliability D21). */
export interface Head {
  seq: number;
  hash: string;
}

export type ChainReport =
  | { kind: "whole"; rows: number; head: string }
  /** `row <seq> <problem>` reads as a sentence. */
  | { kind: "broken"; seq: number; problem: string };

const noHash = "0".repeat(64);
const pageRows = 5_000;
const headsPerQuery = 1_000;

/**
 * Walks the whole trail and names the first row that does not follow from the one before it. It computes the hashes
 * itself and believes no function in the database, which whoever could change rows could have changed as well. What a
 * chain cannot show by itself, a cut tail or a trail that was written anew, is for `compareHeads`.
 */
export async function verifyActions(db: Database): Promise<ChainReport> {
  let last: Head = { seq: 0, hash: noHash };
  let page = await pageAfter(db, undefined);
  while (page.length > 0) {
    for (const row of page) {
      const problem = problemOf(row, last);
      if (problem !== undefined) return { kind: "broken", ...problem };
      last = { seq: row.seq, hash: row.hash };
    }
    page = await pageAfter(db, last.seq);
  }
  return { kind: "whole", rows: last.seq, head: last.hash };
}

/** Where the trail ends; `undefined`: it is empty. */
export async function auditHead(db: Database): Promise<Head | undefined> {
  const [head] = await db
    .select({ seq: actions.seq, hash: actions.hash })
    .from(actions)
    .orderBy(desc(actions.seq))
    .limit(1);
  return head;
}

/** Whether heads that were kept elsewhere are still part of the trail; the lowest that is not is named. */
export async function compareHeads(
  db: Database,
  heads: readonly Head[],
): Promise<{ kind: "whole"; compared: number } | Extract<ChainReport, { kind: "broken" }>> {
  const inOrder = heads.toSorted((a, b) => a.seq - b.seq);
  for (let from = 0; from < inOrder.length; from += headsPerQuery) {
    const some = inOrder.slice(from, from + headsPerQuery);
    const seqs = some.map(({ seq }) => seq);
    const rows = await db
      .select({ seq: actions.seq, hash: actions.hash })
      .from(actions)
      .where(inArray(actions.seq, seqs));
    const found = new Map(rows.map(({ seq, hash }) => [seq, hash]));
    for (const { seq, hash } of some) {
      if (!found.has(seq)) return { kind: "broken", seq, problem: "was cut off: it is on record elsewhere" };
      if (found.get(seq) !== hash)
        return { kind: "broken", seq, problem: "was written anew: another hash is on record elsewhere" };
    }
  }
  return { kind: "whole", compared: heads.length };
}

/** Rows above `seq`, the values as the text that the hash covers. `undefined`: from the very beginning, below 1 as well. */
function pageAfter(db: Database, seq: number | undefined) {
  return db
    .select({
      seq: actions.seq,
      prevHash: actions.prevHash,
      hash: actions.hash,
      projectId: actions.projectId,
      issueId: actions.issueId,
      fixId: actions.fixId,
      atMicroseconds: sql<string>`((extract(epoch FROM ${actions.at}) * 1000000)::bigint)::text`,
      actor: actions.actor,
      action: actions.action,
      subject: actions.subject,
      outcome: actions.outcome,
      because: actions.because,
      detail: sql<string>`${actions.detail}::text`,
      effectKey: actions.effectKey,
    })
    .from(actions)
    .where(seq === undefined ? undefined : gt(actions.seq, seq))
    .orderBy(asc(actions.seq))
    .limit(pageRows);
}
type Row = Awaited<ReturnType<typeof pageAfter>>[number];

function problemOf(row: Row, last: Head): { seq: number; problem: string } | undefined {
  const expected = last.seq + 1;
  if (row.seq < expected) return { seq: row.seq, problem: "stands before the first row" };
  if (row.seq > expected) return { seq: expected, problem: "is missing" };
  if (row.prevHash !== last.hash) return { seq: row.seq, problem: "does not follow the row before it" };
  if (row.hash !== hashOf(row)) return { seq: row.seq, problem: "was changed after it was written" };
  return undefined;
}

/** The same text as `agent_action_hash` in the migration: a line per field with its length in characters before it. */
function hashOf(row: Row): string {
  const fields = [
    ...[row.prevHash, String(row.seq), row.projectId, row.issueId ?? "-", row.fixId ?? "-", row.atMicroseconds],
    ...[row.actor, row.action, row.subject, row.outcome, row.because, row.detail],
    row.effectKey === null ? "-" : `=${row.effectKey}`,
  ];
  const text = fields.map((field) => `${[...field].length}:${field}`).join("\n");
  return createHash("sha256").update(text).digest("hex");
}
