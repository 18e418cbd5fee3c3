import { describe, expect, it } from "vitest";
import { looksPlot, ratesPlot } from "#ui/detection-plots.ts";

const now = new Date("2026-03-01T12:00:40.000Z");
const at = (minutesAgo: number) => new Date(Date.parse("2026-03-01T12:00:00.000Z") - minutesAgo * 60_000);

describe("what detection saw in the last hour", () => {
  it("is one point a minute, oldest first, with a gap and its reason where nobody knows", () => {
    const { points } = looksPlot(
      [
        { at: at(0), outcome: "healthy", because: "200", latencyMs: 12 },
        { at: at(2), outcome: "unhealthy", because: "500", latencyMs: 900 },
        { at: at(59), outcome: "no_data", because: "our own network failed", latencyMs: null },
        { at: at(61), outcome: "healthy", because: "too old", latencyMs: 1 },
      ],
      now,
    );
    expect(points).toHaveLength(60);
    expect(points.at(-1)).toEqual({ at: at(0).toISOString(), values: [12], tone: "good", note: "200" });
    expect(points.at(-2)).toEqual({ at: at(1).toISOString(), values: [null], note: "not looked at" });
    expect(points.at(-3)).toMatchObject({ values: [900], tone: "bad" });
    expect(points[0]).toMatchObject({ values: [null], tone: "warn", note: "our own network failed" });
  });

  it("adds releases up, and takes unknown requests for unknown and not for none", () => {
    const { points } = ratesPlot(
      [
        { minute: at(1), errors: 2, requests: 40, failures: 3 },
        { minute: at(1), errors: 1, requests: 10, failures: 0 },
        { minute: at(2), errors: 5, requests: null, failures: null },
        { minute: at(3), errors: 0, requests: 7, failures: 0 },
        { minute: at(3), errors: 1, requests: null, failures: null },
      ],
      now,
    );
    expect(points.slice(-4).map(({ values }) => values)).toEqual([
      [7, 0, 1],
      [null, null, 5],
      [50, 3, 3],
      [null, null, 0],
    ]);
  });
});
