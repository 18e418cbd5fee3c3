import type { IssueView } from "#domain/view.ts";
import { Chart } from "./chart.tsx";
import type { ChartMark, ChartPoint } from "./chart-data.ts";
import { counted } from "./facts.tsx";

/** More marks than these could not be read. */
const marksMax = 6;
const hoursMin = 24;
const hourMs = 60 * 60_000;

/** How often it happened in production, hour by hour, when a fix came, and which releases it came from first. */
export function Occurrences({ hours, releases, seenIn }: Pick<IssueView, "hours" | "releases" | "seenIn">) {
  const total = hours.reduce((sum, { events }) => sum + events, 0);
  const busiest = Math.max(0, ...hours.map(({ events }) => events));
  const last = hours.findLast(({ events }) => events > 0);
  const fixed = new Set(releases.map(({ commit }) => commit));
  const others = seenIn
    .filter(({ release }) => !fixed.has(release))
    .map(
      ({ release, firstSeen }): ChartMark => ({
        at: firstSeen,
        label: `first from ${release.slice(0, 7)}`,
        tone: "muted",
      }),
    );
  const live = releases.flatMap(({ from, environment, commit }): ChartMark[] =>
    from === null || environment !== "production"
      ? []
      : [{ at: from, label: `fix ${commit.slice(0, 7)} live`, tone: "good" }],
  );
  return (
    <Chart
      title="Events per hour in production"
      summary={
        last === undefined
          ? `None in the last ${counted(hours.length, "hour")}.`
          : `${total} in the last ${counted(hours.length, "hour")}, at most ${busiest} in one of them.`
      }
      data={{
        step: "hour",
        unit: "count",
        series: [{ name: "Events", as: "bar", tone: "bad" }],
        points: [...unknownBefore(hours), ...hours.map(({ at, events }) => ({ at, values: [events] }))],
        marks: [...live, ...others].slice(0, marksMax),
      }}
    />
  );
}

/** A young Vigil has few hours to tell of; what was before them is unknown. */
function unknownBefore([first, ...rest]: IssueView["hours"]): ChartPoint[] {
  const missing = first === undefined ? 0 : Math.max(0, hoursMin - 1 - rest.length);
  const begin = Date.parse(first?.at ?? "");
  return Array.from({ length: missing }, (_, n) => ({
    at: new Date(begin - (missing - n) * hourMs).toISOString(),
    values: [null],
  }));
}
