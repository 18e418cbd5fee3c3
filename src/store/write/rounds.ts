import { and, eq, sql } from "drizzle-orm";
import type { HealthCheck } from "#domain/evidence.ts";
import type { Environment } from "#domain/ids.ts";
import type { Database, Transaction } from "../connect.ts";
import { issues, probes, rounds, rules } from "../schema.ts";

const minuteMs = 60_000;

/** The present slot of so many milliseconds, by the database's clock. */
function slotOf(lengthMs: number) {
  return sql<number>`floor(extract(epoch FROM clock_timestamp()) * 1000 / ${lengthMs}::float8)::bigint`;
}

/** Takes this slot of something that happens every `everyMs`; `false`: somebody did, here or elsewhere. */
export async function claimRound(db: Database, projectId: string, kind: string, everyMs: number): Promise<boolean> {
  const taken = await db
    .insert(rounds)
    .values({ projectId, kind, slot: slotOf(everyMs) })
    .onConflictDoUpdate({
      target: [rounds.projectId, rounds.kind],
      set: { slot: sql`excluded.slot`, at: sql`clock_timestamp()` },
      setWhere: sql`${rounds.slot} < excluded.slot`,
    })
    .returning({ kind: rounds.kind });
  return taken.length > 0;
}

/** Takes this minute's look at an environment; `undefined`: somebody looks already. Until it is recorded it counts as no data. */
export async function claimProbe(
  db: Database,
  projectId: string,
  environment: Environment,
): Promise<number | undefined> {
  const [row] = await db
    .insert(probes)
    .values({ projectId, environment, slot: slotOf(minuteMs) })
    .onConflictDoNothing()
    .returning({ slot: probes.slot });
  return row?.slot;
}

export async function recordProbe(
  db: Database,
  projectId: string,
  environment: Environment,
  { slot, ...check }: HealthCheck & { slot: number },
): Promise<void> {
  await db
    .update(probes)
    .set({ ...check, checkedAt: sql`clock_timestamp()` })
    .where(and(eq(probes.projectId, projectId), eq(probes.environment, environment), eq(probes.slot, slot)));
}

/** A rule asks for twice as much from now on, and is counted anew. */
export async function raiseRule(tx: Transaction, projectId: string, name: string, reason: string): Promise<void> {
  await tx
    .insert(rules)
    .values({ projectId, name, steps: 1, reason })
    .onConflictDoUpdate({
      target: [rules.projectId, rules.name],
      set: { steps: sql`${rules.steps} + 1`, since: sql`clock_timestamp()`, reason },
    });
}

/** An operator set the rules: what they had learned by themselves is forgotten, and they are counted anew. */
export async function forgetRaises(tx: Transaction, projectId: string): Promise<void> {
  await tx
    .update(rules)
    .set({ steps: 0, since: sql`clock_timestamp()`, reason: "" })
    .where(eq(rules.projectId, projectId));
}

const settledStates = sql`('new', 'regressed', 'escalating')`;

/** What is no longer new after a day: nothing changed about it since. */
export async function ageStates(db: Database, projectId: string, afterMs: number): Promise<void> {
  const hours = afterMs / (60 * minuteMs);
  await db
    .update(issues)
    .set({ state: "ongoing", stateReason: `unchanged for ${hours} hours`, stateSince: sql`clock_timestamp()` })
    .where(
      and(
        eq(issues.projectId, projectId),
        sql`${issues.state} IN ${settledStates}`,
        sql`${issues.status} <> 'resolved'`,
        sql`${issues.stateSince} < clock_timestamp() - ${afterMs} * interval '1 millisecond'`,
      ),
    );
}

/**
 * What a dismissed problem was like when it was dismissed, however that was done: the events of the day before. Looked
 * up once, soon after, because the counts are not kept for ever.
 */
export async function noteDismissedVolumes(db: Database, projectId: string): Promise<void> {
  await db.execute(sql`
    UPDATE agent_issues AS i SET dismissed_volume = (
      SELECT coalesce(sum(m.events), 0) FROM agent_fingerprints f JOIN agent_event_minutes m USING (project_id, fingerprint)
      WHERE f.issue_id = i.id AND m.environment = 'production' AND m.minute <= i.status_since
        AND m.minute > i.status_since - interval '24 hours')
    WHERE i.project_id = ${projectId} AND i.status = 'dismissed' AND i.dismissed_volume IS NULL AND i.fingerprint IS NOT NULL`);
}
