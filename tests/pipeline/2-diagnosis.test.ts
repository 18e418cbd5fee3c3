import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import type { Severity } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { diagnosis } from "#pipeline/2-diagnosis.ts";
import type { PastIssue } from "#store/read/reads.ts";
import { aDiagnosis, anIssueAt, base, now } from "#tests/support/builders.ts";
import { aSnapshot, aWorld } from "#tests/support/world.ts";

const repository = { head: async () => base, snapshot: async () => aSnapshot({}, base) };

describe("diagnosis", () => {
  it("sends a code fault to the fix, with the diagnosis on record", async () => {
    const found = aDiagnosis();
    const world = aWorld({
      repository,
      engineer: { diagnose: async () => ({ kind: "diagnosed", diagnosis: found, severity: null }) },
    });
    expect(await diagnosis(anIssueAt("diagnosing"), world)).toEqual(
      move("fixing", found.rootCause, [{ kind: "diagnosis", diagnosis: found, feedback: [] }]),
    );
  });

  it.each([
    "user_error",
    "expected_denial",
    "infrastructure",
    "third_party",
    "developer_noise",
    "already_fixed",
  ] as const)("never repairs a %s, and keeps the reason", async (causeClass) => {
    const found = aDiagnosis({ causeClass, rootCause: "the address is checked" });
    const world = aWorld({
      repository,
      engineer: { diagnose: async () => ({ kind: "diagnosed", diagnosis: found, severity: null }) },
    });
    const outcome = await diagnosis(anIssueAt("diagnosing"), world);
    expect(outcome).toMatchObject({
      kind: "move",
      to: "dismissed",
      because: expect.stringContaining("the address is checked"),
    });
  });

  it("fails with the reason when no cause is found; it never guesses", async () => {
    const world = aWorld({
      repository,
      engineer: { diagnose: async () => ({ kind: "unknown", because: "there is no stack" }) },
    });
    expect(await diagnosis(anIssueAt("diagnosing"), world)).toEqual(
      move("failed", "No automatic fix: there is no stack"),
    );
  });

  it("says what to do when the repository has no main", async () => {
    const world = aWorld({ repository: { head: async () => undefined } });
    await expect(diagnosis(anIssueAt("diagnosing"), world)).rejects.toThrow(Failure);
  });

  it("takes a graver severity from a second opinion, and never a milder one", async () => {
    const found = aDiagnosis();
    const opinions = async (triaged: Severity, reassessed: Severity) => {
      const world = aWorld({
        repository,
        engineer: {
          triage: async () => ({ kind: "triaged", title: "Launch fails", severity: triaged, because: "a guess" }),
          diagnose: async () => ({
            kind: "diagnosed",
            diagnosis: found,
            severity: { value: reassessed, because: "seen in the code" },
          }),
        },
      });
      const { evidence } = await diagnosis(anIssueAt("diagnosing", { severity: "P2" }), world);
      return evidence.flatMap((item) => (item.kind === "opinion" ? [[item.by, item.severity, item.because]] : []));
    };
    expect(await opinions("P1", "P0")).toEqual([
      ["triage", "P1", "P1 instead of P2: a guess"],
      ["diagnosis", "P0", "P0 instead of P1: seen in the code"],
    ]);
    expect(await opinions("P4", "P3")).toEqual([
      ["triage", null, "the model sees P4; the rules' P2 stands, it is never lowered: a guess"],
      ["diagnosis", null, "the model sees P3; the rules' P2 stands, it is never lowered: seen in the code"],
    ]);
  });

  it("waits for a person where the money is used up, and goes on at once where it was only interrupted", async () => {
    const ended = (kind: "over_budget" | "interrupted") =>
      diagnosis(
        anIssueAt("diagnosing"),
        aWorld({ repository, engineer: { diagnose: async () => ({ kind, because: "the budget of $5 is used up" }) } }),
      );
    expect(await ended("over_budget")).toEqual(wait(new Date(now.getTime() + 600_000), "the budget of $5 is used up"));
    expect(await ended("interrupted")).toEqual(wait(now, "the budget of $5 is used up"));
  });

  it("tells the engineer how similar problems ended", async () => {
    const past: PastIssue[] = [
      {
        title: "Launch fails",
        likeness: "same_place",
        status: "resolved",
        because: "held",
        rootCause: "no check",
        commit: base,
        endedAt: now,
      },
    ];
    const seen: unknown[] = [];
    const world = aWorld({
      repository,
      read: { pastIssues: async () => past },
      engineer: {
        diagnose: async (problem) => {
          seen.push(problem.past);
          return { kind: "unknown", because: "?" };
        },
      },
    });
    await diagnosis(anIssueAt("diagnosing"), world);
    expect(seen).toEqual([past]);
  });
});
