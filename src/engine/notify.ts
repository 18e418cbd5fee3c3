import { desc, eq } from "drizzle-orm";
import { Notice } from "#domain/notice.ts";
import { actions } from "#store/schema.ts";
import { action, appendActions } from "#store/write/actions.ts";
import type { Engine } from "./engine.ts";
import type { Job } from "./queue.ts";

/**
 * Delivers one message. The intent is written before, the delivery after: a message that may have gone out when the
 * process died is sent again and marked as a repetition; one that is known to have gone out is not (reliability B3).
 */
export async function deliver(engine: Engine, job: Job): Promise<void> {
  const notice = Notice.parse(job.data);
  const { db } = engine.connection;
  const effectKey = `notice:${notice.key}`;
  const earlier = await db
    .select({ outcome: actions.outcome })
    .from(actions)
    .where(eq(actions.effectKey, effectKey))
    .orderBy(desc(actions.seq));
  if (earlier.some(({ outcome }) => outcome === "done")) return engine.queue.complete(null, job);
  const row = action({
    issueId: notice.issueId,
    actor: "agent",
    action: "notice.send",
    subject: notice.kind,
    because: notice.title,
    effectKey,
  });
  // An intent without an end: the process died in between, and nobody knows on which side of the delivery.
  const repeated = earlier[0]?.outcome === "intended";
  await db.transaction((tx) => appendActions(tx, [{ ...row, outcome: "intended" }]));
  engine.observe({ kind: "effect_intended", effect: "notice.send", key: effectKey });
  try {
    await engine.ports.notifier.send(notice, { repeated });
  } catch (error) {
    const because = error instanceof Error ? error.message : "not delivered";
    await db.transaction((tx) => appendActions(tx, [{ ...row, outcome: "failed", because }]));
    throw error;
  }
  engine.observe({ kind: "effect_acted", effect: "notice.send", key: effectKey });
  await db.transaction(async (tx) => {
    await engine.queue.complete(tx, job);
    await appendActions(tx, [row]);
  });
  engine.observe({ kind: "effect_recorded", effect: "notice.send", key: effectKey });
}
