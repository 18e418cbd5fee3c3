"use client";

import { useRouter } from "next/navigation";
import { lazy, Suspense, useState } from "react";
import type { Status } from "#domain/lifecycle.ts";
import { type Command, refusal } from "#policy/commands.ts";
import { Button } from "./button.tsx";
import { Confirm } from "./confirm.tsx";
import { useOrders } from "./orders.tsx";

const MoreOrders = lazy(async () => ({ default: (await import("./more-orders.tsx")).MoreOrders }));

const orders = [
  {
    command: "retry",
    label: "Retry",
    look: "plain",
    title: "Work on this issue again?",
    text: "It starts anew with a diagnosis on main as it is now.",
    done: "It is worked on again.",
    reason: "A note for the audit log",
    required: false,
  },
  {
    command: "dismiss",
    label: "Dismiss",
    look: "plain",
    title: "Dismiss this issue?",
    done: "Dismissed: nothing more is done about it.",
    text: "Nothing more is done about it. It comes back only when it gets much worse.",
    reason: "Why (kept with the issue)",
    required: true,
  },
  {
    command: "revert",
    label: "Revert",
    look: "danger",
    title: "Take this fix back?",
    done: "The fix is being taken back.",
    text: "The version before it is served again at once, and a commit on main takes the change back. What people committed since stays.",
    reason: "Why (kept with the issue)",
    required: true,
  },
] as const satisfies { command: Command; [rest: string]: unknown }[];

/** What an operator may do with the issue now; what is not possible says why. */
export function IssueOrders({ issueId, status, isLive }: { issueId: string; status: Status; isLive: boolean }) {
  const { role, send } = useOrders();
  const router = useRouter();
  const give = async (command: Command, reason: string) => {
    const body = reason === "" ? {} : { reason };
    const refused = await send("POST", `/api/agent/issues/${issueId}/${command}`, body);
    router.refresh();
    return refused;
  };
  return (
    <div className="flex flex-wrap gap-2">
      {orders.map(({ command, label, look, title, text, done, reason, required }) => {
        const why = role === "viewer" ? "A viewer may look, and change nothing." : refusal(command, { status, isLive });
        return (
          <Confirm
            key={command}
            label={label}
            look={look}
            title={title}
            action={label}
            done={done}
            disabled={why !== undefined}
            why={why}
            reason={{ label: reason, required }}
            onConfirm={(given) => give(command, given)}
          >
            {text}
          </Confirm>
        );
      })}
      {role === "operator" && <More issueId={issueId} status={status} isLive={isLive} />}
    </div>
  );
}

/** Mute, merge, split, false alarm: fetched with the first press. */
function More(props: { issueId: string; status: Status; isLive: boolean }) {
  const [isAsked, setAsked] = useState(false);
  const button = (
    <Button aria-haspopup="menu" onClick={() => setAsked(true)}>
      More ▾
    </Button>
  );
  return isAsked ? (
    <Suspense fallback={button}>
      <MoreOrders {...props} />
    </Suspense>
  ) : (
    button
  );
}
