import { describe, expect, it } from "vitest";
import type { HealthCheck } from "#domain/evidence.ts";
import { rollback } from "#pipeline/9-rollback.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import { anIssueAt, aSha, candidateCommit, previousCommit } from "#tests/support/builders.ts";
import { aWorld } from "#tests/support/world.ts";

const revertCommit = aSha("d");
const healthy: HealthCheck = {
  outcome: "healthy",
  because: "200",
  servedCommit: previousCommit,
  httpStatus: 200,
  latencyMs: 9,
};

const takenBack = { kind: "deployment", deployment: expect.objectContaining({ state: "taken_back" }) };

function parts(repository: Partial<Repository> = {}, platform: Partial<Platform> = {}) {
  const calls: string[] = [];
  return {
    calls,
    repository: {
      head: async () => candidateCommit,
      contains: async () => true,
      revert: async () => ({ kind: "reverted" as const, commit: revertCommit, tree: aSha("1") }),
      advance: async (branch: string, { from, to }: { from: string; to: string }) => {
        calls.push(`advance ${branch} ${from[0]}→${to[0]}`);
        return { kind: "advanced" as const };
      },
      ...repository,
    },
    platform: {
      serving: async () => ({ kind: "serving" as const, commit: candidateCommit, url: "u" }),
      restore: async (_: string, commit: string) => {
        calls.push(`restore ${commit[0]}`);
        return "restored" as const;
      },
      checkHealth: async (_: string, expected: string | null) => {
        calls.push(`check ${expected?.[0]}`);
        return healthy;
      },
      ...platform,
    },
  };
}

describe("rollback", () => {
  it("first lets the previous version serve, then takes the fix back in Git, then proves it twice", async () => {
    const { calls, ...given } = parts();
    const outcome = await rollback(anIssueAt("rolling_back"), aWorld(given));
    expect(calls).toEqual(["restore a", "advance main c→d", "check a", "check a"]);
    expect(outcome).toEqual({
      kind: "move",
      to: "failed",
      because: "errors rose 80 % (limit 50 %). Rolled back: aaaaaaaa serves",
      evidence: [takenBack],
    });
  });

  it("does not revert its own revert after a crash", async () => {
    const { calls, ...given } = parts({ revert: async () => ({ kind: "already" }) });
    expect(await rollback(anIssueAt("rolling_back"), aWorld(given))).toMatchObject({ kind: "move", to: "failed" });
    expect(calls).toEqual(["restore a", "check a", "check a"]);
  });

  it("keeps the platform's rollback, stops the agent and calls a person when the revert conflicts", async () => {
    const { calls, ...given } = parts({ revert: async () => ({ kind: "conflict", files: ["src/launch.ts"] }) });
    const outcome = await rollback(anIssueAt("rolling_back"), aWorld(given));
    expect(outcome).toMatchObject({ kind: "move", to: "failed", evidence: [{ kind: "freeze" }, takenBack] });
    expect(calls).toEqual(["restore a"]);
  });

  it("deploys the revert where the platform cannot jump back", async () => {
    const { calls, ...given } = parts(
      {},
      {
        restore: async () => "unsupported",
        ensureDeployed: async () => ({ kind: "ready", providerId: "r", url: "u" }),
      },
    );
    await rollback(anIssueAt("rolling_back"), aWorld(given));
    expect(calls).toEqual(["advance main c→d", "check d", "check d"]);
  });

  describe("where the platform holds pushed releases back after its rollback", () => {
    const held = (platform: Partial<Platform>) => parts({}, { restore: async () => "held", ...platform });

    it("deploys the reverted main, proves it, and only then ends", async () => {
      const waiting = held({
        ensureDeployed: async () => ({
          kind: "pending",
          providerId: "r",
          lookAgainMs: 500,
          because: "it is being built",
        }),
      });
      expect(await rollback(anIssueAt("rolling_back"), aWorld(waiting))).toMatchObject({
        kind: "wait",
        because: "it is being built",
      });
      expect(waiting.calls).toEqual(["advance main c→d", "check a", "check a"]);
      const { calls, ...ready } = held({ ensureDeployed: async () => ({ kind: "ready", providerId: "r", url: "u" }) });
      expect(await rollback(anIssueAt("rolling_back"), aWorld(ready))).toMatchObject({
        kind: "move",
        because: "errors rose 80 % (limit 50 %). Rolled back: dddddddd serves",
      });
      expect(calls).toEqual(["advance main c→d", "check a", "check a", "check d", "check d"]);
    });

    it("stays on the previous version and says so when the reverted main cannot be deployed", async () => {
      const { calls: _, ...given } = held({
        ensureDeployed: async () => ({ kind: "failed", why: "the build failed", log: "" }),
      });
      expect(await rollback(anIssueAt("rolling_back"), aWorld(given))).toMatchObject({
        kind: "move",
        to: "failed",
        because: expect.stringMatching(
          /Rolled back: aaaaaaaa serves, and .* until a person deploys it: the build failed$/,
        ),
        evidence: [takenBack],
      });
    });
  });

  it("never jumps back over something newer that serves: the fix is reverted on top of it", async () => {
    const { calls, ...given } = parts(
      { head: async () => aSha("9") },
      {
        serving: async () => ({ kind: "serving", commit: aSha("9"), url: "u" }),
        ensureDeployed: async () => ({ kind: "ready", providerId: "r", url: "u" }),
      },
    );
    await rollback(anIssueAt("rolling_back"), aWorld(given));
    expect(calls).toEqual(["advance main 9→d", "check d", "check d"]);
  });

  it.each([
    [1, "throws"],
    [2, "throws"],
    [3, "freezes"],
  ])("at try %i it %s when the previous version does not become healthy", async (attempts, answer) => {
    const { calls: _, ...given } = parts(
      {},
      { checkHealth: async () => ({ ...healthy, outcome: "unhealthy", because: "500" }) },
    );
    const run = rollback(anIssueAt("rolling_back", { attempts }), aWorld(given));
    if (answer === "throws") await expect(run).rejects.toMatchObject({ code: "unavailable" });
    else expect(await run).toMatchObject({ kind: "move", to: "failed", evidence: [{ kind: "freeze" }] });
  });

  it("stops the agent at the second rollback within a day", async () => {
    const { calls: _, ...given } = parts();
    const outcome = await rollback(
      anIssueAt("rolling_back"),
      aWorld({ ...given, read: { rollbacksSince: async () => 1 } }),
    );
    expect(outcome).toMatchObject({
      evidence: [{ kind: "freeze", because: "2 rollbacks in 24 hours (limit 2)" }, takenBack],
    });
  });

  it("tries again from the newest main when someone pushes at the same moment", async () => {
    let pushes = 0;
    const { calls: _, ...given } = parts({
      advance: async () => (++pushes === 1 ? { kind: "moved", head: aSha("9") } : { kind: "advanced" }),
    });
    expect(await rollback(anIssueAt("rolling_back"), aWorld(given))).toMatchObject({ kind: "move", to: "failed" });
    expect(pushes).toBe(2);
  });
});
