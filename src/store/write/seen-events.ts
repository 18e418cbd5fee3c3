import { hash } from "node:crypto";
import { lt, type SQL, sql } from "drizzle-orm";
import type { Database, Transaction } from "../connect.ts";
import { seenEvents } from "../schema.ts";
import { texts } from "./columns.ts";

/** Remembers what is counted now; fails as a duplicate where one of the keys is known, or stands there twice. */
export function remember(keys: readonly string[]): SQL {
  return sql`
    INSERT INTO agent_seen_events (key, seen_at)
    SELECT key::uuid, clock_timestamp() FROM unnest(${texts(keys.toSorted())}) AS key RETURNING key`;
}

/**
 * Remembers what is counted now and answers, place by place, whether it is new: what was counted before, or stands earlier
 * in the same list, is not. Whoever delivers the same id at the same moment waits for this transaction.
 */
export async function rememberNew(tx: Transaction, keys: readonly string[]): Promise<boolean[]> {
  if (keys.length === 0) return [];
  // In the order of the keys, so that two batches with the same ids cannot wait for each other.
  const ordered = [...new Set(keys)].toSorted();
  const rows = await tx
    .insert(seenEvents)
    .select(sql`SELECT key::uuid, clock_timestamp() FROM unnest(${texts(ordered)}) AS key`)
    .onConflictDoNothing()
    .returning({ key: seenEvents.key });
  const left = new Set(rows.map(({ key }) => key));
  return keys.map((key) => left.delete(key));
}

/** Forgets what was counted before `before`; the same id would then be counted again. Answers how many were forgotten. */
export async function forgetSeenEvents(db: Database | Transaction, before: Date): Promise<number> {
  const gone = await db.delete(seenEvents).where(lt(seenEvents.seenAt, before)).returning({ key: seenEvents.key });
  return gone.length;
}

/** 128 bits of a hash of the sender's id, as Postgres writes a uuid: ids are chosen freely, and no two may meet by accident. */
export function deliveryKey(projectId: string, kind: "event" | "traffic", id: string): string {
  const hex = hash("sha256", `${projectId}\n${kind}\n${id}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
