import { action, appendActions } from "#store/write/actions.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";

const titles = {
  fix: "Limit of fixes reached",
  deployment: "Limit of production deployments reached",
  money: "Budget for models reached",
} as const;

/** Says once per `window` that work waits for a limit (spec.md §11): in the audit trail, and to people. */
export async function tellLimit(
  engine: Engine,
  limit: { kind: keyof typeof titles; window: string; because: string },
): Promise<void> {
  const { kind, window, because } = limit;
  const key = `limit:${engine.projectId}:${kind}:${window}`;
  await engine.connection.db.transaction(async (tx) => {
    await engine.queue.sendNotice(tx, noticeId(key), {
      key,
      kind: "limit_reached",
      issueId: null,
      severity: null,
      title: titles[kind],
      text: because,
      fields: [],
      link: { label: "View in Dashboard", path: "/dashboard/agent" },
    });
    // The key makes it one row however many issues run into the limit.
    await appendActions(tx, [
      action({ actor: "agent", action: "limit.reached", subject: kind, because, effectKey: key }),
    ]);
  });
}
