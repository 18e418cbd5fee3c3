import { describe, expect, it } from "vitest";
import { Settings } from "#domain/settings.ts";
import { type ApprovalFacts, approvalReasons, approvalVoid, policyHash } from "#policy/autonomy.ts";
import { aCandidate, anApproval, aSha, at, defaults, sha256 } from "./builders.ts";

function facts(changed: Partial<ApprovalFacts> = {}): ApprovalFacts {
  return {
    severity: "P2",
    confidence: 92,
    diagnosisRequiresPerson: false,
    diagnosisBecause: null,
    estimatedMinutes: 5,
    approvalFiles: [],
    risks: [],
    unverified: false,
    ...changed,
  };
}
const level = (autonomyLevel: 1 | 2 | 3) => Settings.parse({ autonomyLevel });

describe("the table of autonomy levels (spec.md §9)", () => {
  const table = [
    [1, ["manual", "manual", "manual", "manual", "manual"]],
    [2, ["manual", "manual", "auto", "auto", "auto"]],
    [3, ["auto", "auto", "auto", "auto", "auto"]],
  ] as const;
  for (const [autonomyLevel, outcomes] of table) {
    for (const [grade, outcome] of outcomes.entries()) {
      it(`level ${autonomyLevel}: P${grade} is ${outcome}`, () => {
        const severity = (["P0", "P1", "P2", "P3", "P4"] as const)[grade] ?? "P0";
        const reasons = approvalReasons(facts({ severity }), level(autonomyLevel));
        expect(reasons.length === 0 ? "auto" : "manual").toBe(outcome);
      });
    }
  }
  it("level 3: a P0 waits when the diagnosis recommends a person", () => {
    const reasons = approvalReasons(facts({ severity: "P0", diagnosisRequiresPerson: true }), level(3));
    expect(reasons).toEqual([
      "Autonomy level 3: a P0 waits for a person because the diagnosis recommends one.",
      "The diagnosis asks for a person: it gives no reason.",
    ]);
  });
  it("an unknown level watches only", () => {
    const settings: Settings = { ...defaults, autonomyLevel: Number.NaN as 1 };
    expect(approvalReasons(facts(), settings)).toEqual(["Autonomy level 1: a person approves every fix."]);
  });
});

describe("whatever the table says, a person approves", () => {
  const cases: [string, Partial<ApprovalFacts>, string[]][] = [
    ["confidence at the limit", { confidence: 80 }, []],
    ["confidence below the limit", { confidence: 79.9 }, ["The confidence is 79.9 % (limit 80 %)."]],
    ["confidence that is no number", { confidence: Number.NaN }, ["The confidence is not a percentage: NaN."]],
    ["confidence above 100", { confidence: 1e9 }, ["The confidence is not a percentage: 1000000000."]],
    ["negative confidence", { confidence: -1 }, ["The confidence is not a percentage: -1."]],
    ["estimate at the limit", { estimatedMinutes: 30 }, []],
    ["estimate above the limit", { estimatedMinutes: 31 }, ["The estimate is 31 minutes (limit 30)."]],
    ["estimate that is no number", { estimatedMinutes: Number.NaN }, ["The estimate is not a number of minutes: NaN."]],
    ["infinite estimate", { estimatedMinutes: Infinity }, ["The estimate is not a number of minutes: Infinity."]],
    ["negative estimate", { estimatedMinutes: -1 }, ["The estimate is not a number of minutes: -1."]],
    [
      "a diagnosis that asks",
      { diagnosisRequiresPerson: true, diagnosisBecause: "money moves" },
      ["The diagnosis asks for a person: money moves."],
    ],
    [
      "package.json",
      { approvalFiles: ["package.json"] },
      ["The change touches files that need approval: package.json."],
    ],
    [
      "many files, named up to five",
      { approvalFiles: ["a", "b", "c", "d", "e", "f", "g"] },
      ["The change touches files that need approval: a, b, c, d, e and 2 more."],
    ],
    [
      "any risk",
      { risks: [{ kind: "network", path: "src/a.ts", line: 3, note: "calls fetch" }] },
      ["The review of the change found 1 risk(s): network in src/a.ts:3 (calls fetch)."],
    ],
    [
      "unverified reports",
      { unverified: true },
      ["Only unverified sources reported the problem (browsers or anonymous senders)."],
    ],
  ];
  for (const [name, changed, reasons] of cases) {
    it(name, () => expect(approvalReasons(facts(changed), level(3))).toEqual(reasons));
  }
  it("names every reason at once", () => {
    const all = facts({
      severity: "P0",
      confidence: 1,
      estimatedMinutes: 99,
      diagnosisRequiresPerson: true,
      approvalFiles: ["x"],
      unverified: true,
    });
    expect(approvalReasons(all, level(1))).toHaveLength(6);
  });
});

describe("an approval is bound to what was approved (reliability C5)", () => {
  const now = () => ({
    candidate: aCandidate(),
    policyHash: sha256("policy"),
    environment: "production" as const,
    at: at(59),
  });
  it("holds while nothing changed", () => expect(approvalVoid(anApproval(), now())).toBeUndefined());

  const mutations: [string, ReturnType<typeof now> | object, string][] = [
    [
      "commit",
      { candidate: aCandidate({ commit: aSha("d") }) },
      "The candidate is another commit than the approved one.",
    ],
    ["tree", { candidate: aCandidate({ tree: aSha("d") }) }, "The candidate holds other files than the approved one."],
    [
      "base",
      { candidate: aCandidate({ base: aSha("d") }) },
      "The candidate is built on another base than the approved one.",
    ],
    ["diff", { candidate: aCandidate({ diffHash: sha256("other") }) }, "The diff is not the one that was approved."],
    ["policy", { policyHash: sha256("other") }, "The rules of approval changed since it was asked for."],
    ["environment", { environment: "staging" }, "The approval is for production, not for staging."],
    ["expiry", { at: at(60) }, "The approval expired."],
    ["a time that is none", { at: new Date(Number.NaN) }, "The approval expired."],
  ];
  for (const [field, changed, because] of mutations) {
    it(`dies with another ${field}`, () => expect(approvalVoid(anApproval(), { ...now(), ...changed })).toBe(because));
  }
});

describe("policyHash", () => {
  it("is the same however the settings were written", () => {
    const reordered = Object.fromEntries(Object.entries(defaults.files).reverse());
    const settings = { ...defaults, files: { ...defaults.files, ...reordered } };
    expect(policyHash({ ...Settings.parse(settings), files: Settings.parse({ files: reordered }).files }, sha256)).toBe(
      policyHash(defaults, sha256),
    );
  });
  it("changes with autonomy, limits of approval and lists, and with nothing else", () => {
    const hash = policyHash(defaults, sha256);
    expect(policyHash(level(3), sha256)).not.toBe(hash);
    expect(policyHash(Settings.parse({ approval: { confidencePctMin: 81 } }), sha256)).not.toBe(hash);
    expect(policyHash(Settings.parse({ files: { protected: ["x"] } }), sha256)).not.toBe(hash);
    expect(policyHash(Settings.parse({ staging: { windowMs: 50 } }), sha256)).toBe(hash);
  });
});
