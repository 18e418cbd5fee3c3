"use client";

import dynamic from "next/dynamic";
import { useId, useState } from "react";
import { type ChartData, type ChartTone, momentInWords, valueInWords } from "./chart-data.ts";

/** The chart library is heavier than a whole page: it is fetched when a plot is to be seen, and never by the first sight of the board. */
const ChartPlot = dynamic(() => import("./chart-plot.tsx").catch(() => ({ default: NotLoaded })), {
  ssr: false,
  loading: () => <p className="p-4 text-muted">Loading the plot…</p>,
});

const borders: Record<ChartTone, string> = {
  accent: "border-accent",
  good: "border-good",
  warn: "border-warn",
  bad: "border-bad",
  muted: "border-muted",
};

const swatches: Record<ChartTone, string> = {
  accent: "bg-accent",
  good: "bg-good",
  warn: "bg-warn",
  bad: "bg-bad",
  muted: "bg-muted",
};

/**
 * A plot over time. `summary` says in a sentence what it shows, for those who do not see it and those in a hurry; the same
 * numbers are there as a table. It keeps its height from the start, so nothing moves when the drawing arrives.
 */
export function Chart({
  title,
  summary,
  data,
  height = "h-48",
}: {
  title: string;
  summary: string;
  data: ChartData;
  height?: "h-32" | "h-48" | "h-64";
}) {
  const id = useId();
  const { limits = [] } = data;
  return (
    <figure aria-labelledby={id} className="min-w-0 space-y-1">
      <figcaption className="flex flex-wrap items-baseline justify-between gap-x-4">
        <span id={id} className="font-medium">
          {title}
        </span>
        {(data.series.length > 1 || limits.length > 0) && <Legend data={data} />}
      </figcaption>
      <p className="text-muted text-xs">{summary}</p>
      {/* Whoever does not see the drawing has the sentence above it and the table below it. */}
      <div aria-hidden="true" className={`${height} overflow-hidden`}>
        <ChartPlot data={data} />
      </div>
      <AsTable title={title} data={data} />
    </figure>
  );
}

function Legend({ data }: { data: ChartData }) {
  return (
    <span className="flex flex-wrap gap-x-3 text-muted text-xs">
      {data.series.map(({ name, tone, as }) => (
        <span key={name} className="inline-flex items-center gap-1">
          <span
            className={`inline-block w-3 ${as === "bar" ? "h-3 rounded-sm" : "h-0.5"} ${swatches[tone]} ${as === "bar" && tone === "muted" ? "opacity-45" : ""}`}
          />
          {name}
        </span>
      ))}
      {(data.limits ?? []).map(({ name, value, tone }) => (
        <span key={name} className="inline-flex items-center gap-1">
          <span className={`inline-block w-4 border-t-2 border-dashed ${borders[tone]}`} />
          {name}: {valueInWords(value, data.unit)}
        </span>
      ))}
    </span>
  );
}

/** Made when it is opened: most readers look at the drawing. */
function AsTable({ title, data }: { title: string; data: ChartData }) {
  const [isOpen, setOpen] = useState(false);
  const { series, points, unit, step } = data;
  const hasNotes = points.some(({ note }) => note !== undefined);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)} className="text-xs">
      <summary className="text-muted">As a table</summary>
      {isOpen && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section tabIndex={0} aria-label={`${title}, as a table`} className="mt-1 max-h-64 overflow-auto">
          <table className="w-full text-left tabular-nums">
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
                {hasNotes && <th scope="col">Note</th>}
              </tr>
            </thead>
            <tbody>
              {points.map(({ at, values, note }, n) => (
                // Two looks may fall into one second.
                // biome-ignore lint/suspicious/noArrayIndexKey: the points keep their places
                <tr key={n}>
                  <th scope="row" className="whitespace-nowrap pr-2 font-normal">
                    {momentInWords(at, step)}
                  </th>
                  {series.map(({ name }, place) => (
                    <td key={name}>{valueInWords(values[place] ?? null, unit)}</td>
                  ))}
                  {hasNotes && <td>{note}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

function NotLoaded() {
  return <p className="p-4 text-muted">The plot could not be loaded. Its numbers stand in the table.</p>;
}
