import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createChecksTestBench } from "#adapters/test-bench/checks.ts";
import { Sha } from "#domain/ids.ts";
import type { TestBench } from "#ports/test-bench.ts";
import { aGitWorld, branchesOf, type GitWorld } from "#tests/support/git.ts";
import { startGithub, type TestGithub } from "#tests/support/github/server.ts";

let world: GitWorld;
let github: TestGithub;
let commit: Sha;
const clock = { ms: Date.parse("2026-11-23T10:00:00Z") };
const minuteMs = 60_000;
const limits = { appearWithinMs: 3 * minuteMs, endWithinMs: 60 * minuteMs, lookAgainMs: 7_000 };

beforeEach(async () => {
  world = await aGitWorld();
  github = await startGithub({ remote: world.remote });
  // A candidate: a commit that no branch points to.
  commit = Sha.parse(await world.person.commit("main", { "README.md": "Changed.\n" }));
});
afterEach(async () => {
  await github.stop();
  await world.dispose();
});

/** As each call of a function on Vercel has it: made anew, with nothing remembered. */
function bench(token = github.token): TestBench {
  return createChecksTestBench({
    ...{ owner: github.owner, name: github.name, apiUrl: github.url, branch: "main", limits },
    credentials: { kind: "token", token },
    pace: { writeEveryMs: 0, retryUnitMs: 1 },
    now: () => new Date(clock.ms),
  });
}

const run = () => bench().run(commit, "tests");
const checkBranches = async () => (await branchesOf(world.remote)).filter((name) => name.startsWith("agent/check/"));

describe("the repository's own checks", () => {
  it("are started by a branch, waited for, and their branch goes when they have ended", async () => {
    expect(await run()).toEqual({ kind: "pending", lookAgainMs: 7_000 });
    expect(await checkBranches()).toEqual([`agent/check/${commit}-${clock.ms / 1_000}`]);
    clock.ms += minuteMs;
    expect(await run()).toMatchObject({ kind: "pending" });
    expect(await checkBranches()).toHaveLength(1);
    github.check(commit, { name: "build", conclusion: "success" });
    github.check(commit, { name: "test" });
    expect(await run()).toMatchObject({ kind: "pending" });
    github.check(commit, { name: "test", conclusion: "success" });
    github.check(commit, { name: "docs", conclusion: "skipped" });
    github.status(commit, { context: "ci/outside", state: "success" });
    expect(await run()).toMatchObject({
      kind: "finished",
      report: { commit, outcome: "passed", passed: 3, failed: 0, skipped: 1, failures: [] },
    });
    expect(await checkBranches()).toEqual([]);
    // Asked again, the answer is there at once.
    expect(await run()).toMatchObject({ kind: "finished", report: { outcome: "passed" } });
    expect(await checkBranches()).toEqual([]);
  });

  it("that fail are named, with the end of their log", async () => {
    const log = [
      "2026-11-23T10:00:00.1234567Z ##[debug]noise",
      "2026-11-23T10:00:01.1234567Z \u001b[31mFAIL\u001b[0m orders.test.ts",
      "2026-11-23T10:00:02.1234567Z expected 404, got 500",
    ].join("\n");
    github.check(commit, { name: "test", conclusion: "failure", log, output: { title: "1 of 20 tests failed" } });
    github.status(commit, { context: "ci/outside", state: "failure", description: "The coverage fell" });
    github.check(commit, { name: "lint", conclusion: "success" });
    const found = await run();
    expect(found).toMatchObject({
      kind: "finished",
      report: { outcome: "failed", passed: 1, failed: 2, failures: ["test", "ci/outside"] },
    });
    const output = found.kind === "finished" ? found.report.output : "";
    expect(output).toContain("test: failure\n1 of 20 tests failed\nFAIL orders.test.ts\nexpected 404, got 500");
    expect(output).toContain("ci/outside: failure\nThe coverage fell");
    expect(output).not.toContain("noise");
  });

  it("count when they were run again, by their last word", async () => {
    github.check(commit, { name: "test", conclusion: "failure" });
    github.check(commit, { name: "test" });
    expect(await run()).toMatchObject({ kind: "pending" });
    github.check(commit, { name: "test", conclusion: "success" });
    expect(await run()).toMatchObject({ kind: "finished", report: { outcome: "passed", passed: 1, failed: 0 } });
  });

  it.each(["cancelled", "timed_out", "action_required", "stale", "startup_failure"])(
    "are not passed by: %s",
    async (conclusion) => {
      github.check(commit, { name: "test", conclusion });
      expect(await run()).toMatchObject({ kind: "finished", report: { outcome: "failed", failures: ["test"] } });
    },
  );

  it("prove nothing where all of them were skipped", async () => {
    github.check(commit, { name: "test", conclusion: "skipped" });
    expect(await run()).toMatchObject({ kind: "finished", report: { outcome: "no_tests", skipped: 1 } });
  });

  it.each(["protection", "a ruleset"])("that %s requires have to be there, and alone decide", async (by) => {
    if (by === "protection") github.state.requiredChecks.set("main", [{ context: "test", appId: null }]);
    else {
      const parameters = { required_status_checks: [{ context: "test" }], strict_required_status_checks_policy: false };
      github.state.branchRules.set("main", [{ type: "deletion" }, { type: "required_status_checks", parameters }]);
    }
    github.check(commit, { name: "nice to have", conclusion: "failure" });
    expect(await run()).toMatchObject({ kind: "pending" });
    github.check(commit, { name: "test", conclusion: "success" });
    expect(await run()).toMatchObject({ kind: "finished", report: { outcome: "passed", passed: 1, failed: 0 } });
  });

  it("are missing where nothing reports in time: then a person decides", async () => {
    await run();
    clock.ms += limits.appearWithinMs + 1_000;
    expect(await run()).toEqual({ kind: "none", why: expect.stringContaining("no continuous integration is set up") });
    expect(await checkBranches()).toEqual([]);
  });

  it("that never end are given up, and named", async () => {
    github.check(commit, { name: "test" });
    await run();
    clock.ms += limits.endWithinMs + 1_000;
    expect(await run()).toMatchObject({
      kind: "finished",
      report: { outcome: "timed_out", output: expect.stringContaining("test") },
    });
    expect(await checkBranches()).toEqual([]);
  });

  it("are started once, however many look at the same moment", async () => {
    await Promise.all(Array.from({ length: 6 }, run));
    const seconds = new Set(await checkBranches());
    expect(seconds.size).toBe(1);
  });

  it("decide about types as well", async () => {
    expect(await bench().run(commit, "types")).toMatchObject({ kind: "none" });
  });
});

describe("trouble", () => {
  it("names the variable of a refused token, and the permission that is missing", async () => {
    await expect(bench("ghp_wrong").run(commit, "tests")).rejects.toMatchObject({
      code: "misconfigured",
      message: expect.stringContaining("GITHUB_TOKEN"),
    });
    const { checks: _, ...permissions } = {
      checks: "read",
      contents: "write",
      metadata: "read",
      statuses: "read",
    } as const;
    const token = github.issueToken({ permissions });
    await expect(bench(token).run(commit, "tests")).rejects.toMatchObject({ code: "misconfigured" });
  });

  it("reads a failure without its log where nobody may read logs", async () => {
    github.check(commit, { name: "test", conclusion: "failure", log: "the reason" });
    const token = github.issueToken({
      permissions: { checks: "read", contents: "write", metadata: "read", statuses: "read" },
    });
    const found = await bench(token).run(commit, "tests");
    expect(found).toMatchObject({ kind: "finished", report: { outcome: "failed", output: "test: failure" } });
  });
});
