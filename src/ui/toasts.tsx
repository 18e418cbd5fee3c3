"use client";

import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { BoardView } from "#domain/view.ts";
import { useBoard } from "./live-board.tsx";

/** Something that happened while the page was open. */
export interface Message {
  tone: "good" | "warn" | "bad";
  title: string;
  text?: string;
  /** The page that tells more. */
  href?: string;
}

/** Fetched with the first message: most visits see none. */
const Toaster = lazy(async () => ({ default: (await import("./toaster.tsx")).Toaster }));

let told: Message[] = [];
let wake: ((messages: Message[]) => void) | undefined;

/** Says what happened, in a corner and to screen readers; it can be put away and nothing moves for it. */
export function tell(message: Message): void {
  told = [...told, message];
  wake?.(told);
}

/** Where messages appear, and who watches the board for what is worth one. */
export function Toasts() {
  const [messages, setMessages] = useState<Message[]>(told);
  const { board } = useBoard();
  const before = useRef(board);
  useEffect(() => {
    wake = setMessages;
    return () => {
      wake = undefined;
    };
  }, []);
  useEffect(() => {
    const last = before.current;
    before.current = board;
    if (placesOf(last) !== placesOf(board)) void tellNews(last, board);
  }, [board]);
  return messages.length === 0 ? null : (
    <Suspense>
      <Toaster messages={messages} />
    </Suspense>
  );
}

/** Who stands where: most of what happens moves nobody. */
function placesOf({ flights, waiting }: BoardView): string {
  return JSON.stringify([flights.map(({ id, status }) => [id, status]), waiting]);
}

/** What cannot be read now is on the page anyway. */
async function tellNews(before: BoardView, now: BoardView): Promise<void> {
  const news = await import("./news.ts").then(({ newsOf }) => newsOf(before, now)).catch(() => []);
  for (const message of news) tell(message);
}
