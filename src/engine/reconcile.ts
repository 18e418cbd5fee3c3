import { and, desc, eq, sql } from "drizzle-orm";
import { Sha } from "#domain/ids.ts";
import { actions } from "#store/schema.ts";
import { action, appendActions } from "#store/write/actions.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";

/**
 * Compares main with where we moved it last: what we put there must still be in it. A main that was rewritten behind our
 * back is reported once, with both commits (reliability C18). People building on top of it is the normal course.
 */
export async function reconcileMain(engine: Engine): Promise<void> {
  const { db } = engine.connection;
  const [last] = await db
    .select({ to: sql<string>`${actions.detail}->>'to'` })
    .from(actions)
    .where(and(eq(actions.action, "repository.advance"), eq(actions.subject, "main"), eq(actions.outcome, "done")))
    .orderBy(desc(actions.seq))
    .limit(1);
  const recorded = Sha.safeParse(last?.to);
  if (!recorded.success) return;
  const head = await engine.ports.repository.head("main");
  if (head === recorded.data) return;
  if (head !== undefined && (await engine.ports.repository.contains(head, recorded.data))) return;
  await report(engine, recorded.data, head ?? "nothing");
}

async function report(engine: Engine, recorded: Sha, head: string): Promise<void> {
  const key = `main-moved:${recorded}:${head}`;
  const because = `main was moved to ${recorded} by Vigil; it is at ${head} now, which does not contain that commit`;
  await engine.connection.db.transaction(async (tx) => {
    await engine.queue.sendNotice(tx, noticeId(key), {
      key,
      kind: "branch_moved",
      issueId: null,
      severity: null,
      title: "main was rewritten",
      text: because,
      fields: [],
      link: { label: "View in Dashboard", path: "/dashboard/agent" },
    });
    await appendActions(tx, [
      action({ actor: "agent", action: "branch.rewritten", subject: "main", because, effectKey: key }),
    ]);
  });
}
