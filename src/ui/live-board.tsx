"use client";

import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import type { BoardView } from "#domain/view.ts";

/** `live`: events arrive · `lost`: the line is down and being opened again · `offline`: this device has no network. */
export type Line = "live" | "lost" | "offline";

const Context = createContext<{ board: BoardView; line: Line } | null>(null);

/** The stream ends every few minutes and says something every 15 s; silence for longer means that the line is dead. */
const silenceMs = 35_000;
const lookEveryMs = 5_000;

/** Keeps the board of the first rendering fresh. Each event is the whole board, so no gap can be left behind. */
export function LiveBoard({ initial, children }: { initial: BoardView; children: ReactNode }) {
  const [board, setBoard] = useState(initial);
  const [line, setLine] = useState<Line>("live");
  useEffect(() => watch(setBoard, setLine), []);
  return <Context value={{ board, line }}>{children}</Context>;
}

export function useBoard(): { board: BoardView; line: Line } {
  const found = useContext(Context);
  if (found === null) throw new Error("useBoard stands outside of LiveBoard");
  return found;
}

function watch(show: (board: BoardView) => void, tell: (line: Line) => void): () => void {
  let source: EventSource | undefined;
  let heardAt = performance.now();
  const open = () => {
    source?.close();
    heardAt = performance.now();
    source = new EventSource("/api/agent/board");
    source.addEventListener("board", ({ data }: MessageEvent<string>) => {
      heardAt = performance.now();
      show(JSON.parse(data) as BoardView);
      tell("live");
    });
    for (const sign of ["open", "alive"]) {
      source.addEventListener(sign, () => {
        heardAt = performance.now();
      });
    }
    source.addEventListener("error", () => tell(navigator.onLine ? "lost" : "offline"));
  };
  // A laptop that slept keeps a connection that looks open and is dead; and a browser gives up for good on an error answer.
  const look = () => {
    const isSilent = performance.now() - heardAt > silenceMs;
    if (source?.readyState === EventSource.CLOSED || isSilent) open();
  };
  const wake = () => {
    if (document.visibilityState === "visible") open();
  };
  // What was still under way on the old line would say that it is live. A Vigil on this very device answers all the same.
  const offline = () => {
    open();
    tell("offline");
  };
  open();
  const timer = setInterval(look, lookEveryMs);
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("offline", offline);
  return () => {
    source?.close();
    clearInterval(timer);
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
    window.removeEventListener("offline", offline);
  };
}
