"use client";

import { Menu } from "@base-ui/react/menu";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { Status } from "#domain/lifecycle.ts";
import { type Command, refusal } from "#policy/commands.ts";
import { buttonClass } from "./button.tsx";
import type { ConfirmProps } from "./confirm.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { MuteFields, muteOf } from "./mute-fields.tsx";
import { type Refusal, useOrders } from "./orders.tsx";
import { GroupFields, OtherIssueFields } from "./regroup-fields.tsx";

interface Order extends Pick<ConfirmProps, "title" | "children" | "action" | "done" | "fields"> {
  label: string;
  /** What the engine asks before it does it, where the page can know the answer. */
  asks: Command | null;
  path: string;
  bodyOf(form: FormData): Record<string, unknown>;
  isReasonRequired: boolean;
}

const ordersOf = (issueId: string): Order[] => [
  {
    label: "Mute…",
    asks: "mute",
    path: "mute",
    title: "Ignore this issue for now?",
    children: "Nothing is done about it until the first of these is true and it is seen again.",
    action: "Mute",
    done: "Muted.",
    fields: <MuteFields />,
    bodyOf: muteOf,
    isReasonRequired: false,
  },
  {
    label: "Merge into another issue…",
    asks: null,
    path: "merge",
    title: "Is it the same problem as another issue?",
    children: "This issue rests, and the other one goes on with all its errors, now and in future.",
    action: "Merge",
    done: "Merged: the other issue goes on.",
    fields: <OtherIssueFields issueId={issueId} />,
    bodyOf: (form) => ({ into: String(form.get("into") ?? "") }),
    isReasonRequired: false,
  },
  {
    label: "Split a kind of error off…",
    asks: null,
    path: "split",
    title: "Is a part of it another problem?",
    children: "The chosen kind of error becomes an issue of its own, and stays apart from this one in future.",
    action: "Split off",
    done: "Split off: it is an issue of its own.",
    fields: <GroupFields issueId={issueId} />,
    bodyOf: (form) => ({ fingerprint: String(form.get("fingerprint") ?? "") }),
    isReasonRequired: false,
  },
  {
    label: "False alarm…",
    asks: "dismiss",
    path: "dismiss",
    title: "Was this never a problem?",
    children:
      "The issue is dismissed, and the rule that opened it is told that it was wrong: after too many of them it asks for more evidence.",
    action: "False alarm",
    done: "Dismissed as a false alarm.",
    bodyOf: () => ({ falseAlarm: true }),
    isReasonRequired: true,
  },
];

/** What is asked for less often. It comes with the first press on its button, and opens at once. */
export function MoreOrders(props: { issueId: string; status: Status; isLive: boolean }) {
  const { issueId, status, isLive } = props;
  const { send } = useOrders();
  const router = useRouter();
  const [asked, setAsked] = useState<Order | null>(null);
  const give = async ({ path, bodyOf }: Order, reason: string, form: FormData): Promise<Refusal | null> => {
    const body = { ...bodyOf(form), ...(reason !== "" && { reason }) };
    const refused = await send("POST", `/api/agent/issues/${issueId}/${path}`, body);
    router.refresh();
    return refused;
  };
  return (
    <>
      <Menu.Root defaultOpen>
        <Menu.Trigger className={buttonClass("plain")}>More ▾</Menu.Trigger>
        {/* A menu belongs to the page, not beside it. */}
        <Menu.Portal container={document.querySelector("main")}>
          <Menu.Positioner className="z-30" sideOffset={4} align="end">
            <Menu.Popup className="max-w-xs rounded-md border border-line bg-panel py-1 text-ink shadow-lg outline-none">
              {ordersOf(issueId).map((order) => {
                const why = order.asks === null ? undefined : refusal(order.asks, { status, isLive });
                return (
                  <Menu.Item
                    key={order.label}
                    disabled={why !== undefined}
                    onClick={() => setAsked(order)}
                    className="flex min-h-10 cursor-pointer flex-col justify-center px-4 py-1 outline-none data-disabled:cursor-not-allowed data-highlighted:bg-raised sm:min-h-8"
                  >
                    <span className={why === undefined ? "" : "text-muted line-through"}>{order.label}</span>
                    {why !== undefined && <span className="text-muted text-xs">{why}</span>}
                  </Menu.Item>
                );
              })}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {asked !== null && (
        <ConfirmDialog
          {...asked}
          reason={
            asked.isReasonRequired
              ? { label: "Why (kept with the issue)", required: true }
              : { label: "Why (kept with the issue, if you like)", required: false }
          }
          close={() => setAsked(null)}
          onConfirm={(reason, form) => give(asked, reason, form)}
        />
      )}
    </>
  );
}
