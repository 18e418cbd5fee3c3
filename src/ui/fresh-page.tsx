"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import { useBoard } from "./live-board.tsx";

/** Reads the page again when something was done since it was made, or its issue's release was looked at. */
export function FreshPage({ issueId }: { issueId?: string }) {
  const { board } = useBoard();
  const router = useRouter();
  const looks = board.flights.find(({ id }) => id === issueId)?.watch?.checks.at(-1);
  const state = `${board.seq} ${looks?.slot}.${looks?.repeat}`;
  const shown = useRef(state);
  useEffect(() => {
    if (state === shown.current) return;
    shown.current = state;
    router.refresh();
  }, [state, router]);
  return null;
}
