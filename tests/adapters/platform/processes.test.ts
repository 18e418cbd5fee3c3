import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment, Sha } from "#domain/ids.ts";
import { platformContract, settled } from "#tests/ports/platform.contract.ts";
import {
  aLocalPlatform,
  aLocalSetup,
  applications,
  commits,
  freePort,
  fronts,
  type LocalSetup,
  processesOf,
  source,
  tearDown,
} from "./local-platform.ts";

platformContract("processes", async () => {
  const setup = await aLocalSetup();
  const { platform } = aLocalPlatform(setup);
  return {
    platform,
    commits,
    // Nothing is pushed anywhere: releases come from the repository itself.
    push: async () => {},
    hearsOfFailures: true,
    deployments: async (environment, commit) =>
      applications(setup).filter((running) => running === `${environment} ${commit}`).length,
    close: () => tearDown(setup),
  };
});

describe("releases as local processes", () => {
  let setup: LocalSetup;
  beforeEach(async () => {
    setup = await aLocalSetup();
  });
  afterEach(() => tearDown(setup));

  const address = (environment: Environment, path: string) => `http://127.0.0.1:${setup.ports[environment]}${path}`;
  const get = async (path: string, environment: Environment = "production") =>
    (await fetch(address(environment, path))).text();

  it("gives the application its release, its address and its variables, and nothing else of ours", async () => {
    const { platform } = aLocalPlatform(setup, {
      environmentVariables: () => ({ REPORT_KEY: "key", RELEASE: "forged", PATH: "/forged" }),
    });
    await settled(platform, "staging", commits.good);
    const { PORT, PWD: _, OLDPWD: __, ...variables } = JSON.parse(await get("/environment", "staging"));
    const home = join(setup.directory, "staging", "runs", commits.good, "home");
    expect(PORT).toMatch(/^\d{5}$/);
    expect(variables).toEqual({
      RELEASE: commits.good,
      ENVIRONMENT: "staging",
      HOST: "127.0.0.1",
      REPORT_KEY: "key",
      NODE_ENV: "production",
      PATH: expect.stringMatching(/:\/usr\/local\/bin:\/usr\/bin:\/bin$/),
      HOME: home,
      TMPDIR: home,
      LANG: "C.UTF-8",
    });
  });

  it("keeps staging and production apart, each at its own port", async () => {
    const { platform } = aLocalPlatform(setup);
    await Promise.all([settled(platform, "staging", commits.better), settled(platform, "production", commits.good)]);
    expect([await get("/release", "staging"), await get("/release")]).toEqual([commits.better, commits.good]);
  });

  it("loses no request while one release takes over from another and gives back", async () => {
    const { platform } = aLocalPlatform(setup);
    await settled(platform, "production", commits.good);
    let isDone = false;
    const answers: string[] = [];
    const client = async () => {
      while (!isDone || answers.length < 240) {
        const body = `${answers.length}`.padEnd(20_000, "x");
        const response = await fetch(address("production", "/echo"), { method: "POST", body });
        answers.push((await response.text()) === body ? "echoed" : `${response.status}`);
        answers.push(await get("/release"));
      }
    };
    const slow = get("/slow");
    const clients = Promise.all([client(), client(), client(), client()]);
    await settled(platform, "production", commits.better);
    await platform.restore("production", commits.good);
    await settled(platform, "production", commits.best);
    isDone = true;
    await clients;
    expect(await slow).toBe(commits.good);
    expect(answers.length).toBeGreaterThan(200);
    // Which releases a client met is chance; that each answer came from one of them, whole, is the promise.
    const right: string[] = [commits.good, commits.better, commits.best, "echoed"];
    expect(answers.filter((answer) => !right.includes(answer))).toEqual([]);
    expect(await get("/release")).toBe(commits.best);
  });

  it("returns to the previous release by one write: no export, no new process", async () => {
    const exported: Sha[] = [];
    const counting = {
      export: (commit: Sha, directory: string) => {
        exported.push(commit);
        return source.export(commit, directory);
      },
    };
    const { platform } = aLocalPlatform(setup, { source: counting });
    await settled(platform, "production", commits.good);
    await settled(platform, "production", commits.better);
    const before = processesOf(setup.directory).map(({ pid }) => pid);
    expect(await platform.restore("production", commits.good)).toBe("restored");
    expect(await get("/release")).toBe(commits.good);
    expect(processesOf(setup.directory).map(({ pid }) => pid)).toEqual(before);
    expect(exported).toEqual([commits.good, commits.better]);
  });

  it("starts the previous release again from its checkout when its process died", async () => {
    const { platform } = aLocalPlatform(setup);
    await settled(platform, "production", commits.good);
    await get("/exit").catch(() => "gone");
    await settled(platform, "production", commits.better);
    expect(applications(setup)).toEqual([`production ${commits.better}`]);
    expect(await platform.restore("production", commits.good)).toBe("restored");
    expect(await get("/release")).toBe(commits.good);
  });

  it("starts a release again that died while it served, when its deployment is asked for", async () => {
    const { platform } = aLocalPlatform(setup);
    await settled(platform, "production", commits.good);
    expect(await get("/exit")).toContain("The release does not answer.");
    expect(await platform.checkHealth("production", commits.good)).toMatchObject({
      outcome: "unhealthy",
      httpStatus: 502,
    });
    expect(await settled(platform, "production", commits.good)).toMatchObject({ kind: "ready" });
    expect(applications(setup)).toEqual([`production ${commits.good}`]);
  });

  it("keeps the serving and the previous release, and ends older ones after the drain", async () => {
    const { platform } = aLocalPlatform(setup, { drainMs: 0 });
    await settled(platform, "production", commits.good);
    await settled(platform, "production", commits.better);
    await settled(platform, "production", commits.best);
    await expect
      .poll(() => applications(setup))
      .toEqual([`production ${commits.better}`, `production ${commits.best}`]);
  });

  it("ends a release that was taken back, after the drain", async () => {
    const { platform } = aLocalPlatform(setup, { drainMs: 0 });
    await settled(platform, "production", commits.good);
    await settled(platform, "production", commits.better);
    await platform.restore("production", commits.good);
    await expect.poll(() => applications(setup)).toEqual([`production ${commits.good}`]);
  });

  it("opens the public address again when its front died, and blames no release for it", async () => {
    const { platform } = aLocalPlatform(setup);
    await settled(platform, "production", commits.good);
    const [front = 0] = fronts(setup);
    process.kill(front, "SIGKILL");
    await expect.poll(() => fronts(setup), { timeout: 10_000 }).toEqual([]);
    expect(await platform.checkHealth("production", commits.good)).toMatchObject({ outcome: "healthy" });
    expect(fronts(setup)).toHaveLength(1);
  });

  it("bounds the log of a release that never stops talking", async () => {
    const { platform } = aLocalPlatform(setup);
    await settled(platform, "production", commits.good);
    await get("/shout");
    const log = join(setup.directory, "production", "runs", commits.good, "output.log");
    await expect.poll(() => statSync(log).size).toBeLessThan(1024 * 1024);
  });

  describe("a release that does not become ready", () => {
    it("failed with its exit code and the end of its log, without colours and secrets", async () => {
      const { platform } = aLocalPlatform(setup);
      expect(await settled(platform, "production", commits.broken)).toEqual({
        kind: "failed",
        why: "Release eee5eee5 ended with exit code 3 before it was ready.",
        log: "hello from production\nError: no database at [REPORT_KEY]",
      });
    });

    it.each([
      ["accepts requests and never answers", commits.hanging, "no answer within 0.2 s"],
      ["never listens", commits.deaf, "it refuses connections"],
      ["says that it is another release", commits.lying, "serves aaa1aaa1, expected 11181118"],
    ])("failed and is ended when it %s", async (_, commit, because) => {
      const { createHealthProbe } = await import("#adapters/platform/health-probe.ts");
      const probe = createHealthProbe({ timeoutMs: 200, controlUrl: null, allowPrivateHosts: true });
      const { platform } = aLocalPlatform(setup, { readyTimeoutMs: 600, probe });
      expect(await settled(platform, "staging", commit)).toEqual({
        kind: "failed",
        why: `Release ${commit.slice(0, 8)} never became ready within 0.6 s: ${because}`,
        log: "hello from staging",
      });
      expect(applications(setup)).toEqual([]);
    });

    it("is remembered for 30 s, by a restarted agent too, and tried again later", async () => {
      let nowMs = 1_000_000;
      const options = { now: () => new Date(nowMs) };
      const first = await settled(aLocalPlatform(setup, options).platform, "production", commits.broken);
      const { platform } = aLocalPlatform(setup, options);
      nowMs += 29_999;
      expect(await platform.ensureDeployed("production", commits.broken)).toEqual(first);
      nowMs += 1;
      expect(await platform.ensureDeployed("production", commits.broken)).toMatchObject({ kind: "pending" });
    });

    it("is ended when another commit is wanted before it became ready", async () => {
      const { platform } = aLocalPlatform(setup);
      await platform.ensureDeployed("staging", commits.deaf);
      await settled(platform, "staging", commits.good);
      expect(applications(setup)).toEqual([`staging ${commits.good}`]);
    });

    it("cannot be returned to either", async () => {
      const { platform } = aLocalPlatform(setup);
      await settled(platform, "production", commits.good);
      await settled(platform, "production", commits.broken);
      await expect(platform.restore("production", commits.broken)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("Release eee5eee5 could not be started again"),
      });
      expect(await get("/release")).toBe(commits.good);
    });
  });

  describe("a set-up that cannot work", () => {
    it("is refused with the port that another program uses, and leaves nothing running", async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(setup.ports.production, "127.0.0.1", resolve));
      const { platform } = aLocalPlatform(setup);
      await expect(platform.ensureDeployed("production", commits.good)).rejects.toMatchObject({
        code: "misconfigured",
        message: `Port ${setup.ports.production} of production is in use by another program.`,
      });
      await new Promise((resolve) => other.close(resolve));
      expect(processesOf(setup.directory)).toEqual([]);
    });

    it("is refused when staging and production share a port", async () => {
      const port = await freePort();
      const shared = { ...setup, ports: { staging: port, production: port } };
      expect(() => aLocalPlatform(shared)).toThrow(`Staging and production cannot share port ${port}.`);
    });

    it("is named when the record of the running releases is damaged", async () => {
      const { platform } = aLocalPlatform(setup);
      await settled(platform, "staging", commits.good);
      const record = join(setup.directory, "staging", "state.json");
      const intact = readFileSync(record);
      writeFileSync(record, '{"front":{"pid":1');
      await expect(platform.ensureDeployed("staging", commits.good)).rejects.toMatchObject({ code: "misconfigured" });
      writeFileSync(record, intact);
      expect(await platform.ensureDeployed("staging", commits.good)).toMatchObject({ kind: "ready" });
    });

    it("hears why the commit's files cannot be had, and can be repeated", async () => {
      let isBroken = true;
      const { platform } = aLocalPlatform(setup, {
        source: {
          async export(commit, directory) {
            await source.export(commit, directory);
            if (isBroken) throw new Error("the remote went away");
          },
        },
      });
      await expect(platform.ensureDeployed("staging", commits.good)).rejects.toThrow("the remote went away");
      isBroken = false;
      expect(await settled(platform, "staging", commits.good)).toMatchObject({ kind: "ready" });
    });
  });

  describe("stopping", () => {
    it("leaves no process, not even one that ignores the request to end or was left behind", async () => {
      const { platform, stop } = aLocalPlatform(setup);
      await settled(platform, "staging", commits.stubborn);
      await settled(platform, "production", commits.good);
      await settled(platform, "production", commits.better);
      await stop();
      expect(processesOf(setup.directory)).toEqual([]);
      await expect(platform.ensureDeployed("staging", commits.good)).rejects.toMatchObject({ code: "unavailable" });
    });

    it("touches no process that merely has the number of one of ours", async () => {
      const { platform, stop } = aLocalPlatform(setup);
      await settled(platform, "staging", commits.good);
      const record = join(setup.directory, "staging", "state.json");
      const state = JSON.parse(readFileSync(record, "utf8"));
      const reused = { ...state, previous: { ...state.serving, startedAs: `${state.serving.startedAs}0` } };
      writeFileSync(record, JSON.stringify({ ...reused, serving: null }));
      await stop();
      expect(applications(setup)).toEqual([`staging ${commits.good}`]);
      writeFileSync(record, JSON.stringify(state));
    });

    it("is not needed for the fronts when the whole folder is deleted", async () => {
      const { platform, stop } = aLocalPlatform(setup);
      await settled(platform, "staging", commits.good);
      const record = join(setup.directory, "staging", "state.json");
      const state = readFileSync(record);
      rmSync(record);
      await expect.poll(() => fronts(setup)).toEqual([]);
      writeFileSync(record, state);
      await stop();
      expect(processesOf(setup.directory)).toEqual([]);
    });
  });
});
