import { move, wait } from "#domain/outcome.ts";
import { approvalVoid, policyHash } from "#policy/autonomy.ts";
import { headOfMain } from "./2-diagnosis.ts";
import type { Stage } from "./stage.ts";

/** How often the question is compared with main and the rules while a person thinks. */
const lookEveryMs = 60_000;

/** Stage 6: wait for a person. The question dies when what was asked about changes, and expires as its own state (spec.md §18.5). */
export const approval: Stage<"awaiting_approval"> = async (issue, world) => {
  const now = world.clock.now();
  const { candidate } = issue.fix;
  if (now >= issue.approval.expiresAt) {
    const because = "nobody decided before the approval expired";
    return move("failed", because, [{ kind: "approval_ended", state: "expired", because }]);
  }
  const present = {
    candidate,
    policyHash: policyHash(world.settings, world.digest),
    environment: "production" as const,
    at: now,
  };
  const moved = (await headOfMain(world)) === candidate.base ? undefined : "main moved";
  const because = moved ?? approvalVoid(issue.approval, present);
  if (because !== undefined) {
    const sentence = `${because}: the fix is built, tested and asked about again`;
    return move("testing", sentence, [{ kind: "approval_ended", state: "void", because }]);
  }
  const until = Math.min(issue.approval.expiresAt.getTime(), now.getTime() + lookEveryMs);
  return wait(new Date(until), "waiting for a person");
};
