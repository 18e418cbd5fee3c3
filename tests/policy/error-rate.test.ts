import { describe, expect, it } from "vitest";
import type { ErrorCounts } from "#domain/evidence.ts";
import { dispersionOf } from "#domain/evidence.ts";
import { comparedRates, conditionalTest, judgeErrorRate, minimumDetectableRatio } from "#policy/error-rate.ts";
import { defaults, minuteMs, poisson, seeded } from "./builders.ts";

const limits = defaults.production;
const dayMs = 24 * 60 * minuteMs;
const unmeasured = { kind: "unmeasured", why: "no source reports traffic" } as const;

function counts(errors: number, changed: Partial<ErrorCounts> = {}): ErrorCounts {
  return {
    errors: { kind: "measured", value: errors },
    requests: unmeasured,
    durationMs: dayMs,
    dispersion: 1,
    ...changed,
  };
}
const measured = (value: number) => ({ kind: "measured", value }) as const;
const now = (errors: number, changed: Partial<ErrorCounts> = {}) =>
  counts(errors, { durationMs: 30 * minuteMs, ...changed });

describe("conditionalTest agrees with scipy.stats.binom.sf", () => {
  // binom.sf(c1 - 1, c0 + c1, e1 / (e0 + e1)), scipy 1.17.1
  const references = [
    [0, 288, 1, 6, 0.02040816326530612],
    [0, 288, 3, 6, 8.499859752314085e-6],
    [10, 288, 3, 6, 0.0020850084821497825],
    [50, 288, 5, 6, 0.005281751325406756],
    [300, 288, 12, 6, 0.028286641137365766],
    [1000, 288, 60, 6, 4.698568690677196e-12],
    [3, 288, 6, 6, 5.755973182751233e-9],
  ] as const;
  for (const [c0, e0, c1, e1, p] of references) {
    it(`${c0} in ${e0}, then ${c1} in ${e1}: ${p.toExponential(3)}`, () => {
      const ours = conditionalTest({ errors: c0, exposure: e0 }, { errors: c1, exposure: e1 }, 1);
      expect(Math.abs(ours / p - 1)).toBeLessThan(1e-6);
    });
  }
  it("divides counts by the dispersion and never multiplies them", () => {
    const [before, after] = [
      { errors: 100, exposure: 288 },
      { errors: 10, exposure: 6 },
    ];
    const halved = conditionalTest({ errors: 50, exposure: 288 }, { errors: 5, exposure: 6 }, 1);
    expect(conditionalTest(before, after, 2)).toBeCloseTo(halved, 12);
    expect(conditionalTest(before, after, 0.1)).toBe(conditionalTest(before, after, 1));
  });
  it("falls steadily between whole numbers", () => {
    const p = [3, 3.25, 3.5, 3.75, 4].map((errors) =>
      conditionalTest({ errors: 10, exposure: 288 }, { errors, exposure: 6 }, 1),
    );
    expect(p).toEqual([...p].sort((one, other) => other - one));
  });
  it("is NaN for what is no count", () => {
    for (const bad of [Number.NaN, -1, Infinity]) {
      expect(conditionalTest({ errors: bad, exposure: 1 }, { errors: 1, exposure: 1 }, 1)).toBeNaN();
      expect(conditionalTest({ errors: 1, exposure: bad }, { errors: 1, exposure: 1 }, 1)).toBeNaN();
      expect(conditionalTest({ errors: 1, exposure: 1 }, { errors: bad, exposure: 1 }, 1)).toBeNaN();
      expect(conditionalTest({ errors: 1, exposure: 1 }, { errors: 1, exposure: bad }, 1)).toBeNaN();
    }
    expect(conditionalTest({ errors: 1, exposure: 0 }, { errors: 1, exposure: 1 }, 1)).toBeNaN();
    expect(conditionalTest({ errors: 1, exposure: 1 }, { errors: 1, exposure: 1 }, Number.NaN)).toBeNaN();
  });
});

describe("judgeErrorRate (spec.md §8)", () => {
  // 4,800 errors a day are 100 in 30 minutes, so that percentages can be read off.
  const steady = counts(4_800);
  it("rolls back at once above 50 %", () => {
    expect(judgeErrorRate(steady, now(151), null, limits)).toEqual({
      verdict: { kind: "failed", because: "151 errors (51 % against the baseline, p = 0.0000016): limit 50 %" },
      risePct: 51,
    });
    expect(judgeErrorRate(steady, now(150), null, limits).verdict.kind).toBe("watching");
  });
  it("rolls back above 20 % only at two checks in a row", () => {
    const busy = counts(48_000);
    expect(judgeErrorRate(busy, now(1_210), null, limits).verdict.kind).toBe("watching");
    expect(judgeErrorRate(busy, now(1_210), 19, limits).verdict.kind).toBe("watching");
    expect(judgeErrorRate(busy, now(1_210), 20, limits).verdict.kind).toBe("watching");
    expect(judgeErrorRate(busy, now(1_210), 20.1, limits).verdict.kind).toBe("failed");
    expect(judgeErrorRate(busy, now(1_200), 30, limits).verdict.kind).toBe("watching");
    expect(judgeErrorRate(busy, now(1_210), null, limits).risePct).toBeCloseTo(21);
  });
  it("does not roll back on noise, nor hand it on as a rise", () => {
    expect(judgeErrorRate(counts(48), now(3), null, limits)).toMatchObject({
      verdict: { kind: "watching" },
      risePct: null,
    });
  });
  it("needs three errors however unlikely two are", () => {
    expect(judgeErrorRate(counts(0), now(2), null, limits)).toMatchObject({
      verdict: { kind: "watching" },
      risePct: null,
    });
    expect(judgeErrorRate(counts(0), now(3), null, limits)).toMatchObject({
      verdict: { kind: "failed" },
      risePct: 1_000_000,
    });
  });
  it("compares by requests where both sides know them", () => {
    const before = counts(100, { requests: measured(10_000) });
    expect(judgeErrorRate(before, now(20, { requests: measured(2_000) }), null, limits).verdict.kind).toBe("watching");
    expect(judgeErrorRate(before, now(20, { requests: measured(100) }), null, limits).verdict.kind).toBe("failed");
    expect(judgeErrorRate(before, now(20), null, limits).verdict.kind).toBe("failed");
  });
  it("compares by time what failed without any request", () => {
    const before = counts(0, { requests: measured(100) });
    expect(judgeErrorRate(before, now(5, { requests: measured(0) }), null, limits).verdict.kind).toBe("failed");
  });
  const open: [string, ErrorCounts | null, ErrorCounts][] = [
    ["no baseline", null, now(100)],
    ["an unmeasured baseline", counts(0, { errors: unmeasured }), now(100)],
    ["a baseline of no time", counts(0, { durationMs: 0 }), now(100)],
    ["unmeasured errors", counts(0), now(0, { errors: unmeasured })],
    ["no time yet", counts(10), now(0, { durationMs: 0 })],
    ["no request yet", counts(10, { requests: measured(100) }), now(0, { requests: measured(0) })],
    ["NaN before", counts(Number.NaN), now(1)],
    ["NaN now", counts(1), now(Number.NaN)],
    ["NaN dispersion", counts(1, { dispersion: Number.NaN }), now(1)],
    ["negative errors", counts(-1), now(-1)],
    ["infinite time", counts(1, { durationMs: Infinity }), now(1)],
  ];
  for (const [name, before, after] of open) {
    it(`${name}: inconclusive`, () => {
      expect(judgeErrorRate(before, after, null, limits)).toMatchObject({
        verdict: { kind: "inconclusive" },
        risePct: null,
      });
    });
  }
  it("never passes by itself", () => {
    for (const errors of [0, 1, 10])
      expect(judgeErrorRate(steady, now(errors), null, limits).verdict.kind).toBe("watching");
  });
});

describe("dispersionOf", () => {
  it("is 1 for regular, few or no counts, and the size of bursts otherwise", () => {
    expect([dispersionOf([]), dispersionOf([5]), dispersionOf([0, 0, 0]), dispersionOf([2, 2, 2])]).toEqual([
      1, 1, 1, 1,
    ]);
    expect(dispersionOf([0, 0, 0, 8, 0, 0, 0, 8])).toBeCloseTo(6.86, 2);
  });
});

const slots = 6;
const windowsPerDay = 48;
const seeds = 2_000;

/** Chance that the six looks of a watch roll back, when errors come in bursts and their rate becomes `ratio` times the old. */
function rollbackChance(perDay: number, burst: number, ratio: number): number {
  const random = seeded(perDay * 100 + burst * 10 + ratio);
  const errorsIn = (windows: number, factor: number) =>
    burst * poisson((perDay * factor * windows) / windowsPerDay / burst, random);
  let rollbacks = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const baseline = Array.from({ length: windowsPerDay }, () => errorsIn(1, 1));
    const before = counts(
      baseline.reduce((sum, n) => sum + n, 0),
      { dispersion: dispersionOf(baseline) },
    );
    let [errors, rise, failed]: [number, number | null, boolean] = [0, null, false];
    for (let look = 1; look <= slots && !failed; look++) {
      errors += errorsIn(1 / slots, ratio);
      const judged = judgeErrorRate(before, counts(errors, { durationMs: look * 5 * minuteMs }), rise, limits);
      rise = judged.risePct;
      failed = judged.verdict.kind === "failed";
    }
    if (failed) rollbacks++;
  }
  return rollbacks / seeds;
}

describe("six looks at a harmless deployment (reliability A8)", () => {
  for (const burst of [1, 3, 8]) {
    for (const perDay of [10, 50, 300, 1_000]) {
      it(`${perDay} errors a day in bursts of ${burst}: at most 2 % are rolled back`, () => {
        expect(rollbackChance(perDay, burst, 1)).toBeLessThanOrEqual(0.02);
      });
    }
  }
});

describe("six looks at a regression (reliability A8)", () => {
  for (const [perDay, ratio] of [
    [50, 10],
    [300, 10],
    [300, 5],
    [1_000, 5],
  ] as const) {
    it(`${ratio} times ${perDay} errors a day: at least 95 % are rolled back`, () => {
      expect(rollbackChance(perDay, 1, ratio)).toBeGreaterThanOrEqual(0.95);
    });
  }
});

describe("minimumDetectableRatio (reliability A10)", () => {
  const watchMs = 30 * minuteMs;
  /** How often the last look shows a rise of `ratio`, when the baseline is known. */
  function power(perDay: number, dispersion: number, ratio: number): number {
    const random = seeded(perDay);
    let shown = 0;
    for (let seed = 0; seed < seeds; seed++) {
      const errors = dispersion * poisson((perDay * ratio) / windowsPerDay / dispersion, random);
      const judged = judgeErrorRate(counts(perDay, { dispersion }), now(errors), null, limits);
      if (judged.verdict.kind === "failed") shown++;
    }
    return shown / seeds;
  }
  for (const [perDay, dispersion] of [
    [10, 1],
    [50, 1],
    [300, 1],
    [1_000, 1],
    [5_000, 1],
    [300, 3],
    [1_000, 8],
  ] as const) {
    it(`at ${perDay} errors a day and dispersion ${dispersion} lies within 20 % of simulation`, () => {
      const ratio = minimumDetectableRatio({ errors: perDay, exposure: dayMs }, watchMs, dispersion, limits);
      expect(power(perDay, dispersion, ratio * 0.8)).toBeLessThan(0.8);
      expect(power(perDay, dispersion, ratio * 1.2)).toBeGreaterThan(0.8);
    });
  }
  it("is infinite where nothing can be multiplied or numbers are none", () => {
    expect(minimumDetectableRatio({ errors: 0, exposure: dayMs }, watchMs, 1, limits)).toBe(Infinity);
    for (const bad of [Number.NaN, -1, 0, Infinity]) {
      expect(minimumDetectableRatio({ errors: 5, exposure: bad }, watchMs, 1, limits)).toBe(Infinity);
      expect(minimumDetectableRatio({ errors: 5, exposure: dayMs }, bad, 1, limits)).toBe(Infinity);
    }
  });
});

describe("comparedRates", () => {
  const asked = (value: number) => ({ requests: measured(value) });
  it("tells errors per request where both sides know them, and errors a minute otherwise", () => {
    expect(comparedRates(counts(288, asked(28_800)), now(3, asked(100)))).toEqual({
      by: "requests",
      before: 0.01,
      now: 0.03,
    });
    expect(comparedRates(counts(1_440), now(60))).toEqual({ by: "time", before: 1, now: 2 });
    expect(comparedRates(counts(1_440, asked(9)), now(60, asked(0)))).toEqual({ by: "time", before: 1, now: 2 });
  });
  it("says why there is nothing to compare", () => {
    expect(comparedRates(null, now(3))).toContain("no baseline");
    expect(comparedRates(counts(3), now(0, { errors: unmeasured }))).toContain("not measured");
  });
});
