import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment, Sha } from "#domain/ids.ts";
import type { DeploymentState, Platform } from "#ports/platform.ts";

export interface PlatformUnderTest {
  platform: Platform;
  commits: {
    good: Sha;
    better: Sha;
    /** Ends with an error when it is started or built. */
    broken: Sha;
    /** Exists, and was never deployed. */
    unused: Sha;
  };
  /** What a stage does before it asks: the commit becomes the head of the environment's branch. */
  push(environment: Environment, commit: Sha): Promise<void>;
  /** Whether anybody tells the platform that a build failed. Where nobody does, it stays pending. */
  hearsOfFailures: boolean;
  /** How many times a deployment of the commit was begun, as the far side counts. */
  deployments(environment: Environment, commit: Sha): Promise<number>;
  close(): Promise<void>;
}

const looksMax = 400;

/** Asks until the deployment is ready or failed, as often as the platform says. */
export async function settled(platform: Platform, environment: Environment, commit: Sha): Promise<DeploymentState> {
  for (let looks = 0; looks < looksMax; looks++) {
    const state = await platform.ensureDeployed(environment, commit);
    if (state.kind !== "pending") return state;
    await sleep(Math.min(state.lookAgainMs, 50));
  }
  throw new Error(`${environment} is still pending after ${looksMax} looks`);
}

async function deployed(under: PlatformUnderTest, environment: Environment, commit: Sha): Promise<DeploymentState> {
  await under.push(environment, commit);
  return settled(under.platform, environment, commit);
}

/** What every platform promises (src/ports/platform.ts). */
export function platformContract(name: string, create: () => Promise<PlatformUnderTest>): void {
  describe(`${name} keeps the promises of a platform`, () => {
    let under: PlatformUnderTest;
    beforeEach(async () => {
      under = await create();
    });
    afterEach(() => under.close());

    it("serves nothing it knows of before the first deployment", async () => {
      expect(await under.platform.serving("staging")).toEqual({ kind: "unknown", why: expect.any(String) });
      expect(await under.platform.checkHealth("staging", null)).toMatchObject({ outcome: "unhealthy" });
    });

    it("brings a commit to one environment and says so itself", async () => {
      const { platform, commits } = under;
      const state = await deployed(under, "staging", commits.good);
      expect(state).toEqual({ kind: "ready", providerId: expect.any(String), url: expect.stringMatching(/^https?:/) });
      expect(await platform.serving("staging")).toEqual({
        kind: "serving",
        commit: commits.good,
        url: expect.stringMatching(/^https?:/),
      });
      expect(await platform.serving("production")).toMatchObject({ kind: "unknown" });
    });

    it("answers alike and begins nothing new when it is asked twice", async () => {
      const { platform, commits } = under;
      const first = await deployed(under, "staging", commits.good);
      expect(await platform.ensureDeployed("staging", commits.good)).toEqual(first);
      expect(await under.deployments("staging", commits.good)).toBe(1);
    });

    it("begins one deployment when several ask at the same time", async () => {
      const { platform, commits } = under;
      await under.push("production", commits.good);
      const asked = Array.from({ length: 4 }, () => settled(platform, "production", commits.good));
      const states = await Promise.all(asked);
      expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(1);
      expect(states[0]).toMatchObject({ kind: "ready" });
      expect(await under.deployments("production", commits.good)).toBe(1);
    });

    it("judges health by the release that is expected", async () => {
      const { platform, commits } = under;
      await deployed(under, "production", commits.good);
      expect(await platform.checkHealth("production", commits.good)).toMatchObject({
        outcome: "healthy",
        servedCommit: commits.good,
        httpStatus: 200,
      });
      expect(await platform.checkHealth("production", commits.better)).toMatchObject({
        outcome: "unhealthy",
        because: `serves ${commits.good.slice(0, 8)}, expected ${commits.better.slice(0, 8)}`,
      });
    });

    it("leaves what serves alone when a release fails", async () => {
      const { platform, commits } = under;
      await deployed(under, "production", commits.good);
      await under.push("production", commits.broken);
      if (under.hearsOfFailures) {
        expect(await settled(platform, "production", commits.broken)).toEqual({
          kind: "failed",
          why: expect.stringMatching(/./),
          log: expect.any(String),
        });
      } else {
        expect(await platform.ensureDeployed("production", commits.broken)).toMatchObject({
          kind: "pending",
          because: expect.stringMatching(/./),
        });
      }
      expect(await platform.serving("production")).toMatchObject({ kind: "serving", commit: commits.good });
    });

    it("returns to the previous release, or says that it cannot", async () => {
      const { platform, commits } = under;
      await deployed(under, "production", commits.good);
      await deployed(under, "production", commits.better);
      const answer = await platform.restore("production", commits.good);
      const commit = answer === "unsupported" ? commits.better : commits.good;
      expect(await platform.serving("production")).toMatchObject({ kind: "serving", commit });
      expect(await platform.restore("production", commits.good)).toBe(answer);
    });

    it("changes nothing when asked to return to what was never there", async () => {
      const { platform, commits } = under;
      await deployed(under, "production", commits.good);
      expect(await platform.restore("production", commits.unused)).toBe("unsupported");
      expect(await platform.serving("production")).toMatchObject({ kind: "serving", commit: commits.good });
    });
  });
}
