import { describe, expect, it } from "vitest";
import { type ChartPoint, placeOfMark, unknownSpans, valueInWords } from "#ui/chart-data.ts";

const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 10, 23, 12, minute, second)).toISOString();
const points = (...values: (number | null)[]): ChartPoint[] =>
  values.map((value, n) => ({ at: at(n), values: [value] }));

describe("a mark", () => {
  const three = points(1, 2, 3);
  it.each([
    { when: "before the first point", mark: at(-1), place: undefined },
    { when: "on a point", mark: at(1), place: 1 },
    { when: "between two points", mark: at(1, 59), place: 1 },
    { when: "within the last point's time", mark: at(2, 59), place: 2 },
    { when: "long after the last point", mark: at(10), place: undefined },
  ])("stands where it belongs, $when", ({ mark, place }) => expect(placeOfMark(mark, three)).toBe(place));

  it("stands nowhere among no points, and after one alone", () => {
    expect(placeOfMark(at(0), [])).toBeUndefined();
    expect(placeOfMark(at(5), points(1))).toBe(0);
  });
});

describe("what nobody knows", () => {
  it("is told in spans, and zero is known", () => {
    expect(unknownSpans(points(null, 0, null, null, 1, null))).toEqual([
      { from: 0, to: 0 },
      { from: 2, to: 3 },
      { from: 5, to: 5 },
    ]);
  });

  it("is told where one of several is unknown", () => {
    expect(unknownSpans([{ at: at(0), values: [null, 1] }])).toEqual([{ from: 0, to: 0 }]);
  });

  it("is called unknown, whatever its unit", () => expect(valueInWords(null, "usd")).toBe("unknown"));
});

describe("a value", () => {
  it.each([
    [1_234.567, "count", "1,234.57", "1.2K"],
    [41.6, "ms", "42 ms", "42 ms"],
    [1_500, "ms", "1500 ms", "1.5 s"],
    [0.5, "usd", "$0.50", "$0.5"],
    [12.345, "percent", "12.35 %", "12.3 %"],
    [0.2, "per_minute", "0.2 a minute", "0.2"],
  ] as const)("%d in %s is %s, and %s on an axis", (value, unit, long, short) => {
    expect(valueInWords(value, unit)).toBe(long);
    expect(valueInWords(value, unit, true)).toBe(short);
  });
});
