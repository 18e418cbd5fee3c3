import { describe, expect, it } from "vitest";
import type { HealthSample, Verdict } from "#domain/evidence.ts";
import { judgeHealth, nextLook } from "#policy/health.ts";
import { aSample, at, defaults, minuteMs, samplesOf, seeded } from "./builders.ts";

const stagingWatch = { from: at(0), until: at(10), extended: false };
const productionWatch = { from: at(0), until: at(30), extended: false };
const { staging, production } = defaults;

function onStaging(samples: HealthSample[], minutes = 10, watch = stagingWatch): Verdict["kind"] {
  return judgeHealth(samples, at(minutes), watch, staging).kind;
}
function inProduction(samples: HealthSample[], minutes = 30): Verdict["kind"] {
  return judgeHealth(samples, at(minutes), productionWatch, production).kind;
}

describe("the staging watch (spec.md §7)", () => {
  const table: [string, string, Verdict["kind"]][] = [
    ["all healthy", "hhhhhhhhhh", "passed"],
    ["2 failures in a row", "huuhhhhhhh", "passed"],
    ["3 failures in a row", "huuuhhhhhh", "failed"],
    ["3 failures apart", "uhuhuhhhhh", "passed"],
    ["4 failures apart", "uhuhuhuhhh", "failed"],
    ["8 of 10 measured", "hhhhhhhh--", "passed"],
    ["7 of 10 measured", "hhhhhhh---", "inconclusive"],
    ["no data does not count as measured", "hhhhhhhnnn", "inconclusive"],
    ["nothing measured", "", "inconclusive"],
    ["missing slots do not break a row", "u-n-u--uhh", "failed"],
    ["a healthy check breaks a row", "u-u-h-u-hh", "inconclusive"],
    ["ends on a failure", "hhhhhhhhhu", "inconclusive"],
  ];
  for (const [name, outcomes, kind] of table) {
    it(`${name}: ${kind}`, () => expect(onStaging(samplesOf(outcomes))).toBe(kind));
  }
  it("watches until the window is over, and fails as soon as it is decided", () => {
    expect(onStaging(samplesOf("hhhhhhhhhh"), 9.99)).toBe("watching");
    expect(onStaging(samplesOf("uuu"), 2)).toBe("failed");
  });
  it("names number and limit", () => {
    expect(judgeHealth(samplesOf("uuu"), at(3), stagingWatch, staging).because).toBe(
      "3 health checks failed in a row (limit 3), the last one: status 500",
    );
    expect(judgeHealth(samplesOf("hhh"), at(10), stagingWatch, staging).because).toBe(
      "too few checks: 3 of 10 health checks measured (8 needed)",
    );
  });
  it("does not ask for a prolongation twice", () => {
    const watch = { from: at(0), until: at(20), extended: true };
    expect(judgeHealth(samplesOf("hhh"), at(20), watch, staging)).toEqual({
      kind: "inconclusive",
      because: "3 of 20 health checks measured (8 needed), although the window was prolonged",
    });
    expect(judgeHealth(samplesOf("hhh------------hhhhh"), at(20), watch, staging).kind).toBe("passed");
  });
  it("needs every slot where the settings make fewer than are asked for", () => {
    const limits = { ...staging, checkEveryMs: 4 * minuteMs };
    expect(judgeHealth(samplesOf("hh"), at(10), stagingWatch, limits).kind).toBe("passed");
    expect(judgeHealth(samplesOf("h"), at(10), stagingWatch, limits).kind).toBe("inconclusive");
  });
});

describe("the production watch (spec.md §8)", () => {
  it("passes six healthy slots, five are enough, four are not", () => {
    expect(inProduction(samplesOf("hhhhhh"))).toBe("passed");
    expect(inProduction(samplesOf("hhhhh"))).toBe("passed");
    expect(inProduction(samplesOf("hhhh"))).toBe("inconclusive");
  });
  it("rolls back when the repetition fails too", () => {
    expect(inProduction([aSample(0, "healthy"), aSample(1, "unhealthy"), aSample(1, "unhealthy", 1)], 6)).toBe(
      "failed",
    );
  });
  it("forgives a failure whose repetition is healthy", () => {
    expect(inProduction([...samplesOf("hhhhhu"), aSample(5, "healthy", 1)])).toBe("passed");
  });
  it("rolls back on failures of two slots when the repetition was lost", () => {
    expect(inProduction([aSample(0, "unhealthy"), aSample(0, "no_data", 1), aSample(1, "unhealthy")], 6)).toBe(
      "failed",
    );
  });
  it("knows no limit of failures in all", () => {
    const flapping = [0, 1, 2, 3, 4, 5].flatMap((slot) => [aSample(slot, "unhealthy"), aSample(slot, "healthy", 1)]);
    expect(inProduction(flapping)).toBe("passed");
  });
});

describe("samples are keyed by slot (reliability A3)", () => {
  it("a duplicate changes nothing: the first counts", () => {
    expect(
      onStaging([
        aSample(0, "unhealthy"),
        ...samplesOf("hhhhhhhhhh"),
        aSample(1, "unhealthy"),
        aSample(2, "unhealthy"),
      ]),
    ).toBe("passed");
    expect(onStaging([...samplesOf("uuhhhhhhhh"), aSample(1, "unhealthy"), aSample(1, "unhealthy")])).toBe("passed");
  });
  it("the verdict does not depend on the order of arrival or on 30 % dropped and doubled ticks", () => {
    const random = seeded(7);
    for (let run = 0; run < 500; run++) {
      const kept = samplesOf(Array.from({ length: 10 }, () => (random() < 0.3 ? "u" : "h")).join("")).filter(
        () => random() > 0.3,
      );
      const doubled = kept.flatMap((sample) => (random() < 0.3 ? [sample, sample] : [sample]));
      const shuffled = doubled.map((sample) => ({ sample, key: random() })).sort((a, b) => a.key - b.key);
      expect(
        judgeHealth(
          shuffled.map(({ sample }) => sample),
          at(10),
          stagingWatch,
          staging,
        ),
      ).toEqual(judgeHealth(kept, at(10), stagingWatch, staging));
    }
  });
  it("ignores what is outside the window or no sample of ours", () => {
    const strange = [Number.NaN, -1, 10, 0.5, Infinity].map((slot) => aSample(slot, "unhealthy"));
    expect(onStaging([...strange, aSample(3, "unhealthy", 7), ...samplesOf("hhhhhhhhhh")])).toBe("passed");
    expect(onStaging(strange.map((sample) => ({ ...sample, outcome: "healthy" as const })))).toBe("inconclusive");
  });
});

/** Chance that staging aborts when each check fails with `p`: all 1,024 courses, each with its weight. */
function abortChance(p: number): number {
  let chance = 0;
  for (let course = 0; course < 1_024; course++) {
    const outcomes = [...course.toString(2).padStart(10, "0")].map((bit) => (bit === "1" ? "u" : "h")).join("");
    const failures = outcomes.split("u").length - 1;
    if (onStaging(samplesOf(outcomes)) === "failed") chance += p ** failures * (1 - p) ** (10 - failures);
  }
  return chance;
}

describe("flapping targets (reliability A2)", () => {
  it("stops at least 82 % of those that fail every second check", () =>
    expect(abortChance(0.5)).toBeGreaterThanOrEqual(0.82));
  it("stops at most 0.05 % of those that fail one in a hundred", () =>
    expect(abortChance(0.01)).toBeLessThanOrEqual(0.0005));
  it("stops at most 0.3 % of those that fail one in twenty", () =>
    expect(abortChance(0.05)).toBeLessThanOrEqual(0.003));
});

describe("numbers that are none (reliability A1)", () => {
  const bad = [Number.NaN, -1, 0, Infinity];
  it("never pass", () => {
    const good = samplesOf("hhhhhhhhhh");
    for (const value of bad) {
      expect(judgeHealth(good, at(10), stagingWatch, { ...staging, checkEveryMs: value }).kind).toBe("inconclusive");
      expect(judgeHealth(good, at(10), { ...stagingWatch, until: new Date(value) }, staging).kind).toBe("inconclusive");
      for (const key of ["consecutiveFailuresMax", "failuresMax", "validChecksMin"] as const) {
        const verdict = judgeHealth(good, at(10), stagingWatch, { ...staging, [key]: value });
        // An infinite number of failures allowed is a choice, an infinite number of checks needed cannot pass by all slots.
        if (value !== Infinity) expect(verdict.kind).toBe("inconclusive");
      }
    }
    expect(judgeHealth(good, new Date(Number.NaN), stagingWatch, staging).kind).toBe("inconclusive");
  });
});

describe("nextLook", () => {
  const look = (samples: HealthSample[], minutes: number) =>
    nextLook(samples, productionWatch, at(minutes), production);
  it("waits for the start, looks at slot 0, then waits for the next slot", () => {
    expect(look([], -1)).toEqual({ kind: "wait", until: at(0) });
    expect(look([], 0)).toEqual({ kind: "look", slot: 0, repeat: 0, scheduledAt: at(0) });
    expect(look(samplesOf("h"), 0)).toEqual({ kind: "wait", until: at(5) });
  });
  it("repeats a failed look after a minute, once", () => {
    const failed = samplesOf("u");
    expect(look(failed, 0.5)).toEqual({ kind: "wait", until: at(1) });
    expect(look(failed, 1)).toEqual({ kind: "look", slot: 0, repeat: 1, scheduledAt: at(1) });
    expect(look([...failed, aSample(0, "unhealthy", 1)], 1)).toEqual({ kind: "wait", until: at(5) });
  });
  it("does not repeat for want of data, nor on staging", () => {
    expect(look(samplesOf("n"), 1)).toEqual({ kind: "wait", until: at(5) });
    expect(nextLook(samplesOf("u"), stagingWatch, at(0.5), staging)).toEqual({ kind: "wait", until: at(1) });
  });
  it("looks at the newest due slot after late ticks", () => {
    expect(look([], 17)).toEqual({ kind: "look", slot: 3, repeat: 0, scheduledAt: at(15) });
    expect(look(samplesOf("u"), 5)).toEqual({ kind: "look", slot: 1, repeat: 0, scheduledAt: at(5) });
  });
  it("never goes beyond the last slot", () => {
    expect(look([aSample(5, "healthy")], 29)).toEqual({ kind: "wait", until: at(30) });
    expect(look([], 30)).toEqual({ kind: "over" });
    expect(nextLook([aSample(1, "healthy")], { from: at(0), until: at(11) }, at(10.5), production)).toEqual({
      kind: "wait",
      until: at(11),
    });
  });
  it("ends on dates that are none", () => {
    expect(look([], Number.NaN)).toEqual({ kind: "over" });
    expect(nextLook([], { from: at(0), until: new Date(Number.NaN) }, at(1), production)).toEqual({ kind: "over" });
  });
  it("driven by ticks of any rhythm, makes at most one sample a slot and repetition", () => {
    const random = seeded(3);
    for (let run = 0; run < 200; run++) {
      const samples: HealthSample[] = [];
      for (let minutes = 0; minutes < 40; minutes += random() * 2) {
        const next = look(samples, minutes);
        if (next.kind === "look")
          samples.push(aSample(next.slot, random() < 0.5 ? "unhealthy" : "healthy", next.repeat));
      }
      const keys = samples.map(({ slot, repeat }) => `${slot}/${repeat}`);
      expect(new Set(keys).size).toBe(keys.length);
      expect(samples.every(({ slot }) => slot >= 0 && slot < 6)).toBe(true);
    }
  });
});
