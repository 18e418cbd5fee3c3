"use client";

import { useBoard } from "./live-board.tsx";
import { Elapsed, Expected, Remaining } from "./time.tsx";

/** What is being done about an issue right now, for how long already, and until when; `first` is what the page came with. */
export function Doing({ issueId, first }: { issueId: string; first: string | null }) {
  const { board } = useBoard();
  const flight = board.flights.find(({ id }) => id === issueId);
  if (flight === undefined) return first === null ? null : <p className="text-muted">{first}</p>;
  const { statusSince, status, watch } = flight;
  const usualMs = board.usualMs[status];
  return (
    // Two lines are kept free, so that nothing moves when a message comes or goes.
    <p className="line-clamp-2 min-h-10 break-words text-muted">
      <Elapsed since={statusSince} />{" "}
      {watch !== null && (
        <>
          · <Remaining until={watch.until} /> left
        </>
      )}
      {watch === null && usualMs !== undefined && <Expected since={statusSince} usualMs={usualMs} />}
      {flight.progress !== null && ` · ${flight.progress}`}
    </p>
  );
}
