import { Failure } from "#domain/failure.ts";
import { Notice } from "#domain/notice.ts";
import { lastAttempt, threadOf } from "#store/read/notices.ts";
import { action, appendActions, type NewAction } from "#store/write/actions.ts";
import type { Engine } from "./engine.ts";
import type { Job } from "./queue.ts";

/**
 * Delivers one message. The intent is written before, the delivery after: a message that may have gone out when the
 * process died, or when the line broke, is looked for and otherwise marked as a repetition; one that is known to have
 * gone out is not sent again (reliability B3). Where it went is kept with the delivery, for the issue's later messages.
 */
export async function deliver(engine: Engine, job: Job): Promise<void> {
  const notice = Notice.parse(job.data);
  const { db } = engine.connection;
  const effectKey = `notice:${notice.key}`;
  const earlier = await lastAttempt(db, effectKey);
  if (earlier === "done") return engine.queue.complete(null, job);
  const row = rowOf(notice, effectKey);
  await db.transaction((tx) => appendActions(tx, [{ ...row, outcome: "intended" }]));
  engine.observe({ kind: "effect_intended", effect: "notice.send", key: effectKey });
  const sent = await attempt(engine, notice, { repeated: earlier === "intended", row, job });
  if (sent === "refused") return;
  engine.observe({ kind: "effect_acted", effect: "notice.send", key: effectKey });
  await db.transaction(async (tx) => {
    await engine.queue.complete(tx, job);
    await appendActions(tx, [{ ...row, detail: sent.place === null ? {} : { place: sent.place } }]);
  });
  engine.observe({ kind: "effect_recorded", effect: "notice.send", key: effectKey });
}

function rowOf(notice: Notice, effectKey: string): NewAction {
  return action({
    issueId: notice.issueId,
    actor: "agent",
    action: "notice.send",
    subject: notice.kind,
    because: notice.title,
    effectKey,
  });
}

/** Throws when the message has to be tried again; the intent stays open where nobody knows whether it went out. */
async function attempt(
  engine: Engine,
  notice: Notice,
  { repeated, row, job }: { repeated: boolean; row: NewAction; job: Job },
): Promise<{ place: string | null } | "refused"> {
  const { db } = engine.connection;
  const thread = notice.issueId === null ? null : await threadOf(db, notice.issueId);
  let because: string;
  try {
    const delivery = await engine.ports.notifier.send(notice, { repeated, thread });
    if (delivery.kind === "delivered") return delivery;
    because = delivery.because;
  } catch (error) {
    const failed: NewAction = {
      ...row,
      outcome: "failed",
      because: error instanceof Error ? error.message : "not sent",
    };
    if (!(error instanceof Failure && error.code === "invalid")) {
      await db.transaction((tx) => appendActions(tx, [failed]));
      throw error;
    }
    // It will never be taken, and those behind it must not wait for it.
    await db.transaction(async (tx) => {
      await engine.queue.complete(tx, job);
      await appendActions(tx, [failed]);
    });
    return "refused";
  }
  throw new Failure("unavailable", because);
}
