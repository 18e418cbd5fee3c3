import type { FiguresView } from "#domain/view.ts";
import { Chart } from "#ui/chart.tsx";
import type { ChartData } from "#ui/chart-data.ts";
import { counted } from "#ui/facts.tsx";

/** spec.md §16, in percent: issues of P2 to P4 that are fixed without a person; here drawn against all that ended. */
const successTargetPct = 80;
/** The share is taken over a week: on most days nothing ends, or one issue does. */
const shareDays = 7;

/** What became of issues, how many fixes held, and what it cost, day by day (days in UTC). */
export function Plots({
  figures: { perDay, rolledBack, spendUsd, created, resolved, failed },
}: {
  figures: FiguresView;
}) {
  if (perDay.length < 2) return null;
  return (
    <div className="grid gap-6 border-line border-t p-4 lg:grid-cols-2">
      <Chart
        title="Issues per day"
        summary={`${counted(created, "issue")} came; ${resolved} resolved, ${failed} failed or rejected, ${rolledBack} rolled back.`}
        data={issuesPerDay(perDay)}
      />
      <Chart
        title="Resolved, of what ended in seven days"
        summary={`The target is ${successTargetPct} %. Days without an ended issue in the week before them are left out.`}
        data={successPerDay(perDay)}
      />
      <Chart
        title="Spent on models per day"
        summary={`$${spendUsd.toFixed(2)} in all.`}
        height="h-32"
        data={{
          step: "day",
          unit: "usd",
          series: [{ name: "Spent", as: "bar", tone: "accent" }],
          points: perDay.map(({ day, spendUsd: usd }) => ({ at: day, values: [usd] })),
        }}
      />
    </div>
  );
}

function issuesPerDay(perDay: FiguresView["perDay"]): ChartData {
  return {
    step: "day",
    unit: "count",
    series: [
      { name: "Resolved", as: "bar", tone: "good", stack: "ended" },
      { name: "Failed or rejected", as: "bar", tone: "bad", stack: "ended" },
      { name: "Rolled back", as: "line", tone: "warn" },
      { name: "Came", as: "line", tone: "accent" },
    ],
    points: perDay.map(({ day, created, resolved, failed, rolledBack }) => ({
      at: day,
      values: [resolved, failed, rolledBack, created],
    })),
  };
}

function successPerDay(perDay: FiguresView["perDay"]): ChartData {
  const points = perDay.map(({ day }, index) => {
    const week = perDay.slice(Math.max(0, index - shareDays + 1), index + 1);
    const good = week.reduce((sum, { resolved }) => sum + resolved, 0);
    const ended = week.reduce((sum, { failed }) => sum + failed, good);
    return { at: day, values: [ended === 0 ? null : (100 * good) / ended] };
  });
  return {
    step: "day",
    unit: "percent",
    series: [{ name: "Resolved", as: "line", tone: "good" }],
    points,
    limits: [{ name: "Target", value: successTargetPct, tone: "muted" }],
  };
}
