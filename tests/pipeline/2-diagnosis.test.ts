import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { move } from "#domain/outcome.ts";
import { diagnosis } from "#pipeline/2-diagnosis.ts";
import { aDiagnosis, anIssueAt, base } from "#tests/support/builders.ts";
import { aSnapshot, aWorld } from "#tests/support/world.ts";

const repository = { head: async () => base, snapshot: async () => aSnapshot({}, base) };

describe("diagnosis", () => {
  it("sends a code fault to the fix, with the diagnosis on record", async () => {
    const found = aDiagnosis();
    const world = aWorld({
      repository,
      engineer: { diagnose: async () => ({ kind: "diagnosed", diagnosis: found, calls: [] }) },
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
      engineer: { diagnose: async () => ({ kind: "diagnosed", diagnosis: found, calls: [] }) },
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
      engineer: { diagnose: async () => ({ kind: "unknown", because: "there is no stack", calls: [] }) },
    });
    expect(await diagnosis(anIssueAt("diagnosing"), world)).toEqual(
      move("failed", "No automatic fix: there is no stack"),
    );
  });

  it("says what to do when the repository has no main", async () => {
    const world = aWorld({ repository: { head: async () => undefined } });
    await expect(diagnosis(anIssueAt("diagnosing"), world)).rejects.toThrow(Failure);
  });

  it("books what a model call cost, also when it led nowhere", async () => {
    const call = {
      model: "m",
      stage: "diagnosis",
      inputTokens: 1,
      outputTokens: 1,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: 0.1,
      latencyMs: 5,
    };
    const world = aWorld({
      repository,
      engineer: { diagnose: async () => ({ kind: "unknown", because: "?", calls: [call] }) },
    });
    expect((await diagnosis(anIssueAt("diagnosing"), world)).evidence).toEqual([{ kind: "model_call", call }]);
  });
});
