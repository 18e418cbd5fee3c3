"use client";

import { useMemo } from "react";
import {
  Bar,
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceArea,
  ReferenceLine,
  Tooltip,
  type TooltipContentProps,
  XAxis,
  YAxis,
} from "recharts";
import {
  type ChartData,
  type ChartMark,
  type ChartPoint,
  type ChartTone,
  momentInWords,
  placeOfMark,
  unknownSpans,
  valueInWords,
} from "./chart-data.ts";

/** Colours of the theme: they follow it by themselves, from light to dark and back. */
export const colours: Record<ChartTone, string> = {
  accent: "var(--accent)",
  good: "var(--good)",
  warn: "var(--warn)",
  bad: "var(--bad)",
  muted: "var(--muted)",
};

const text = { fill: "var(--muted)", fontSize: 11 };
/** A dot for each point says more than a line as long as they do not touch. */
const dotsMax = 60;
const barPxMax = 24;
const hoursByHourMax = 48;

type Row = ChartPoint & { n: number };

/** The drawing alone, at the size of its container. Nothing in it moves or takes the focus; its table is told elsewhere. */
export default function ChartPlot({ data }: { data: ChartData }) {
  const { step, unit, series, points, limits = [], marks = [] } = data;
  const rows: Row[] = useMemo(() => points.map((point, n) => ({ ...point, n })), [points]);
  const isEmpty = !rows.some(({ values }) => values.some((value) => value !== null && value > 0));
  const placed = placesOf(marks, points);
  return (
    <ComposedChart
      responsive
      accessibilityLayer={false}
      data={rows}
      margin={{ top: placed.length > 0 ? 18 : 6, right: 8, bottom: 0, left: 0 }}
      style={{ width: "100%", height: "100%" }}
    >
      <CartesianGrid vertical={false} stroke="var(--line)" />
      <XAxis
        dataKey="n"
        ticks={daysBegin(data)}
        tickFormatter={(n: number) => momentInWords(points[n]?.at ?? "", step, points.length > hoursByHourMax)}
        interval="equidistantPreserveStart"
        minTickGap={24}
        tick={text}
        stroke="var(--line)"
      />
      <YAxis
        domain={isEmpty ? [0, 1] : [0, "auto"]}
        allowDecimals={unit !== "count"}
        tickFormatter={(value: number) => valueInWords(value, unit, true)}
        width={60}
        tick={text}
        stroke="var(--line)"
      />
      {unknownSpans(points).map(({ from, to }) => (
        <ReferenceArea key={from} x1={from} x2={to} fill="var(--muted)" fillOpacity={0.15} stroke="none" />
      ))}
      <Tooltip
        isAnimationActive={false}
        cursor={{ fill: "var(--raised)", stroke: "var(--line)" }}
        content={(shown: TooltipContentProps) => <Told shown={shown} data={data} />}
      />
      {series.map(({ name, as, tone, stack }, place) => {
        const value = (row: Row) => row.values[place] ?? null;
        const common = { name, dataKey: value, isAnimationActive: false };
        if (as === "bar") {
          return (
            <Bar
              key={name}
              {...common}
              fill={colours[tone]}
              fillOpacity={tone === "muted" ? 0.45 : 1}
              stackId={stack}
              maxBarSize={barPxMax}
            />
          );
        }
        const dot = rows.length > dotsMax ? false : dotsOf(tone);
        return <Line key={name} {...common} type="linear" stroke={colours[tone]} dot={dot} activeDot={{ r: 4 }} />;
      })}
      {limits.map(({ name, value, tone }) => (
        <ReferenceLine key={name} y={value} ifOverflow="extendDomain" stroke={colours[tone]} strokeDasharray="6 3" />
      ))}
      {placed.map(({ n, at, label, tone }) => (
        <ReferenceLine
          key={`${at} ${label}`}
          x={n}
          stroke={colours[tone]}
          label={{
            value: label,
            position: "top",
            textAnchor: n > points.length / 2 ? "end" : "start",
            ...text,
            fill: colours[tone],
          }}
        />
      ))}
    </ComposedChart>
  );
}

/** Marks of one place share a line and its label; which they are is told by the place's own words. */
function placesOf(marks: ChartMark[], points: ChartPoint[]): (ChartMark & { n: number })[] {
  const byPlace = new Map<number, ChartMark[]>();
  for (const mark of marks) {
    const n = placeOfMark(mark.at, points);
    if (n !== undefined) byPlace.set(n, [...(byPlace.get(n) ?? []), mark]);
  }
  return [...byPlace].flatMap(([n, [first, ...more]]) =>
    first === undefined
      ? []
      : [{ ...first, n, label: more.length === 0 ? first.label : `${first.label}, ${more.length} more` }],
  );
}

/** Where a day begins for the reader: hours of many days are told by their days. */
function daysBegin({ step, points }: ChartData): number[] | undefined {
  if (step !== "hour" || points.length <= hoursByHourMax) return undefined;
  return points.flatMap(({ at }, n) => (new Date(at).getHours() === 0 ? [n] : []));
}

function dotsOf(tone: ChartTone) {
  return ({ cx, cy, payload, index }: { cx?: number; cy?: number; payload?: Row; index?: number }) => {
    // Nothing is drawn where nothing is known.
    if (cx === undefined || cy === undefined || cy === null || Number.isNaN(cy)) return <g key={index} />;
    return <circle key={index} cx={cx} cy={cy} r={3} fill={colours[payload?.tone ?? tone]} />;
  };
}

function Told({ shown, data }: { shown: TooltipContentProps; data: ChartData }) {
  const row = shown.payload?.[0]?.payload as Row | undefined;
  if (!shown.active || row === undefined) return null;
  const [from, until] = [Date.parse(row.at), Date.parse(data.points[row.n + 1]?.at ?? "9999")];
  const marks = (data.marks ?? []).filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < until);
  return (
    <div className="max-w-64 rounded-md border border-line bg-panel px-2 py-1 text-xs shadow">
      <p className="font-medium">{momentInWords(row.at, data.step)}</p>
      {data.series.map(({ name }, place) => (
        <p key={name} className="tabular-nums">
          {name}: {valueInWords(row.values[place] ?? null, data.unit)}
        </p>
      ))}
      {row.note !== undefined && <p className="text-muted">{row.note}</p>}
      {marks.map(({ at, label }) => (
        <p key={`${at} ${label}`} className="text-muted">
          {label}
        </p>
      ))}
    </div>
  );
}
