import { describe, expect, it } from "vitest";
import { wait } from "#domain/outcome.ts";
import { approval } from "#pipeline/6-approval.ts";
import { aCandidate, anApproval, anIssueAt, aSha, base, later, minute, someSettings } from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

const onMain = { head: async () => base };
const hour = 60 * minute;

describe("approval", () => {
  it("waits for a person and looks at the world every minute", async () => {
    expect(await approval(anIssueAt("awaiting_approval"), aWorld({ repository: onMain }))).toEqual(
      wait(later(minute), "waiting for a person"),
    );
  });

  it.each([
    [24 * hour - 1, "wait"],
    [24 * hour, "move"],
  ])("%i ms after the question it answers %s: expiry is a state of its own", async (ms, kind) => {
    const outcome = await approval(anIssueAt("awaiting_approval"), aWorld({ at: later(ms), repository: onMain }));
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === "move")
      expect(outcome).toMatchObject({ to: "failed", evidence: [{ kind: "approval_ended", state: "expired" }] });
  });

  it("voids the question when main moved, and builds the fix anew", async () => {
    const world = aWorld({ repository: { head: async () => aSha("9") } });
    expect(await approval(anIssueAt("awaiting_approval"), world)).toMatchObject({
      kind: "move",
      to: "testing",
      evidence: [{ kind: "approval_ended", state: "void" }],
    });
  });

  it("voids the question when the rules changed", async () => {
    const world = aWorld({ repository: onMain, settings: { autonomyLevel: 2 } });
    expect(await approval(anIssueAt("awaiting_approval"), world)).toMatchObject({ kind: "move", to: "testing" });
  });

  it("voids the question when the candidate is not the one that was asked about", async () => {
    const asked = anApproval({ candidate: { ...aCandidate, diffHash: "0".repeat(64) } });
    const issue = anIssueAt("awaiting_approval", { approval: asked });
    expect(await approval(issue, aWorld({ repository: onMain, settings: someSettings() }))).toMatchObject({
      kind: "move",
      to: "testing",
    });
  });
});
