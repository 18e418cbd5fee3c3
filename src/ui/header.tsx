"use client";

import Link from "next/link";
import { usePathname, useRouter } from "next/navigation";
import type { ReactNode } from "react";
import type { UsageView } from "#domain/view.ts";
import { Badge } from "./badge.tsx";
import { Button } from "./button.tsx";
import { Confirm } from "./confirm.tsx";
import { useBoard } from "./live-board.tsx";
import { useOrders } from "./orders.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { Remaining } from "./time.tsx";
import { Toasts, tell } from "./toasts.tsx";

const pages = [
  { href: "/dashboard/agent", label: "Now" },
  { href: "/dashboard/agent/history", label: "History" },
  { href: "/dashboard/agent/audit", label: "Audit log" },
  { href: "/dashboard/agent/detection", label: "Detection" },
  { href: "/dashboard/agent/settings", label: "Settings" },
];

/** Where one is, whether the agent works, and the button that stops everything. `children`: what else belongs there. */
export function Header({ name, children }: { name: string; children: ReactNode }) {
  const path = usePathname();
  return (
    <header className="border-line border-b bg-panel">
      <div className="mx-auto flex max-w-6xl flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2">
        <Link href="/dashboard/agent" className="font-semibold text-base">
          Vigil
        </Link>
        <nav aria-label="Pages" className="flex flex-wrap sm:gap-x-1">
          {pages.map(({ href, label }) => (
            <Link
              key={href}
              href={href}
              prefetch={false}
              aria-current={path === href ? "page" : undefined}
              className="flex min-h-10 items-center rounded-md px-1.5 text-muted hover:bg-raised aria-[current]:bg-raised aria-[current]:text-ink sm:min-h-8 sm:px-2"
            >
              {label}
            </Link>
          ))}
        </nav>
        <div className="ml-auto flex flex-wrap items-center gap-2">
          <LineState />
          <AgentState />
          {children}
          <span data-pause>
            <PauseButton />
          </span>
          <Shortcuts />
          <SignOut name={name} />
        </div>
      </div>
      <Toasts />
    </header>
  );
}

function LineState() {
  const { line } = useBoard();
  if (line === "live") return null;
  return (
    <span role="status">
      <Badge tone="warn">{line === "offline" ? "offline: shown as it was" : "reconnecting…"}</Badge>
    </span>
  );
}

function AgentState() {
  const { paused } = useBoard().board;
  if (paused === null) return <Badge tone="good">Active</Badge>;
  return (
    <span role="status" className="flex items-center gap-2">
      <Badge tone="warn" title={paused.by === null ? "" : `by ${paused.by}`}>
        Paused
      </Badge>
      <span className="max-w-64 truncate text-muted" title={paused.because}>
        {paused.because}
      </span>
      {paused.until !== null && (
        <span className="text-muted">
          for <Remaining until={paused.until} />
        </span>
      )}
    </span>
  );
}

function PauseButton() {
  const { paused } = useBoard().board;
  const { role, send } = useOrders();
  const why = role === "viewer" ? "A viewer may look, and change nothing." : undefined;
  if (paused !== null) {
    return (
      <Confirm
        label="Resume"
        look="primary"
        title="Resume the agent?"
        action="Resume"
        done="The agent goes on."
        disabled={role === "viewer"}
        why={why}
        onConfirm={() => send("POST", "/api/agent/resume", {})}
      >
        It goes on where it stopped: diagnosing, fixing, testing and deploying what is waiting.
      </Confirm>
    );
  }
  return (
    <Confirm
      label="Pause"
      title="Pause the agent?"
      action="Pause"
      done="The agent is paused."
      disabled={role === "viewer"}
      why={why}
      reason={{ label: "Why (shown to everyone)", required: false }}
      onConfirm={(reason) => send("POST", "/api/agent/pause", reason === "" ? {} : { reason })}
    >
      No new diagnosis, fix, push or deployment starts, and work in progress stops at its next step. What is already in
      production stays watched and is rolled back if it is bad.
    </Confirm>
  );
}

function SignOut({ name }: { name: string }) {
  const { send } = useOrders();
  const router = useRouter();
  const leave = async () => {
    const refusal = await send("DELETE", "/api/session", {});
    if (refusal !== null) return tell({ tone: "bad", title: "You are still signed in", text: refusal.message });
    router.replace("/sign-in");
    router.refresh();
  };
  return (
    <Button look="quiet" onClick={leave} title={`Signed in as ${name}`}>
      Sign out
    </Button>
  );
}

/** What of each limit is used; a full one stands out. */
export function Usage() {
  const { usage } = useBoard().board;
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-1">
      <Limit label="Fixes this hour" {...usage.fixesThisHour} />
      <Limit label="Deployments today" {...usage.deploymentsToday} />
      <Limit label="Spent today" {...usage.spendTodayUsd} format={(usd) => `$${usd.toFixed(2)}`} />
    </dl>
  );
}

function Limit({
  label,
  used,
  limit,
  format = String,
}: UsageView["fixesThisHour"] & { label: string; format?: (n: number) => string }) {
  const isFull = used >= limit;
  return (
    <div className="flex gap-2">
      <dt className="text-muted">{label}</dt>
      <dd className={`tabular-nums ${isFull ? "font-medium text-warn" : ""}`}>
        {format(used)} of {format(limit)}
        {isFull && " — limit reached"}
      </dd>
    </div>
  );
}
