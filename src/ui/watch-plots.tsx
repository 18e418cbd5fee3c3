import type { ErrorCounts } from "#domain/evidence.ts";
import type { CheckView, ErrorSpan, RateLimits, ReleaseView } from "#domain/view.ts";
import { comparedRates } from "#policy/error-rate.ts";
import { Chart } from "./chart.tsx";
import type { ChartData, ChartTone } from "./chart-data.ts";

const checkTones = { healthy: "good", unhealthy: "bad", no_data: "warn" } as const satisfies Record<string, ChartTone>;
/** More would not be told apart; the newest count. */
const checksMax = 240;

/** How long each look took, and how it ended; a look that could not be made is a gap. */
export function LatencyPlot({ checks }: { checks: CheckView[] }) {
  const shown = checks.slice(-checksMax);
  const latencies = shown.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  const of = (outcome: CheckView["outcome"]) => shown.filter((check) => check.outcome === outcome);
  const [healthy, bad, blind] = [of("healthy").length, of("unhealthy").length, of("no_data").length];
  const parts = [
    `${healthy} of ${shown.length} looks found it healthy`,
    ...(bad > 0 ? [`${bad} did not`] : []),
    ...(blind > 0 ? [`${blind} could not be made`] : []),
    ...(latencies.length > 0 ? [`the slowest answer took ${Math.round(Math.max(...latencies))} ms`] : []),
  ];
  return (
    <Chart
      title="Health checks"
      height="h-32"
      summary={`${parts.join(", ")}.`}
      data={{
        step: "second",
        unit: "ms",
        series: [{ name: "Time to answer", as: "line", tone: "accent" }],
        points: shown.map(({ at, latencyMs, outcome, because }) => ({
          at,
          values: [latencyMs],
          tone: checkTones[outcome],
          note: `${outcome.replaceAll("_", " ")}: ${because}`,
        })),
        marks: shown.flatMap(({ at, outcome }, n) =>
          outcome === "healthy" || shown[n - 1]?.outcome === outcome
            ? []
            : [{ at, label: outcome.replaceAll("_", " "), tone: checkTones[outcome] }],
        ),
      }}
    />
  );
}

/** The errors of a release as the watch compares them: its rate since it came, the one before it, and where the limits are. */
export function ErrorRatePlot({ release, limits }: { release: ReleaseView; limits: RateLimits }) {
  const { baseline, errors } = release;
  if (errors === null) return <p className="text-muted">Its errors per minute are no longer kept.</p>;
  // A watch may end as a minute begins.
  const spans = errors.filter((span) => span.durationMs > 0 || span.errors > 0);
  const compared = comparedRates(baseline, countsOf(spans));
  if (typeof compared === "string") return <p className="text-muted">Its errors are not compared: {compared}.</p>;
  const { by } = compared;
  const scale = by === "requests" ? 100 : 1;
  const unit = by === "requests" ? "percent" : "per_minute";
  const before = compared.before * scale;
  const rateOf = (spans: ErrorSpan[]) => {
    const rates = comparedRates(baseline, countsOf(spans));
    return typeof rates === "string" || rates.by !== by ? null : rates.now * scale;
  };
  const data: ChartData = {
    step: "minute",
    unit,
    series: [
      { name: "in this minute", as: "bar", tone: "muted" },
      { name: "since the release", as: "line", tone: "accent" },
    ],
    points: spans.map((span, n) => ({
      at: span.at,
      values: [rateOf([span]), rateOf(spans.slice(0, n + 1))],
      note: `${span.errors} errors, ${span.requests ?? "unknown"} requests`,
    })),
    limits: [{ name: "before", value: before, tone: "good" }, ...(before === 0 ? [] : risesOf(before, limits))],
  };
  return <Chart title="Errors against the time before" summary={inWords(compared, limits, by)} data={data} />;
}

function risesOf(before: number, { risePctRollback, risePctRepeated }: RateLimits) {
  const risen = (pct: number) => before * (1 + pct / 100);
  return [
    { name: `+${risePctRepeated} %, twice in a row`, value: risen(risePctRepeated), tone: "warn" as const },
    { name: `+${risePctRollback} %, at once`, value: risen(risePctRollback), tone: "bad" as const },
  ];
}

function inWords(rates: { before: number; now: number }, limits: RateLimits, by: "requests" | "time"): string {
  const { risePctRollback, risePctRepeated } = limits;
  const told = (rate: number) =>
    by === "requests" ? `${(rate * 100).toFixed(2)} errors per 100 requests` : `${rate.toFixed(2)} errors a minute`;
  const compared = `${told(rates.now)} since the release, ${told(rates.before)} before it`;
  if (rates.before === 0) return `${compared}: every error is more than before, and counts once it is more than noise.`;
  const rise = (rates.now / rates.before - 1) * 100;
  const change = rise < 0 ? `${Math.round(-rise)} % less` : `${Math.round(rise)} % more`;
  return `${compared}: ${change}. Rolled back above ${risePctRollback} %, or above ${risePctRepeated} % at two looks in a row, where it is more than noise.`;
}

function countsOf(spans: ErrorSpan[]): ErrorCounts {
  const sum = (of: (span: ErrorSpan) => number) => spans.reduce((total, span) => total + of(span), 0);
  const isUnknown = spans.some(({ requests }) => requests === null);
  return {
    errors: { kind: "measured", value: sum(({ errors }) => errors) },
    requests: isUnknown
      ? { kind: "unmeasured", why: "no source reports traffic" }
      : { kind: "measured", value: sum(({ requests }) => requests ?? 0) },
    durationMs: sum(({ durationMs }) => durationMs),
    dispersion: 1,
  };
}
