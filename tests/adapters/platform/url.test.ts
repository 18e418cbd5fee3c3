import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createEnvironmentProbes } from "#adapters/platform/environment-probe.ts";
import { createUrlPlatform } from "#adapters/platform/url.ts";
import { type Environment, Sha } from "#domain/ids.ts";
import { platformContract } from "#tests/ports/platform.contract.ts";
import { nobody, serve } from "./servers.ts";

const commit = (digits: string) => Sha.parse(digits.repeat(10));
const commits = { good: commit("aaa1"), better: commit("bbb2"), unused: commit("ccc3"), broken: commit("ddd4") };
const probes = createEnvironmentProbes({ controlUrl: null, timeoutMs: 2_000 });

/** A host with a Git integration of its own: what is pushed serves a moment later, unless its build fails. */
async function aHost() {
  const serving: Partial<Record<Environment, Sha>> = {};
  const switched: string[] = [];
  const listen = async (environment: Environment) => {
    const server = createServer((_, response) => {
      const release = serving[environment];
      response.writeHead(release === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify({ status: "ok", release }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return server;
  };
  const servers = { staging: await listen("staging"), production: await listen("production") };
  const address = (environment: Environment) =>
    `http://127.0.0.1:${(servers[environment].address() as AddressInfo).port}`;
  return {
    urls: { staging: address("staging"), production: address("production") },
    switched,
    push: async (environment: Environment, pushed: Sha) => {
      setTimeout(() => {
        if (pushed === commits.broken) return;
        serving[environment] = pushed;
        switched.push(`${environment} ${pushed}`);
      }, 20);
    },
    close: async () => {
      for (const server of Object.values(servers)) await new Promise((done) => server.close(done));
    },
  };
}

platformContract("url", async () => {
  const host = await aHost();
  return {
    platform: createUrlPlatform({ urls: host.urls, healthPath: "/api/health", probes }),
    commits,
    push: host.push,
    hearsOfFailures: false,
    deployments: async (environment, pushed) =>
      host.switched.filter((one) => one === `${environment} ${pushed}`).length,
    close: host.close,
  };
});

describe("a host that deploys by itself", () => {
  const at = (production: string) =>
    createUrlPlatform({ urls: { staging: production, production }, healthPath: "/health", probes });

  it("is pending with the reason for as long as it serves something else, however sick that is", async () => {
    const other = await serve((_, response) => response.end(JSON.stringify({ status: "ok", release: commits.better })));
    expect(await at(other).ensureDeployed("production", commits.good)).toEqual({
      kind: "pending",
      providerId: `production-${commits.good}`,
      lookAgainMs: 10_000,
      because: "the host has not brought aaa1aaa1 to production yet: serves bbb2bbb2, expected aaa1aaa1",
    });
    expect(await at(await nobody()).ensureDeployed("production", commits.good)).toMatchObject({
      kind: "pending",
      because: expect.stringContaining("it refuses connections"),
    });
  });

  it("is there when it reports the commit; that it is sick is for the watch to say", async () => {
    const sick = await serve((_, response) => {
      response.statusCode = 503;
      response.end(JSON.stringify({ status: "down", release: commits.good }));
    });
    expect(await at(sick).ensureDeployed("production", commits.good)).toMatchObject({ kind: "ready", url: sick });
    expect(await at(sick).checkHealth("production", commits.good)).toMatchObject({ outcome: "unhealthy" });
  });

  it("does not know what serves where no release is reported, or only its first digits", async () => {
    const mute = await serve((_, response) => response.end('{"status":"ok"}'));
    expect(await at(mute).serving("production")).toEqual({ kind: "unknown", why: "status 200" });
    const brief = await serve((_, response) => response.end('{"status":"ok","release":"aaa1aaa"}'));
    expect(await at(brief).serving("production")).toEqual({ kind: "unknown", why: "it reports no full commit id" });
  });
});

describe("which hosts are asked", () => {
  it("asks a private host where the operator wrote it outright, and follows it nowhere else", async () => {
    const secrets = await serve((_, response) => response.end("secret"));
    const server = await serve((request, response) => {
      if (request.url !== "/away") return response.end('{"status":"ok"}');
      response.writeHead(302, { location: secrets });
      response.end();
    });
    const probe = probes.at({ url: server, from: "operator" });
    expect(await probe(`${server}/`, null)).toMatchObject({ outcome: "healthy" });
    expect(await probe(`${server}/away`, null)).toMatchObject({
      outcome: "unhealthy",
      because: expect.stringContaining("redirects to another host"),
    });
  });

  it("asks no private host that a provider named, and no name that turns out to be private", async () => {
    const server = await serve((_, response) => response.end('{"status":"ok"}'));
    const named = await probes.at({ url: server, from: "provider" })(`${server}/`, null);
    expect(named).toMatchObject({ outcome: "unhealthy", because: "only https addresses are asked" });
    const privateName = "https://localhost.localdomain";
    const resolved = await probes.at({ url: privateName, from: "operator" })(`${privateName}/`, null);
    expect(resolved.outcome).toBe("unhealthy");
  });

  it.each([
    "https://169.254.169.254",
    "http://169.254.169.254",
    "https://[fd00:ec2::254]",
    "https://[::ffff:169.254.169.254]",
    "https://100.100.100.200",
    "https://0.0.0.0",
  ])("never asks %s, whoever wrote it", async (url) => {
    const check = await probes.at({ url, from: "operator" })(`${url}/latest/meta-data`, null);
    expect(check).toMatchObject({ outcome: "unhealthy", because: expect.stringMatching(/private address|only https/) });
  });

  it("sends its headers to the asked host and to no other", async () => {
    const seen: unknown[] = [];
    const control = await serve((request, response) => {
      seen.push(request.headers["x-vercel-protection-bypass"]);
      response.end();
    });
    const headers = { "x-vercel-protection-bypass": "secret" };
    const withHeaders = createEnvironmentProbes({ controlUrl: control, headers, timeoutMs: 2_000 });
    const server = await serve((request, response) => {
      seen.push(request.headers["x-vercel-protection-bypass"]);
      response.end('{"status":"ok"}');
    });
    await withHeaders.at({ url: server, from: "operator" })(`${server}/`, null);
    const silent = await nobody();
    await withHeaders.at({ url: silent, from: "operator" })(`${silent}/`, null);
    expect(seen).toEqual(["secret", undefined]);
  });
});
