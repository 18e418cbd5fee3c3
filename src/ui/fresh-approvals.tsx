"use client";

import { useRouter } from "next/navigation";
import { useEffect, useTransition } from "react";
import { useBoard } from "./live-board.tsx";

/** Reads the page again when what waits for a person is no longer what this page shows: `shown` names fixes and diffs. */
export function FreshApprovals({ shown }: { shown: string }) {
  const { waiting } = useBoard().board;
  const router = useRouter();
  const [isReading, start] = useTransition();
  const now = waiting
    .map(({ issueId, diffHash }) => `${issueId} ${diffHash}`)
    .sort()
    .join("\n");
  useEffect(() => {
    if (now !== shown) start(() => router.refresh());
  }, [now, shown, router]);
  return isReading ? (
    <p role="status" className="sr-only">
      Reading the approvals again…
    </p>
  ) : null;
}
