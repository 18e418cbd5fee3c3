"use client";

import Link from "next/link";
import type { ActiveStatus } from "#domain/lifecycle.ts";
import type { CheckMark, FlightView } from "#domain/view.ts";
import { Badge, SeverityBadge, statusWords } from "./badge.tsx";
import { useBoard } from "./live-board.tsx";
import { Elapsed, Expected, Remaining } from "./time.tsx";

/** The stations of the way, in order; approval is one of them even where a fix passes it without stopping. */
const stations = [
  { label: "Diagnosis", statuses: ["detected", "diagnosing"] },
  { label: "Fix", statuses: ["fixing"] },
  { label: "Tests", statuses: ["testing"] },
  { label: "Staging", statuses: ["staging"] },
  { label: "Approval", statuses: ["awaiting_approval"] },
  { label: "Production", statuses: ["deploying", "monitoring", "rolling_back"] },
] as const satisfies { label: string; statuses: readonly ActiveStatus[] }[];

/** Every issue on its way, as it happens. */
export function Flights() {
  const { board } = useBoard();
  const more = board.flightsInAll - board.flights.length;
  if (board.flights.length === 0) {
    return <p className="px-4 py-6 text-muted">Nothing is being worked on. New problems appear here by themselves.</p>;
  }
  return (
    <>
      <ul className="divide-y divide-line">
        {board.flights.map((flight) => (
          <Flight key={flight.id} flight={flight} usualMs={board.usualMs[flight.status]} />
        ))}
      </ul>
      {more > 0 && <p className="px-4 py-2 text-muted">and {more} more</p>}
    </>
  );
}

function Flight({ flight, usualMs }: { flight: FlightView; usualMs: number | undefined }) {
  const { id, title, severity, status, statusSince, progress, attempt, watch } = flight;
  return (
    <li className="px-4 py-3" data-issue={id} data-status={status}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <SeverityBadge severity={severity} />
        <Link
          href={`/dashboard/agent/issues/${id}`}
          className="min-w-0 flex-1 basis-56 truncate font-medium hover:underline"
        >
          {title}
        </Link>
        <span className="flex items-center gap-2 text-muted">
          <Badge tone={statusWords[status].tone}>{statusWords[status].label}</Badge>
          <Elapsed since={statusSince} />
          {watch !== null && (
            <span>
              · <Remaining until={watch.until} /> left
            </span>
          )}
          {watch === null && usualMs !== undefined && <Expected since={statusSince} usualMs={usualMs} />}
        </span>
      </div>
      <Track status={status} />
      {/* Two lines are kept free, so that nothing moves when a message comes or goes. */}
      <p className="mt-1 line-clamp-2 min-h-10 break-words text-muted">
        {attempt !== null && attempt > 1 && `Attempt ${attempt}. `}
        {progress ?? ""}
      </p>
      {watch !== null && <Checks checks={watch.checks} environment={watch.environment} />}
    </li>
  );
}

function Track({ status }: { status: ActiveStatus }) {
  const at = stations.findIndex(({ statuses }) => (statuses as readonly ActiveStatus[]).includes(status));
  return (
    <ol aria-label={`Stage ${at + 1} of ${stations.length}`} className="mt-2 grid grid-cols-6 gap-1 text-xs">
      {stations.map(({ label }, n) => (
        <li
          key={label}
          aria-current={n === at ? "step" : undefined}
          className={n === at ? "font-medium text-ink" : "text-muted"}
        >
          <span className={`mb-1 block h-1 rounded-full ${barColour(n - at, status)}`} />
          <span className="hidden truncate sm:block">{label}</span>
        </li>
      ))}
    </ol>
  );
}

function barColour(distance: number, status: ActiveStatus): string {
  if (distance < 0) return "bg-good";
  if (distance > 0) return "bg-line";
  return status === "rolling_back" ? "bg-bad" : "bg-accent motion-safe:animate-pulse";
}

const marks = {
  healthy: { colour: "bg-good", word: "healthy" },
  unhealthy: { colour: "bg-bad", word: "unhealthy" },
  no_data: { colour: "bg-warn", word: "no data" },
} as const;

function Checks({ checks, environment }: { checks: CheckMark[]; environment: string }) {
  const healthy = checks.filter(({ outcome }) => outcome === "healthy").length;
  return (
    <p className="mt-1 flex flex-wrap items-center gap-1 text-muted">
      <span className="mr-1">
        {environment}: {healthy} of {checks.length} checks healthy
      </span>
      {checks.map(({ slot, repeat, outcome }) => (
        <span
          key={`${slot}.${repeat}`}
          title={`check ${slot + 1}: ${marks[outcome].word}`}
          className={`inline-block h-3 w-1.5 rounded-sm ${marks[outcome].colour}`}
        />
      ))}
    </p>
  );
}
