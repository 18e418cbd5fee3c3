"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import { useBoard } from "./live-board.tsx";

/** Reads the page again when something was done since it was made. */
export function FreshPage() {
  const { board } = useBoard();
  const router = useRouter();
  const shown = useRef(board.seq);
  useEffect(() => {
    if (board.seq === shown.current) return;
    shown.current = board.seq;
    router.refresh();
  }, [board.seq, router]);
  return null;
}
