import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { IssueId } from "#domain/ids.ts";
import { cleanText } from "#domain/text.ts";

/** What Slack sends when somebody presses a button or sends off a window, as far as Vigil asks. */

const User = z.object({ id: z.string().max(50) });
const address = z.url({ protocol: /^https?$/ }).max(500);
const blocksMax = 50;

/** What a button names: the issue, and the very diff that its message showed. */
const Target = z.object({ issueId: IssueId, diffHash: z.string().regex(/^[0-9a-f]{64}$/) });
export type Target = z.infer<typeof Target>;

/** Comes back with the reason: which question is answered, and where its message is changed. */
const Remembered = Target.extend({ responseUrl: address, text: z.string().max(1_000) });
export type Remembered = z.infer<typeof Remembered>;

const Click = z.object({
  type: z.literal("block_actions"),
  user: User,
  trigger_id: z.string().max(500),
  response_url: address,
  message: z.object({
    text: z.string().default(""),
    blocks: z.array(z.looseObject({})).max(blocksMax).default([]),
  }),
  actions: z.array(z.object({ action_id: z.string(), value: z.string().max(2_000).optional() })).min(1),
});

const Submission = z.object({
  type: z.literal("view_submission"),
  user: User,
  view: z.object({
    callback_id: z.literal("vigil_reject"),
    private_metadata: z.string().max(3_000),
    state: z.object({ values: z.record(z.string(), z.record(z.string(), z.object({ value: z.string().nullish() }))) }),
  }),
});

export type Interaction =
  | {
      kind: "approve" | "reject";
      user: string;
      target: Target;
      trigger: string;
      responseUrl: string;
      message: { text: string; blocks: Record<string, unknown>[] };
    }
  | { kind: "reason"; user: string; remembered: Remembered; reason: string }
  /** Nothing for Vigil: a button that only leads somewhere, or a kind of payload that it did not ask for. */
  | { kind: "none" };

/** What somebody did, from the signed body. Throws `invalid` where it is not what Slack sends. */
export function interactionOf(body: string): Interaction {
  const payload = new URLSearchParams(body).get("payload");
  const given = jsonOf(payload ?? "");
  const type = z.object({ type: z.string() }).parse(given).type;
  if (type === "view_submission") {
    const { user, view } = Submission.parse(given);
    const values = Object.values(view.state.values).flatMap((field) => Object.values(field));
    const reason = cleanText(values[0]?.value ?? "").trim();
    return { kind: "reason", user: user.id, remembered: Remembered.parse(jsonOf(view.private_metadata)), reason };
  }
  if (type !== "block_actions") return { kind: "none" };
  const { user, trigger_id: trigger, response_url: responseUrl, message, actions } = Click.parse(given);
  const pressed = actions.find(({ action_id }) => action_id === "vigil_approve" || action_id === "vigil_reject");
  if (pressed === undefined) return { kind: "none" };
  const kind = pressed.action_id === "vigil_approve" ? "approve" : "reject";
  return { kind, user: user.id, target: Target.parse(jsonOf(pressed.value ?? "")), trigger, responseUrl, message };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure("invalid", "That is not what Slack sends.", { cause });
  }
}
