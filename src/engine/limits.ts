import { action, appendActions } from "#store/write/actions.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";

/** Says once per full window that work waits for a limit (spec.md §11): in the audit trail, and to people. */
export async function tellLimit(
  engine: Engine,
  kind: "fix" | "deployment",
  because: string,
  until: Date,
): Promise<void> {
  const key = `limit:${engine.projectId}:${kind}:${until.toISOString()}`;
  await engine.connection.db.transaction(async (tx) => {
    await engine.queue.sendNotice(tx, noticeId(key), {
      key,
      kind: "limit_reached",
      issueId: null,
      severity: null,
      title: kind === "fix" ? "Limit of fixes reached" : "Limit of production deployments reached",
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
