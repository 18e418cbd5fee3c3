import { and, asc, eq, lt, sql } from "drizzle-orm";
import { z } from "zod";
import { ErrorEvent } from "#domain/event.ts";
import type { Transaction } from "../connect.ts";
import { fingerprints } from "../schema.ts";

/** A group that an older algorithm named. */
export interface OldGroup {
  fingerprint: string;
  sample: ErrorEvent;
}

const StoredEvent = ErrorEvent.extend({ at: z.coerce.date() });

/** Some groups of algorithms before `algorithm`, locked; those that another process works on are left out. */
export async function oldGroups(
  tx: Transaction,
  projectId: string,
  { algorithm, limit }: { algorithm: number; limit: number },
): Promise<(OldGroup | { fingerprint: string; sample: null })[]> {
  const rows = await tx
    .select({ fingerprint: fingerprints.fingerprint, sample: fingerprints.sample })
    .from(fingerprints)
    .where(and(eq(fingerprints.projectId, projectId), lt(fingerprints.algorithm, algorithm)))
    .orderBy(asc(fingerprints.fingerprint))
    .limit(limit)
    .for("update", { skipLocked: true });
  return rows.map(({ fingerprint, sample }) => ({ fingerprint, sample: StoredEvent.safeParse(sample).data ?? null }));
}

/** The group keeps its name under the new algorithm. */
export async function keepName(tx: Transaction, projectId: string, name: string, algorithm: number): Promise<void> {
  await tx
    .update(fingerprints)
    .set({ algorithm })
    .where(and(eq(fingerprints.projectId, projectId), eq(fingerprints.fingerprint, name)));
}

/**
 * Gives a group the name that the new algorithm has for it, with everything that is known by the old one: counts, users,
 * samples, its issue, and the promises of fixes that are on their way. Two that the new algorithm takes for one become one.
 */
export async function renameGroup(
  tx: Transaction,
  projectId: string,
  { from, to, algorithm }: { from: string; to: string; algorithm: number },
): Promise<void> {
  await tx.execute(sql`
    INSERT INTO agent_fingerprints AS known (project_id, fingerprint, algorithm, issue_id, assigned_by, cause_key, title,
      issue_type, state, sample, event_count, unseen_count, first_seen, last_seen, first_release, last_release)
    SELECT project_id, ${to}, ${algorithm}, issue_id, assigned_by, cause_key, title, issue_type, state, sample, event_count,
      unseen_count, first_seen, last_seen, first_release, last_release
    FROM agent_fingerprints WHERE project_id = ${projectId} AND fingerprint = ${from}
    ON CONFLICT (project_id, fingerprint) DO UPDATE SET
      algorithm = excluded.algorithm,
      issue_id = coalesce(known.issue_id, excluded.issue_id),
      assigned_by = coalesce(known.assigned_by, excluded.assigned_by),
      state = CASE WHEN known.state = 'candidate' THEN excluded.state ELSE known.state END,
      event_count = known.event_count + excluded.event_count,
      unseen_count = known.unseen_count + excluded.unseen_count,
      first_seen = least(known.first_seen, excluded.first_seen),
      last_seen = greatest(known.last_seen, excluded.last_seen)`);
  await tx.execute(sql`DELETE FROM agent_fingerprints WHERE project_id = ${projectId} AND fingerprint = ${from}`);
  await tx.execute(sql`
    WITH moved AS (DELETE FROM agent_event_minutes WHERE project_id = ${projectId} AND fingerprint = ${from} RETURNING *)
    INSERT INTO agent_event_minutes AS known (project_id, environment, fingerprint, release, minute, events)
    SELECT project_id, environment, ${to}, release, minute, events FROM moved
    ON CONFLICT (project_id, environment, fingerprint, release, minute) DO UPDATE SET events = known.events + excluded.events`);
  await tx.execute(sql`
    WITH moved AS (DELETE FROM agent_issue_users WHERE project_id = ${projectId} AND fingerprint = ${from} RETURNING *)
    INSERT INTO agent_issue_users AS known (project_id, fingerprint, user_hash, first_at, last_at)
    SELECT project_id, ${to}, user_hash, first_at, last_at FROM moved
    ON CONFLICT (project_id, fingerprint, user_hash) DO UPDATE SET
      first_at = least(known.first_at, excluded.first_at), last_at = greatest(known.last_at, excluded.last_at)`);
  await tx.execute(
    sql`UPDATE agent_events SET fingerprint = ${to} WHERE project_id = ${projectId} AND fingerprint = ${from}`,
  );
  // Of two issues that one group opened now, the older one keeps the name; the other keeps its own.
  await tx.execute(sql`
    UPDATE agent_issues i SET fingerprint = ${to} WHERE i.project_id = ${projectId} AND i.fingerprint = ${from}
      AND NOT EXISTS (SELECT 1 FROM agent_issues o WHERE o.project_id = ${projectId} AND o.fingerprint = ${to})`);
  // A watch that looks for the old name would see nothing and take the error for cured.
  await tx.execute(sql`
    UPDATE agent_fixes f SET claim = jsonb_set(f.claim, '{fingerprint}', to_jsonb(${to}::text))
    FROM agent_issues i WHERE i.id = f.issue_id AND i.project_id = ${projectId} AND f.claim->>'fingerprint' = ${from}`);
}
