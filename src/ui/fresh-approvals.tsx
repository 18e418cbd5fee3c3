"use client";

import { useRouter } from "next/navigation";
import { useEffect, useTransition } from "react";
import { useBoard } from "./live-board.tsx";

const lookEveryMs = 300;

/**
 * Reads the page again when what waits for a person is no longer what this page shows: `shown` names fixes and diffs. An open
 * question stays until it is answered, because a refusal has to be read where it was asked.
 */
export function FreshApprovals({ shown }: { shown: string }) {
  const { waiting } = useBoard().board;
  const router = useRouter();
  const [isReading, start] = useTransition();
  const now = waiting
    .map(({ issueId, diffHash }) => `${issueId} ${diffHash}`)
    .sort()
    .join("\n");
  useEffect(() => {
    if (now === shown) return;
    const read = () => {
      if (document.querySelector('[role="alertdialog"]') !== null) return;
      clearInterval(timer);
      start(() => router.refresh());
    };
    const timer = setInterval(read, lookEveryMs);
    read();
    return () => clearInterval(timer);
  }, [now, shown, router]);
  return isReading ? (
    <p role="status" className="sr-only">
      Reading the approvals again…
    </p>
  ) : null;
}
