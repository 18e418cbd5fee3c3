import type { IssueView } from "#domain/view.ts";
import { Chart } from "./chart.tsx";
import type { ChartMark } from "./chart-data.ts";

/** More marks than these could not be read. */
const marksMax = 6;

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
          ? `None in the last ${hours.length} hours.`
          : `${total} in the last ${hours.length} hours, at most ${busiest} in one of them.`
      }
      data={{
        step: "hour",
        unit: "count",
        series: [{ name: "Events", as: "bar", tone: "bad" }],
        points: hours.map(({ at, events }) => ({ at, values: [events] })),
        marks: [...live, ...others].slice(0, marksMax),
      }}
    />
  );
}
