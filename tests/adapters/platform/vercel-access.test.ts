import { createServer } from "node:http";
import { createEmulator } from "emulate";
import { describe, expect, it, onTestFinished } from "vitest";
import { createVercelClient } from "#adapters/platform/vercel/client.ts";
import { BuildEvents, DeploymentList, Project } from "#adapters/platform/vercel/shapes.ts";
import type { VercelPlatformOptions } from "#adapters/platform/vercel.ts";
import { aVercel, commits, platformOver } from "./a-vercel-platform.ts";
import { nobody, serve } from "./servers.ts";

describe("access to Vercel", () => {
  it.each([
    ["a wrong token", { token: "wrong-token-1234" }, "misconfigured", "VERCEL_TOKEN"],
    ["another team", { teamId: "team_other" }, "forbidden", "VERCEL_TEAM_ID"],
    ["no team although the project has one", { teamId: null }, "misconfigured", "prj_"],
    ["a project that is not there", { projectId: "prj_none" }, "misconfigured", "prj_none"],
  ] satisfies [string, Partial<VercelPlatformOptions>, string, string][])(
    "%s: says which variable is wrong, and never the token",
    async (_, wrong, code, named) => {
      const { vercel } = await aVercel();
      const platform = platformOver(vercel, wrong);
      const failure: unknown = await platform.ensureDeployed("staging", commits.good).catch((error) => error);
      expect(failure).toMatchObject({
        code,
        message: expect.stringContaining(named),
        hint: expect.stringMatching(/./),
      });
      expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toMatch(
        new RegExp(`${vercel.token}|wrong-token`),
      );
    },
  );

  it("names the team in every call, and none for a personal account", async () => {
    for (const teamId of [undefined, null]) {
      const { vercel, platform } = await aVercel(teamId === null ? { teamId } : {});
      vercel.pushed("main", commits.good);
      await platform.ensureDeployed("production", commits.good);
      expect(vercel.calls.length).toBeGreaterThan(0);
      expect(new Set(vercel.calls.map((call) => call.teamId))).toEqual(new Set([vercel.teamId]));
    }
  });

  it.each([
    ["no JSON", "<html>gateway</html>"],
    ["JSON of another kind", '{"deployments":"many"}'],
    ["nothing", ""],
    ["nonsense inside", '{"deployments":[{"uid":7}]}'],
  ])("takes %s for an outage, not for an empty list", async (_, body) => {
    const { vercel, platform } = await aVercel({}, { patienceMs: 0 });
    vercel.fault({ status: 200, times: 9, body });
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
      kind: "pending",
      because: expect.stringContaining("not understood"),
    });
    await expect(platform.restore("production", commits.good)).rejects.toMatchObject({ code: "unavailable" });
  });

  it("gives up on an API that never answers, never ends, or is not there", async () => {
    const endless = await serve((_, response) => {
      const timer = setInterval(() => response.write("x".repeat(1_000_000)), 1);
      response.on("close", () => clearInterval(timer));
    });
    const mute = await serve(() => {});
    const { vercel } = await aVercel();
    for (const apiUrl of [endless, mute, await nobody()]) {
      const platform = platformOver(vercel, { apiUrl, patienceMs: 0, timeoutMs: 2_000 });
      expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({
        kind: "pending",
        because: expect.stringMatching(/does not answer|not understood/),
      });
    }
  });

  it("carries the token to no other address", async () => {
    const seen: unknown[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end("{}");
    });
    await new Promise<void>((done) => elsewhere.listen(0, "127.0.0.1", done));
    onTestFinished(() => void elsewhere.close());
    const { vercel, platform } = await aVercel({}, { patienceMs: 0 });
    const address = elsewhere.address();
    const port = typeof address === "object" ? address?.port : 0;
    vercel.fault({ status: 307, times: 9, headers: { location: `http://127.0.0.1:${port}/` } });
    expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({ kind: "pending" });
    expect(seen).toEqual([]);
  });

  it("waits as long as it is asked to before it repeats a call", async () => {
    const { vercel } = await aVercel();
    const client = createVercelClient(vercel);
    vercel.fault({ status: 429, times: 1 });
    vercel.fault({ status: 503, times: 1, headers: { "retry-after": "1" } });
    const startedMs = performance.now();
    const { value } = await client.get(`/v9/projects/${vercel.projectId}`, {}, Project);
    expect(value.id).toBe(vercel.projectId);
    expect(performance.now() - startedMs).toBeGreaterThan(900);
    expect(vercel.calls).toHaveLength(3);
  });

  it("understands the answers of emulate, which knows the plain calls", async () => {
    const seed = { tokens: { known: { login: "admin" } } };
    const emulate = await createEmulator({ service: "vercel", port: 0, seed });
    onTestFinished(() => emulate.close());
    const client = createVercelClient({ token: "known", projectId: "shop", teamId: null, apiUrl: emulate.url });
    const headers = { authorization: "Bearer known", "content-type": "application/json" };
    const meta = { githubCommitSha: commits.good, githubCommitRef: "main" };
    const body = JSON.stringify({ name: "shop", target: "production", meta });
    await fetch(`${emulate.url}/v13/deployments`, { method: "POST", headers, body });
    const { value } = await client.get("/v7/deployments", { sha: commits.good }, DeploymentList);
    expect(value.deployments).toMatchObject([{ readyState: "READY", target: "production", meta }]);
    const [deployment] = value.deployments;
    const project = await client.get("/v9/projects/shop", {}, Project);
    expect(project.value.targets?.production?.id).toBe(deployment?.uid);
    const events = await client.get(`/v3/deployments/${deployment?.uid}/events`, {}, BuildEvents);
    expect(events.value.map((event) => event.payload?.text)).toContain("Building");
    expect(await client.change("PATCH", `/v12/deployments/${deployment?.uid}/cancel`)).toMatchObject({
      kind: "refused",
      status: 400,
    });
    const stranger = createVercelClient({ token: "unknown", projectId: "shop", teamId: null, apiUrl: emulate.url });
    await expect(stranger.get("/v9/projects/none", {}, Project)).rejects.toMatchObject({ code: "misconfigured" });
  });
});
