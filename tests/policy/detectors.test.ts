import { describe, expect, it } from "vitest";
import { defaultRules, type RuleOf } from "#domain/rule.ts";
import { binomialTail, burstTail } from "#policy/chance.ts";
import { failureRate, type OperationFacts } from "#policy/detectors/failure-rate.ts";
import { availability, type Probe } from "#policy/detectors/health-check.ts";
import { silence } from "#policy/detectors/heartbeat.ts";
import { noiseOf } from "#policy/detectors/noise.ts";
import { countsNeeded, spike } from "#policy/detectors/spike.ts";
import { falseAlarmRate } from "#policy/false-alarms.ts";
import { asSeen, claimAsSeen, sightOf } from "#policy/sight.ts";
import { aFrame, anEvent, at, minuteMs } from "./builders.ts";
import { everyRegime, falseAlarmsIn, stepsSeen } from "./spike-regimes.ts";

function rule<Kind extends RuleOf<"spike">["kind"] | "failure_rate" | "health_check" | "heartbeat">(kind: Kind) {
  const found = defaultRules.find((one) => one.kind === kind);
  if (found?.kind !== kind) throw new Error(`no rule of kind ${kind}`);
  return found as RuleOf<Kind>;
}

describe("tails of counts, against reference values of an independent computation", () => {
  it.each([
    // Poisson(5), P(X ≥ 15): the sum of e^-5 5^k / k!. Ours scatters by a thousandth more.
    [burstTail(15, 5, 1), 2.262536761766798e-4, 0.01],
    // Negative binomial with mean 5 and variance 15 (r = 2.5, p = 1/3), P(X ≥ 20): the sum of its probabilities.
    [burstTail(20, 5, 3), 4.899785515639166e-3, 1e-9],
    // In exact fractions.
    [binomialTail(5, 20, 0.01), 1.367798632893411e-6, 1e-9],
    [binomialTail(20, 20, 0.5), 2 ** -20, 1e-9],
  ])("%d is %d", (value, reference, relative) => {
    expect(Math.abs(value / reference - 1)).toBeLessThan(relative);
  });
  it("certain from nothing, and never a number where there is none", () => {
    expect([burstTail(0, 5, 2), binomialTail(0, 9, 0.1)]).toEqual([1, 1]);
    for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      expect(burstTail(bad, 5, 2)).toBeNaN();
      expect(burstTail(3, bad, 2)).toBeNaN();
      expect(burstTail(3, 5, bad)).toBeNaN();
      expect(binomialTail(bad, 10, 0.1)).toBeNaN();
      expect(binomialTail(3, 10, bad)).toBeNaN();
    }
    expect(binomialTail(11, 10, 0.1)).toBeNaN();
  });
});

describe("spike (detection.md §2.4.4)", () => {
  const perDay = 288;
  const quiet = (value: number, days: number) => Array<number>(days * perDay).fill(value);
  const say = (history: number[], newest: number[]) => spike([...history, ...newest], rule("spike"));

  it("needs a day of history", () => {
    expect(say(quiet(0, 1), [0, 0, 50])).toBe("50 events in 5 minutes, usually 0.1");
    expect(say(quiet(0, 1).slice(1), [0, 0, 50])).toBeUndefined();
  });
  it("fires on one great count, on two in a row, and on three together", () => {
    expect(say(quiet(1, 7), [1, 1, 12])).toMatch(/^12 events in 5 minutes, usually 1\.0/);
    expect(say(quiet(1, 7), [1, 7, 7])).toMatch(/^7 events in 5 minutes/);
    expect(say(quiet(0, 7), [2, 2, 2])).toMatch(/^6 events in 15 minutes, usually 0\.3/);
  });
  it("keeps quiet below each of its limits, and about what is no count", () => {
    for (const newest of [
      [0, 0, 7],
      [0, 3, 3],
      [1, 2, 2],
      [Number.NaN, Number.NaN, Number.NaN],
    ]) {
      expect(say(quiet(1, 7), newest)).toBeUndefined();
    }
  });
  it("knows what is usual at this hour: the daily rush is no spike", () => {
    const day = Array.from({ length: perDay }, (_, n) => (n >= perDay - 6 ? 60 : 1));
    const week = Array.from({ length: 7 }, () => day).flat();
    expect(spike([...week.slice(3), 60, 60, 60], rule("spike"))).toBeUndefined();
  });
  it("rises with its rule", () => {
    expect(spike([...quiet(1, 7), 1, 1, 12], rule("spike"), 2)).toBeUndefined();
    expect(countsNeeded(5 * minuteMs)).toBe(7 * perDay + 3);
  });
  it("raises hardly a false alarm in ten regimes, and sees every rise to ten times (a sample; the bench runs it whole)", () => {
    for (const regime of everyRegime) {
      expect(falseAlarmsIn(regime, { series: 2, days: 2, seed: 7 }), JSON.stringify(regime)).toMatchObject({
        alarms: 0,
      });
    }
    expect(stepsSeen({ mean: 5, cycle: "daily", dispersion: 1 }, { series: 12, times: 10, seed: 3 })).toBe(1);
    // In bursts as great as the rise itself, it takes up to an hour to be sure.
    const bursts = { mean: 5, cycle: "constant", dispersion: 8 } as const;
    expect(stepsSeen(bursts, { series: 40, times: 10, seed: 3, within: 12 })).toBe(1);
  });
});

describe("failureRate (detection.md §2.4.2)", () => {
  const facts: OperationFacts = {
    operation: "POST /api/orders",
    requests: 100,
    failures: 20,
    before: { requests: 10_000, failures: 50 },
    errors: 0,
  };
  const decide = (changed: Partial<OperationFacts>) => failureRate({ ...facts, ...changed }, rule("failure_rate"), 0);
  it("says what fails, and what is usual", () => {
    expect(decide({})).toBe("20 of 100 requests failed in 5 minutes (20 %, usually 0.5 %)");
    expect(decide({ requests: 20, failures: 5, before: { requests: 0, failures: 0 } })).toBe(
      "5 of 20 requests failed in 5 minutes (25 %)",
    );
  });
  it.each([
    ["fewer than 20 requests", { requests: 19, failures: 19 }],
    ["fewer than 5 failures", { requests: 20, failures: 4 }],
    ["less than 5 %", { requests: 1_000, failures: 49 }],
    ["less than three times the usual share", { before: { requests: 100, failures: 7 } }],
    ["what chance explains", { requests: 100, failures: 5, before: { requests: 100, failures: 1 } }],
    ["half of it explained by exceptions", { errors: 10 }],
    ["numbers that are none", { failures: Number.NaN }],
    ["more failures than requests", { requests: 30, failures: 31 }],
  ])("keeps quiet at %s", (_, changed) => expect(decide(changed)).toBeUndefined());
});

describe("availability (detection.md §2.4.3, reliability A3)", () => {
  const named = { h: "healthy", u: "unhealthy", n: "no_data" } as const;
  /** One look a minute; a dot is one that never took place. */
  const probes = (looks: string): Probe[] =>
    [...looks].flatMap((letter, slot) =>
      letter === "h" || letter === "u" || letter === "n"
        ? [{ slot, outcome: named[letter], because: "status 500" }]
        : [],
    );
  it.each([
    ["uuu", "down"],
    ["huuu", "down"],
    ["u.n.u..u", "down"],
    ["uuuu", "down"],
    ["uu", "unknown"],
    ["uuhu", "unknown"],
    ["uuuh", "unknown"],
    ["uuuhh", "up"],
    ["uuuhnh", "up"],
    ["", "unknown"],
    ["nnnnn", "unknown"],
    ["h", "unknown"],
  ])("%s is %s", (looks, kind) => {
    const inOrder = probes(looks);
    expect(availability(inOrder, rule("health_check"), 0).kind).toBe(kind);
    expect(availability(inOrder.toReversed(), rule("health_check"), 0).kind).toBe(kind);
  });
  it("says since when, and what the last look met", () => {
    expect(availability(probes("huuu"), rule("health_check"), 0)).toEqual({
      kind: "down",
      because: "3 health checks failed in a row (limit 3), the last one: status 500",
      since: new Date(minuteMs),
    });
  });
});

describe("silence (detection.md §2.4.8) and what it does to verdicts (reliability A13)", () => {
  const busy = { sameHour: [40, 44, 36], hourBefore: 40, lastReportAt: at(0) };
  const quietFor = (minutes: number, changed = {}) => silence({ ...busy, ...changed }, at(minutes), rule("heartbeat"));
  it("is noticed after a quarter of an hour, where ten in five minutes are usual", () => {
    expect(quietFor(15)).toBeUndefined();
    expect(quietFor(16)).toMatchObject({
      because: "no request was reported for 16 minutes, usually 40 come in 5 minutes at this hour",
      since: at(0),
    });
  });
  it.each([
    ["a quiet hour of the day", { sameHour: [1, 9, 60] }],
    ["no day known, and a quiet hour before", { sameHour: [], hourBefore: 9 }],
    ["only one day known, and nothing before", { sameHour: [500], hourBefore: null }],
    ["never a report", { lastReportAt: null }],
  ])("is nothing at %s", (_, changed) => expect(quietFor(600, changed)).toBeUndefined());
  it("counts by the hour before as long as fewer than two days are known", () => {
    expect(quietFor(20, { sameHour: [0], hourBefore: 10 })).toBeDefined();
  });
  it("makes every verdict inconclusive but a failure: missing data is unknown, never healthy", () => {
    const blind = sightOf(busy, at(6), minuteMs);
    expect(sightOf(busy, at(5), minuteMs)).toEqual({ kind: "seeing" });
    expect(asSeen({ kind: "watching", because: "clean" }, blind)).toMatchObject({ kind: "inconclusive" });
    expect(asSeen({ kind: "passed", because: "clean" }, blind)).toMatchObject({ kind: "inconclusive" });
    expect(asSeen({ kind: "failed", because: "seen" }, blind)).toEqual({ kind: "failed", because: "seen" });
    expect(claimAsSeen({ kind: "held", because: "gone" }, blind)).toMatchObject({ kind: "inconclusive" });
    expect(claimAsSeen({ kind: "not_held", because: "back" }, blind)).toMatchObject({ kind: "not_held" });
  });
});

describe("noiseOf (detection.md §2.3.3)", () => {
  const frame = (file: string, inApp = false) => aFrame(file, "f", { inApp });
  it.each([
    ["28: code of an extension", { frames: [frame("chrome-extension://abc/inject.js", true)] }],
    ["code that the browser hides", { frames: [frame("webkit-masked-url://hidden/")] }],
    ["what the reader of the protocol marked", { tags: { noise: "probe" } }],
    ["steering of Next.js", { message: "NEXT_REDIRECT;replace;/login;307;" }],
    ["a digest of Next.js", { tags: { digest: "NEXT_HTTP_ERROR_FALLBACK;404" } }],
    ["a cancelled request", { errorType: "AbortError", frames: [] }],
    ["a script of another origin", { trust: "browser" as const, message: "Script error.", frames: [] }],
    ["the observer of sizes", { trust: "browser" as const, message: "ResizeObserver loop limit exceeded" }],
    ["a browser's empty error", { trust: "browser" as const, message: " ", frames: [] }],
  ])("%s", (_, changed) => expect(noiseOf(anEvent(changed))).toBeTypeOf("string"));
  it.each([
    ["an ordinary error", {}],
    ["an error that only speaks of such things", { message: "user wrote: Script error." }],
    ["an abort in our own code", { errorType: "AbortError" }],
    ["a server's short message", { message: "Script error.", frames: [] }],
  ])("not %s", (_, changed) => expect(noiseOf(anEvent(changed))).toBeUndefined());
});

describe("falseAlarmRate (detection.md §2.4.9)", () => {
  const decide = (issues: number, falseAlarms: number, steps = 0) =>
    falseAlarmRate(rule("spike"), { steps, issues, falseAlarms });
  it("raises a rule above one in a hundred, of at least a hundred", () => {
    expect(decide(100, 2)).toBe(
      "2 of 100 issues were false alarms (2.0 %, limit 1 %): the threshold rises from 3 to 6",
    );
    expect([decide(100, 1), decide(99, 99), decide(1_000, 10), decide(500, 500, 6)]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
