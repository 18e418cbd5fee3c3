import type { ChartData } from "./chart-data.ts";

/** The minutes that detection shows. */
const minutesShown = 60;
const minuteMs = 60_000;

interface Look {
  at: Date;
  outcome: "healthy" | "unhealthy" | "no_data";
  because: string;
  latencyMs: number | null;
}

interface Rate {
  minute: Date;
  errors: number;
  /** `null`: no source reported any, which is not none. */
  requests: number | null;
  failures: number | null;
}

const tones = { healthy: "good", unhealthy: "bad", no_data: "warn" } as const;

/** The last hour's minutes, oldest first, up to the one that `now` lies in. */
function lastMinutes(now: Date): number[] {
  const last = Math.floor(now.getTime() / minuteMs);
  return Array.from({ length: minutesShown }, (_, n) => (last - minutesShown + 1 + n) * minuteMs);
}

/** How long each look took; a minute without an answer is a gap, and its note says why. */
export function looksPlot(looks: Look[], now: Date): ChartData {
  const byMinute = new Map(looks.map((look) => [Math.floor(look.at.getTime() / minuteMs) * minuteMs, look]));
  return {
    step: "minute",
    unit: "ms",
    series: [{ name: "Answered after", as: "line", tone: "accent" }],
    points: lastMinutes(now).map((at) => {
      const look = byMinute.get(at);
      if (look === undefined) return { at: new Date(at).toISOString(), values: [null], note: "not looked at" };
      const { latencyMs, outcome, because } = look;
      return { at: new Date(at).toISOString(), values: [latencyMs], tone: tones[outcome], note: because };
    }),
  };
}

/** Requests, failed requests and errors of each minute, all releases together. */
export function ratesPlot(rates: Rate[], now: Date): ChartData {
  const sums = new Map<number, { errors: number; requests: number | null; failures: number | null }>();
  for (const { minute, errors, requests, failures } of rates) {
    const sum = sums.get(minute.getTime()) ?? { errors: 0, requests: null, failures: null };
    sums.set(minute.getTime(), {
      errors: sum.errors + errors,
      requests: added(sum.requests, requests),
      failures: added(sum.failures, failures),
    });
  }
  return {
    step: "minute",
    unit: "per_minute",
    series: [
      { name: "Requests", as: "line", tone: "muted" },
      { name: "Failed requests", as: "line", tone: "warn" },
      { name: "Errors", as: "bar", tone: "bad" },
    ],
    points: lastMinutes(now).map((at) => {
      const { errors = 0, requests = null, failures = null } = sums.get(at) ?? {};
      return { at: new Date(at).toISOString(), values: [requests, failures, errors] };
    }),
  };
}

function added(sum: number | null, more: number | null): number | null {
  return more === null ? sum : (sum ?? 0) + more;
}
