import { describe, expect, it } from "vitest";
import { createEnvironmentProbes } from "#adapters/platform/environment-probe.ts";
import { platformContract, settled } from "#tests/ports/platform.contract.ts";
import { startVercel } from "#tests/support/vercel/vercel.ts";
import { aVercel, commits, platformOver } from "./a-vercel-platform.ts";
import { nobody } from "./servers.ts";

const patience = { timeout: 20_000 };

platformContract("vercel", async () => {
  const vercel = await startVercel({
    builds: (commit) => (commit === commits.broken ? { kind: "error", log: ["no such module"] } : { kind: "ready" }),
  });
  return {
    platform: platformOver(vercel),
    commits,
    push: async (environment, commit) => {
      vercel.pushed(environment === "production" ? "main" : "staging", commit);
    },
    hearsOfFailures: true,
    deployments: async (environment, commit) =>
      vercel
        .deployments()
        .filter((one) => one.commit === commit && (one.target === "production") === (environment === "production"))
        .length,
    close: () => vercel.close(),
  };
});

describe("a deployment at Vercel", () => {
  it("is found by its commit, on the branch of the environment and on no other", async () => {
    const { vercel, platform } = await aVercel();
    vercel.pushed("fix/other-branch", commits.good);
    await expect.poll(() => vercel.deployments()[0]?.readyState, patience).toBe("READY");
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({ kind: "pending" });
    vercel.pushed("staging", commits.good);
    expect(await settled(platform, "staging", commits.good)).toEqual({
      kind: "ready",
      providerId: vercel.deployments()[1]?.id,
      url: vercel.urls.staging,
    });
  });

  it("is reached at the addresses that Vercel names where the operator wrote none", async () => {
    const { vercel, platform } = await aVercel({}, { urls: { staging: null, production: null } });
    expect(await platform.serving("staging")).toMatchObject({
      kind: "unknown",
      why: "Vercel names no address of staging",
    });
    vercel.pushed("staging", commits.good);
    vercel.pushed("main", commits.better);
    const staging = await settled(platform, "staging", commits.good);
    expect(staging).toMatchObject({ kind: "ready", url: `http://${vercel.deployments()[0]?.address}` });
    expect(await settled(platform, "production", commits.better)).toMatchObject({ url: vercel.urls.production });
    expect(await platform.serving("staging")).toMatchObject({ commit: commits.good });
  });

  it("failed with the end of its build log: plain, bounded, without known secrets", async () => {
    const log = [
      "first",
      ..."x"
        .repeat(300)
        .split("")
        .map((_, line) => `line ${line} ${"y".repeat(60)}`),
    ];
    const last = "\u001b[31mError: no database at very-secret\u001b[0m";
    const { vercel, platform } = await aVercel(
      { builds: () => ({ kind: "error", message: 'Command "npm run build" exited with 1', log: [...log, last] }) },
      { redact: (text) => text.replaceAll("very-secret", "[secret]") },
    );
    vercel.pushed("staging", commits.good);
    const state = await settled(platform, "staging", commits.good);
    if (state.kind !== "failed") throw new Error(state.kind);
    expect(state.why).toBe('Command "npm run build" exited with 1');
    expect(state.log.split("\n").at(-1)).toBe("Error: no database at [secret]");
    expect(state.log.length).toBeLessThanOrEqual(8 * 1024);
    expect(state.log).not.toContain("first");
  });

  it("failed, log or no log", async () => {
    const { vercel, platform } = await aVercel({ builds: () => ({ kind: "error" }) }, { patienceMs: 0 });
    vercel.pushed("staging", commits.good);
    await settled(platform, "staging", commits.good);
    vercel.fault({ status: 500, times: 10, path: "/events" });
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({ kind: "failed", log: "" });
  });

  it("failed with Vercel's reason when Vercel blocks it", async () => {
    const { vercel, platform } = await aVercel({ builds: () => ({ kind: "blocked" }) });
    vercel.pushed("staging", commits.good);
    expect(await settled(platform, "staging", commits.good)).toMatchObject({
      kind: "failed",
      why: "Vercel blocks the deployment: The commit author is not a member of the team.",
    });
  });

  it("is pending while it builds, and ended once it takes so long that nobody would watch it go live", async () => {
    const { vercel, platform } = await aVercel({ builds: () => ({ kind: "hangs", log: ["waiting for a lock"] }) });
    const hanging = vercel.pushed("main", commits.good);
    await expect.poll(() => hanging?.readyState, patience).toBe("BUILDING");
    expect(await platform.ensureDeployed("production", commits.good)).toEqual({
      kind: "pending",
      providerId: hanging?.id,
      lookAgainMs: 5_000,
    });
    if (hanging !== undefined) hanging.createdAt -= 20 * 60_000;
    expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({
      kind: "failed",
      why: "the build took longer than 19 minutes and was cancelled",
      log: expect.stringContaining("waiting for a lock"),
    });
    expect(hanging?.readyState).toBe("CANCELED");
  });

  it("failed as well when it took too long and the token may not cancel it", async () => {
    const { vercel, platform } = await aVercel({ readOnlyToken: true, builds: () => ({ kind: "hangs" }) });
    const hanging = vercel.pushed("staging", commits.good);
    if (hanging !== undefined) hanging.createdAt -= 20 * 60_000;
    await expect.poll(() => hanging?.readyState, patience).toBe("BUILDING");
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "failed",
      why: "the build took longer than 19 minutes and could not be cancelled: it may still go live",
    });
  });

  it("failed when a person cancelled it", async () => {
    const { vercel, platform } = await aVercel({ builds: () => ({ kind: "hangs" }) });
    const deployment = vercel.pushed("staging", commits.good);
    vercel.cancel(deployment?.id ?? "");
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "failed",
      why: "the deployment of aaa1aaa1 was cancelled: The deployment was canceled.",
    });
  });

  it("is pending when a newer push superseded it, and ready once it was pushed again", async () => {
    const { vercel, platform } = await aVercel({
      builds: (commit) => ({ kind: commit === commits.better ? "hangs" : "ready", afterMs: 40 }),
    });
    vercel.pushed("staging", commits.good);
    vercel.pushed("staging", commits.better);
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "pending",
      because: "aaa1aaa1 was superseded by bbb2bbb2 on staging",
    });
    vercel.pushed("staging", commits.good);
    expect(await settled(platform, "staging", commits.good)).toMatchObject({ kind: "ready" });
  });

  it("made twice for one commit is adopted, not doubled: whichever serves counts, else the newest", async () => {
    let builds = 0;
    const { vercel, platform } = await aVercel({ builds: () => ({ kind: builds++ === 0 ? "ready" : "hangs" }) });
    const first = vercel.pushed("staging", commits.good);
    await settled(platform, "staging", commits.good);
    const second = vercel.pushed("staging", commits.good);
    await expect.poll(() => second?.readyState, patience).toBe("BUILDING");
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "ready",
      providerId: first?.id,
    });
    vercel.remove(first?.id ?? "");
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "pending",
      providerId: second?.id,
    });
    expect(vercel.deployments()).toHaveLength(1);
  });

  it("is pending when somebody's release took its place on staging", async () => {
    const { vercel, platform } = await aVercel();
    vercel.pushed("staging", commits.good);
    await settled(platform, "staging", commits.good);
    vercel.pushed("staging", commits.better);
    await settled(platform, "staging", commits.better);
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "pending",
      because: "aaa1aaa1 was superseded by bbb2bbb2 on staging",
    });
  });

  it("counts for nothing while the release reports another commit, and failed after two minutes of that", async () => {
    for (const clockSkewMs of [0, 300_000, -300_000]) {
      const { vercel, platform } = await aVercel({
        clockSkewMs,
        builds: () => ({ kind: "ready", serves: commits.better }),
      });
      const lying = vercel.pushed("staging", commits.good);
      await expect.poll(() => lying?.readyState, patience).toBe("READY");
      expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
        kind: "pending",
        because: "Vercel is ready; staging: serves bbb2bbb2, expected aaa1aaa1",
      });
      if (lying !== undefined) lying.readyAt = (lying.readyAt ?? 0) - 125_000;
      expect(await platform.ensureDeployed("staging", commits.good)).toEqual({
        kind: "failed",
        why: `Vercel says that aaa1aaa1 is ready, but ${vercel.urls.staging}/api/health does not serve it after 120 s: serves bbb2bbb2, expected aaa1aaa1`,
        log: "",
      });
    }
  });

  it("is judged by nothing that nobody saw: our network is down, or Vercel cannot be asked for the address", async () => {
    const control = await nobody();
    const blind = createEnvironmentProbes({ controlUrl: control, timeoutMs: 2_000 });
    const gone = await nobody();
    const { vercel, platform } = await aVercel({}, { probes: blind, urls: { staging: gone, production: gone } });
    const deployment = vercel.pushed("staging", commits.good);
    await expect.poll(() => deployment?.readyState, patience).toBe("READY");
    if (deployment !== undefined) deployment.readyAt = (deployment.readyAt ?? 0) - 600_000;
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "pending",
      because: expect.stringContaining("our own network seems to be down"),
    });
    const unnamed = platformOver(vercel, { urls: { staging: null, production: null }, patienceMs: 0 });
    vercel.fault({ status: 503, times: 2 });
    expect(await unnamed.checkHealth("production", commits.good)).toMatchObject({ outcome: "no_data" });
    expect(await unnamed.serving("staging")).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("answers 503"),
    });
  });

  it("is missing with a reason: the Git integration is off, or Vercel has not heard of the push", async () => {
    const { vercel, platform } = await aVercel({ repository: "acme/shop" });
    expect(await platform.ensureDeployed("production", commits.good)).toEqual({
      kind: "pending",
      providerId: `commit-${commits.good}`,
      lookAgainMs: 5_000,
      because: "Vercel has no production deployment of aaa1aaa1; it deploys pushes of acme/shop, production from main",
    });
    vercel.disconnect();
    expect(vercel.pushed("main", commits.good)).toBeUndefined();
    expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({
      kind: "failed",
      why: expect.stringContaining("is connected to no Git repository"),
    });
  });

  it("behind Vercel's protection is asked with the secret, which goes to its own hosts alone", async () => {
    const { vercel, platform } = await aVercel({ protection: "all" });
    vercel.pushed("staging", commits.good);
    await expect.poll(() => vercel.deployments()[0]?.readyState, patience).toBe("READY");
    expect(await platform.checkHealth("staging", commits.good)).toMatchObject({
      outcome: "unhealthy",
      httpStatus: 401,
    });
    const headers = { "x-vercel-protection-bypass": vercel.bypassSecret };
    const probes = createEnvironmentProbes({ controlUrl: null, headers });
    const allowed = platformOver(vercel, { probes });
    expect(await settled(allowed, "staging", commits.good)).toMatchObject({ kind: "ready" });
    expect(vercel.visits.at(-1)).toMatchObject({ host: "branch staging", bypass: vercel.bypassSecret });
  });
});
