import { z } from "zod";

/** Something a person is told, in Slack or on the console (spec.md §14). `key` names the event: one key, one message. */
export const Notice = z.object({
  key: z.string(),
  kind: z.enum([
    "issue_detected",
    "approval_needed",
    "resolved",
    "rolled_back",
    "rollback_failed",
    "failed",
    "rejected",
    "dismissed",
    "inconclusive",
    "limit_reached",
    "agent_paused",
    "agent_resumed",
    "branch_moved",
    "recovered",
    "source_blind",
    "rule_raised",
  ]),
  issueId: z.string().nullable(),
  severity: z.string().nullable(),
  title: z.string(),
  text: z.string(),
  /** Labelled facts in reading order. */
  fields: z.array(z.object({ label: z.string(), value: z.string() })),
  /** Label and path (from the application's root) of the button. */
  link: z.object({ label: z.string(), path: z.string() }).nullable(),
  /** What a person is asked to approve: the sha256 of the very diff. */
  approval: z.object({ diffHash: z.string() }).optional(),
});
export type Notice = z.infer<typeof Notice>;
