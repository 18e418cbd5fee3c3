/** What a plot shows, as plain data: a page made on the server can hand it to the browser. */
export interface ChartData {
  /** How far apart the moments stand, or at least how exactly they are told. Days are days in UTC. */
  step: "second" | "minute" | "hour" | "day";
  unit: ChartUnit;
  series: ChartSeries[];
  /** Oldest first, evenly spaced; at most a few hundred. */
  points: ChartPoint[];
  /** Levels that something is judged by, drawn across. */
  limits?: { name: string; value: number; tone: ChartTone }[];
  /** What happened in between, such as a deployment; drawn at the last point before it. */
  marks?: ChartMark[];
}

export type ChartTone = "accent" | "good" | "warn" | "bad" | "muted";
export type ChartUnit = "count" | "ms" | "usd" | "percent" | "per_minute";

export interface ChartSeries {
  name: string;
  as: "bar" | "line";
  tone: ChartTone;
  /** Bars of one stack stand on top of each other. */
  stack?: string;
}

export interface ChartPoint {
  at: string;
  /** One for each series, in their order; `null`: unknown, which is drawn as a gap and never as zero. */
  values: (number | null)[];
  /** Of this moment's dot, where it differs from its line's. */
  tone?: ChartTone;
  /** What is to be said about this moment. */
  note?: string;
}

export interface ChartMark {
  at: string;
  label: string;
  tone: ChartTone;
}

/** Where a mark stands: the last point that is not later; `undefined`: before or after everything that is drawn. */
export function placeOfMark(at: string, points: ChartPoint[]): number | undefined {
  const moment = Date.parse(at);
  const index = points.findLastIndex((point) => Date.parse(point.at) <= moment);
  if (index < 0) return undefined;
  const [last, before] = [points.at(-1), points.at(-2)];
  if (index < points.length - 1 || last === undefined || before === undefined) return index;
  return moment - Date.parse(last.at) <= Date.parse(last.at) - Date.parse(before.at) ? index : undefined;
}

/** Neighbouring points of which something is not known, from the first to the last of them. */
export function unknownSpans(points: ChartPoint[]): { from: number; to: number }[] {
  const spans: { from: number; to: number }[] = [];
  for (const [index, { values }] of points.entries()) {
    if (values.every((value) => value !== null)) continue;
    const last = spans.at(-1);
    if (last?.to === index - 1) last.to = index;
    else spans.push({ from: index, to: index });
  }
  return spans;
}

const count = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 1, notation: "compact" });
const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });

/** A value with its unit; on an axis as short as it can be. */
export function valueInWords(value: number | null, unit: ChartUnit, isShort = false): string {
  if (value === null) return "unknown";
  const plain = (isShort ? short : count).format(value);
  switch (unit) {
    case "count":
      return plain;
    case "ms":
      return isShort && value >= 1_000 ? `${short.format(value / 1_000)} s` : `${Math.round(value)} ms`;
    case "usd":
      return isShort ? `$${plain}` : money.format(value);
    case "percent":
      return `${plain} %`;
    case "per_minute":
      return isShort ? plain : `${plain} a minute`;
  }
}

/** A moment as its step tells it, in the reader's zone. */
export function momentInWords(at: string, step: ChartData["step"], isShort = false): string {
  const date = new Date(at);
  const clock = { hour: "2-digit", minute: "2-digit" } as const;
  const day = { month: "short", day: "numeric" } as const;
  switch (step) {
    case "second":
      return date.toLocaleTimeString("en-GB", { ...clock, second: "2-digit" });
    case "minute":
      return date.toLocaleTimeString("en-GB", clock);
    case "hour":
      return isShort
        ? date.toLocaleDateString("en", day)
        : date.toLocaleString("en", { ...day, ...clock, hourCycle: "h23" });
    case "day":
      return date.toLocaleDateString("en", { ...day, timeZone: "UTC" });
  }
}
