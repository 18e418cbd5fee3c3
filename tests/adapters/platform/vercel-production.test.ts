import { describe, expect, it } from "vitest";
import type { Sha } from "#domain/ids.ts";
import { settled } from "#tests/ports/platform.contract.ts";
import type { VercelServer } from "#tests/support/vercel/vercel.ts";
import { aVercel, commits } from "./a-vercel-platform.ts";

const patience = { timeout: 20_000 };
const served = async (vercel: VercelServer): Promise<string> =>
  JSON.parse(await (await fetch(vercel.urls.production)).text()).release;
const changes = (vercel: VercelServer) => vercel.calls.filter(({ call }) => !call.startsWith("GET"));

/** Pushes commits to main one after the other and waits until each of them serves. */
async function aHistory(vercel: VercelServer, ...history: Sha[]): Promise<void> {
  for (const commit of history) {
    vercel.pushed("main", commit);
    await expect.poll(() => served(vercel).catch(() => ""), patience).toBe(commit);
  }
}

describe("going back at Vercel", () => {
  it("is an instant rollback: no build, and nothing more when it is asked twice", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good, commits.better);
    expect(await platform.restore("production", commits.good)).toBe("held");
    expect(await served(vercel)).toBe(commits.good);
    expect(await platform.restore("production", commits.good)).toBe("held");
    expect(changes(vercel)).toHaveLength(1);
    expect(vercel.deployments()).toHaveLength(2);
  });

  it("is done once when two ask at the same time", async () => {
    const { vercel, platform } = await aVercel({ aliasMs: 300 });
    await aHistory(vercel, commits.good, commits.better);
    const both = [platform.restore("production", commits.good), platform.restore("production", commits.good)];
    expect(await Promise.all(both)).toEqual(["held", "held"]);
    expect(await served(vercel)).toBe(commits.good);
  });

  it("needs nothing where the release serves already, and holds nothing back then", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good);
    expect(await platform.restore("production", commits.good)).toBe("restored");
    expect(changes(vercel)).toEqual([]);
  });

  it("is finished by the next call when the answer to the first was lost", async () => {
    const { vercel, platform } = await aVercel({ aliasMs: 300 }, { patienceMs: 0 });
    await aHistory(vercel, commits.good, commits.better);
    vercel.fault({ status: 502, times: 1, path: "/rollback/", after: true });
    await expect(platform.restore("production", commits.good)).rejects.toMatchObject({ code: "unavailable" });
    expect(await platform.restore("production", commits.good)).toBe("held");
    expect(changes(vercel)).toHaveLength(1);
    expect(await served(vercel)).toBe(commits.good);
  });

  it("is unsupported where the deployment is gone, was never served, or the plan forbids it", async () => {
    const { vercel, platform } = await aVercel({ plan: "hobby" });
    await aHistory(vercel, commits.good, commits.better, commits.best);
    expect(await platform.restore("production", commits.good)).toBe("unsupported");
    expect(await platform.restore("production", commits.unused)).toBe("unsupported");
    expect(await platform.restore("staging", commits.good)).toBe("unsupported");
    vercel.remove(vercel.deployments()[1]?.id ?? "");
    expect(await platform.restore("production", commits.better)).toBe("unsupported");
    expect(await served(vercel)).toBe(commits.best);
  });

  it("names the domains that Vercel could not move", async () => {
    const { vercel, platform } = await aVercel({ aliasJobs: "failed" });
    await aHistory(vercel, commits.good, commits.better);
    await expect(platform.restore("production", commits.good)).rejects.toMatchObject({
      code: "unavailable",
      message: `Vercel could not move the production domains (${vercel.urls.production.slice("http://".length)}).`,
    });
  });

  it("says that the token may not, when it may only look", async () => {
    const { vercel, platform } = await aVercel({ readOnlyToken: true });
    await aHistory(vercel, commits.good, commits.better);
    await expect(platform.restore("production", commits.good)).rejects.toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("VERCEL_TOKEN"),
      hint: expect.stringContaining("role"),
    });
  });
});

describe("after going back", () => {
  it("promotes the next release, for Vercel holds new ones back, and so undoes the rollback", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good, commits.better);
    await platform.restore("production", commits.good);
    const next = vercel.pushed("main", commits.best);
    expect(await settled(platform, "production", commits.best)).toMatchObject({ kind: "ready", providerId: next?.id });
    expect(await served(vercel)).toBe(commits.best);
    expect(changes(vercel).map(({ call }) => call.split("/")[4])).toEqual(["rollback", "promote"]);
    // The rollback is over: what is pushed from now on goes live by itself.
    await aHistory(vercel, commits.unused);
  });

  it("brings back the very release that was taken away, when that is asked for", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good, commits.better);
    await platform.restore("production", commits.good);
    expect(await settled(platform, "production", commits.better)).toMatchObject({ kind: "ready" });
    expect(await served(vercel)).toBe(commits.better);
  });

  it("undoes no rollback that a person made", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good, commits.better);
    vercel.rollBack(vercel.deployments()[0]?.id ?? "");
    await expect.poll(() => served(vercel), patience).toBe(commits.good);
    vercel.pushed("main", commits.best);
    expect(await settled(platform, "production", commits.best)).toMatchObject({
      kind: "failed",
      why: expect.stringContaining("rolled back at Vercel by somebody"),
    });
    expect([await served(vercel), changes(vercel)]).toEqual([commits.good, []]);
  });

  it("undoes no rollback that a person made after one of its own had ended", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good, commits.better);
    await platform.restore("production", commits.good);
    vercel.age(600_000);
    vercel.promote(vercel.deployments()[1]?.id ?? "");
    await expect.poll(() => served(vercel), patience).toBe(commits.better);
    vercel.rollBack(vercel.deployments()[0]?.id ?? "");
    await expect.poll(() => served(vercel), patience).toBe(commits.good);
    vercel.pushed("main", commits.best);
    expect(await settled(platform, "production", commits.best)).toMatchObject({
      kind: "failed",
      why: expect.stringContaining("rolled back at Vercel by somebody"),
    });
    expect(await served(vercel)).toBe(commits.good);
  });

  it("reports a promotion that failed once, and tries it anew later", async () => {
    const { vercel, platform } = await aVercel({ aliasJobs: "failed", autoAssignDomains: false });
    const deployment = vercel.pushed("main", commits.good);
    expect(await settled(platform, "production", commits.good)).toMatchObject({
      kind: "failed",
      why: expect.stringContaining("could not move the production domains"),
    });
    expect(changes(vercel)).toHaveLength(1);
    vercel.age(61_000);
    expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({
      kind: "pending",
      providerId: deployment?.id,
      because: expect.stringContaining("being promoted"),
    });
    expect(changes(vercel)).toHaveLength(2);
  });
});

describe("a release for production", () => {
  it("is promoted where the project leaves that to people", async () => {
    const { vercel, platform } = await aVercel({ autoAssignDomains: false });
    vercel.pushed("main", commits.good);
    expect(await settled(platform, "production", commits.good)).toMatchObject({ kind: "ready" });
    expect(changes(vercel)).toHaveLength(1);
  });

  it("takes production from no newer release that somebody made", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good, commits.better);
    expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({
      kind: "failed",
      why: "Somebody deployed a newer release: aaa1aaa1 was superseded by bbb2bbb2 on main.",
    });
    expect([await served(vercel), changes(vercel)]).toEqual([commits.better, []]);
  });

  it("is pending, not lost, while Vercel's API fails or asks to wait", async () => {
    const { vercel, platform } = await aVercel({}, { patienceMs: 0 });
    await aHistory(vercel, commits.good);
    vercel.fault({ status: 503, times: 1 });
    vercel.fault({ status: 429, times: 1, headers: { "retry-after": "60" } });
    for (const why of ["answers 503", "asks to wait"]) {
      expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({
        kind: "pending",
        lookAgainMs: 30_000,
        because: expect.stringContaining(why),
      });
    }
    expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({ kind: "ready" });
  });

  it("survives a short storm of errors within one look", async () => {
    const { vercel, platform } = await aVercel();
    await aHistory(vercel, commits.good);
    vercel.fault({ status: 500, times: 2 });
    vercel.fault({ status: 429, times: 1, headers: { "retry-after": "1" } });
    expect(await platform.ensureDeployed("production", commits.good)).toMatchObject({ kind: "ready" });
  });
});
