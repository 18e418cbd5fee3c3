import { describe, expect, it } from "vitest";
import type { ClaimVerdict, HealthSample, Measurement, Verdict } from "#domain/evidence.ts";
import { Settings } from "#domain/settings.ts";
import { judgeErrorRate } from "#policy/error-rate.ts";
import { judgeHealth } from "#policy/health.ts";
import { judgeClaim, judgeNewErrors } from "#policy/new-errors.ts";
import { judgeProduction, judgeStaging, type ProductionParts } from "#policy/watch.ts";
import { aClaim, aKind, aSample, at, defaults, noClaim, seeded } from "./builders.ts";

const verdict = (kind: Verdict["kind"], because: string = kind): Verdict => ({ kind, because });
const measured = (value: number): Measurement => ({ kind: "measured", value });
const unmeasured: Measurement = { kind: "unmeasured", why: "no traffic source" };

describe("judgeNewErrors (reliability A11)", () => {
  const cured = aKind({ fingerprint: "cured", isNew: false });
  const table: [string, ReturnType<typeof aKind>[], Verdict["kind"], Verdict["kind"]][] = [
    ["nothing", [], "watching", "watching"],
    ["an old error", [aKind({ isNew: false, events: 500 })], "watching", "watching"],
    ["one new error", [aKind()], "failed", "watching"],
    ["a new error twice", [aKind({ events: 2 })], "failed", "failed"],
    ["two new kinds, once each", [aKind(), aKind({ fingerprint: "second" })], "failed", "watching"],
    ["one new error in a changed file", [aKind({ inChangedFile: true })], "failed", "failed"],
    ["a new kind without events", [aKind({ events: 0, inChangedFile: true })], "watching", "watching"],
    ["an old error in a changed file", [aKind({ isNew: false, inChangedFile: true })], "watching", "watching"],
    ["the cured error once", [cured], "failed", "watching"],
    ["the cured error twice", [{ ...cured, events: 2 }], "failed", "failed"],
    ["the cured error in a changed file", [{ ...cured, inChangedFile: true }], "failed", "failed"],
    ["counts that are none", [aKind({ events: Number.NaN })], "inconclusive", "inconclusive"],
    ["negative counts", [aKind({ events: -1 })], "inconclusive", "inconclusive"],
  ];
  for (const [name, kinds, staging, production] of table) {
    it(`${name}: ${staging} on staging, ${production} in production`, () => {
      expect(judgeNewErrors(kinds, aClaim, "staging", defaults).kind).toBe(staging);
      expect(judgeNewErrors(kinds, aClaim, "production", defaults).kind).toBe(production);
    });
  }
  it("names the error, the number and the limit", () => {
    expect(judgeNewErrors([aKind()], aClaim, "staging", defaults).because).toBe(
      "new errors: 1 (limit 0), a new error, RangeError",
    );
    expect(judgeNewErrors([{ ...cured, events: 2 }], aClaim, "production", defaults).because).toBe(
      "the error that should have stopped, RangeError: 2 event(s) (limit 2)",
    );
  });
  it("obeys the operators' limits", () => {
    const settings = Settings.parse({ staging: { newErrorsMax: 1 } });
    expect(judgeNewErrors([aKind()], aClaim, "staging", settings).kind).toBe("watching");
    expect(judgeNewErrors([aKind({ events: 2 })], aClaim, "staging", settings).kind).toBe("failed");
  });
});

describe("judgeClaim (spec.md §18.3)", () => {
  const facts = { kinds: [], operationRequests: measured(3), windowOver: true };
  const recurred = [aKind({ fingerprint: "cured", isNew: false })];
  const table: [string, Partial<Parameters<typeof judgeClaim>[1]>, ClaimVerdict["kind"]][] = [
    ["exercised three times, not seen again", {}, "held"],
    ["exercised twice", { operationRequests: measured(2) }, "inconclusive"],
    ["never exercised", { operationRequests: measured(0) }, "inconclusive"],
    ["not measured", { operationRequests: unmeasured }, "inconclusive"],
    ["NaN requests", { operationRequests: measured(Number.NaN) }, "inconclusive"],
    ["infinitely many requests", { operationRequests: measured(Infinity) }, "inconclusive"],
    ["window still open", { windowOver: false }, "inconclusive"],
    ["happened again", { kinds: recurred }, "not_held"],
    ["happened again, traffic unknown", { kinds: recurred, operationRequests: unmeasured }, "not_held"],
    ["NaN events", { kinds: [aKind({ fingerprint: "cured", events: Number.NaN })] }, "inconclusive"],
    ["other errors", { kinds: [aKind({ events: 9 })] }, "held"],
  ];
  for (const [name, changed, kind] of table) {
    it(`${name}: ${kind}`, () => expect(judgeClaim(aClaim, { ...facts, ...changed }, defaults).kind).toBe(kind));
  }
  it("holds where nothing had to stop", () => {
    expect(judgeClaim(noClaim, { ...facts, operationRequests: unmeasured }, defaults)).toEqual({
      kind: "held",
      because: "no error had to stop: a spelling fix",
    });
  });
});

describe("judgeStaging", () => {
  const good = { health: verdict("passed"), newErrors: verdict("watching"), servedOther: false };
  it("passes only a finished, clean window", () => expect(judgeStaging(good).kind).toBe("passed"));
  it("stops on any failure, first of all on another version", () => {
    expect(judgeStaging({ ...good, servedOther: true }).kind).toBe("failed");
    expect(judgeStaging({ ...good, health: verdict("failed") }).kind).toBe("failed");
    expect(judgeStaging({ ...good, health: verdict("watching"), newErrors: verdict("failed") }).kind).toBe("failed");
  });
  it("watches on, and says inconclusive at the end", () => {
    expect(judgeStaging({ ...good, health: verdict("watching"), newErrors: verdict("inconclusive") }).kind).toBe(
      "watching",
    );
    expect(judgeStaging({ ...good, newErrors: verdict("inconclusive", "blind") })).toEqual(
      verdict("inconclusive", "blind"),
    );
    const short = verdict("inconclusive", "too few checks: 3 of 10");
    expect(judgeStaging({ ...good, health: short })).toEqual(short);
  });
});

describe("judgeProduction", () => {
  const good: ProductionParts = {
    health: verdict("passed", "healthy"),
    errorRate: verdict("watching", "no rise"),
    newErrors: verdict("watching", "none new"),
    claim: { kind: "held", because: "held" },
    requests: measured(20),
    windowOver: true,
  };
  const table: [string, Partial<ProductionParts>, Verdict["kind"]][] = [
    ["everything proved", {}, "passed"],
    ["no baseline", { errorRate: verdict("inconclusive", "no baseline: new project") }, "passed"],
    ["errors not measured", { errorRate: verdict("inconclusive", "errors were not measured") }, "inconclusive"],
    ["too few requests", { requests: measured(19) }, "inconclusive"],
    ["requests unknown", { requests: unmeasured }, "inconclusive"],
    ["NaN requests", { requests: measured(Number.NaN) }, "inconclusive"],
    ["infinite requests", { requests: measured(Infinity) }, "inconclusive"],
    ["claim open", { claim: { kind: "inconclusive", because: "x" } }, "inconclusive"],
    ["claim refuted", { claim: { kind: "not_held", because: "x" } }, "failed"],
    ["claim refuted, window open", { claim: { kind: "not_held", because: "x" }, windowOver: false }, "watching"],
    ["health open", { health: verdict("inconclusive") }, "inconclusive"],
    ["health still watching at the end", { health: verdict("watching") }, "inconclusive"],
    ["blind for new errors", { newErrors: verdict("inconclusive") }, "inconclusive"],
    ["window open", { windowOver: false }, "watching"],
    ["unhealthy, window open", { windowOver: false, health: verdict("failed") }, "failed"],
    ["more errors, window open", { windowOver: false, errorRate: verdict("failed") }, "failed"],
    [
      "a new error, nothing else known",
      { newErrors: verdict("failed"), requests: unmeasured, windowOver: false },
      "failed",
    ],
  ];
  for (const [name, changed, kind] of table) {
    it(`${name}: ${kind}`, () => expect(judgeProduction({ ...good, ...changed }, defaults).kind).toBe(kind));
  }
  it("names everything that is missing", () => {
    const parts: ProductionParts = {
      ...good,
      requests: measured(4),
      claim: { kind: "inconclusive", because: "too little traffic" },
    };
    expect(judgeProduction(parts, defaults).because).toBe(
      "only 4 requests reached the new release (limit 20); too little traffic",
    );
  });
});

describe("10,000 fuzzed watches (reliability A1)", () => {
  it("no one passes without enough valid data", () => {
    const random = seeded(1);
    const pick = <T>(items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];
    const number = () => pick([0, 1, 3, 20, 1_000, -1, Number.NaN, Infinity, -Infinity, 1e308, 0.5]);
    const measurement = (): Measurement => (random() < 0.2 ? unmeasured : measured(number()));
    const date = () => pick([at(0), at(30), at(10), new Date(Number.NaN), new Date(0)]);
    const sample = (): HealthSample =>
      aSample(pick([0, 1, 2, 3, 4, 5, 6, -1, Number.NaN]), pick(["healthy", "unhealthy", "no_data"]), pick([0, 1, 2]));
    let passed = 0;
    for (let run = 0; run < 10_000; run++) {
      const samples =
        random() < 0.5
          ? [0, 1, 2, 3, 4, 5].map((slot) =>
              aSample(slot, random() < 0.97 ? "healthy" : pick(["unhealthy", "no_data"])),
            )
          : Array.from({ length: Math.floor(random() * 12) }, sample);
      const watch =
        random() < 0.6
          ? { from: at(0), until: at(30), extended: false }
          : { from: date(), until: date(), extended: random() < 0.5 };
      const health = judgeHealth(samples, random() < 0.6 ? at(30) : date(), watch, defaults.production);
      const counts = () => ({
        errors: measurement(),
        requests: measurement(),
        durationMs: number(),
        dispersion: number(),
      });
      const { verdict: errorRate } = judgeErrorRate(
        random() < 0.3 ? null : counts(),
        counts(),
        pick([null, number()]),
        defaults.production,
      );
      const kinds = random() < 0.5 ? [] : [aKind({ events: number(), fingerprint: pick(["cured", "other"]) })];
      const windowOver = random() < 0.7;
      const requests = measurement();
      const operationRequests = measurement();
      const claim = judgeClaim(aClaim, { kinds, operationRequests, windowOver }, defaults);
      const newErrors = judgeNewErrors(kinds, aClaim, "production", defaults);
      const judged = judgeProduction({ health, errorRate, newErrors, claim, requests, windowOver }, defaults);
      if (judged.kind !== "passed") continue;
      passed++;
      const valid = new Set(
        samples.filter(({ outcome, slot }) => outcome !== "no_data" && slot >= 0 && slot < 6).map(({ slot }) => slot),
      );
      const enough = (m: Measurement, min: number) =>
        m.kind === "measured" && Number.isFinite(m.value) && m.value >= min;
      expect([valid.size >= 5, enough(requests, 20), enough(operationRequests, 3), windowOver]).toEqual([
        true,
        true,
        true,
        true,
      ]);
    }
    // The fuzz proves something only if some of it can pass.
    expect(passed).toBeGreaterThan(10);
  });
});
