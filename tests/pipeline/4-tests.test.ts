import { describe, expect, it } from "vitest";
import type { Sha } from "#domain/ids.ts";
import { move, wait } from "#domain/outcome.ts";
import { tests } from "#pipeline/4-tests.ts";
import type { TestRun } from "#ports/test-bench.ts";
import {
  aCandidate,
  anIssueAt,
  aSha,
  aTestReport,
  aWrittenFix,
  base,
  candidateCommit,
  digest,
  later,
  now,
} from "#tests/support/builders.ts";
import { aSnapshot, aWorld } from "#tests/support/world.ts";

const ready = anIssueAt("testing", { fix: aWrittenFix({ candidate: aCandidate }) });
const onMain = { head: async () => base };
const composes = {
  ...onMain,
  compose: async () => ({ kind: "composed" as const, commit: candidateCommit, tree: aSha("e") }),
  changes: async () => ({ files: [], diff: "the diff" }),
};
const runs = (run: TestRun) => ({ run: async () => run });
/** Main's own tests pass; with the fix the suite says what `change` says. */
const finished = (change: Parameters<typeof aTestReport>[0]) => ({
  run: async (commit: Sha): Promise<TestRun> => ({
    kind: "finished",
    report: commit === base ? aTestReport() : aTestReport(change),
  }),
});

describe("tests", () => {
  it("first builds the candidate on main and records it", async () => {
    const candidate = { commit: candidateCommit, tree: aSha("e"), base, diffHash: digest("the diff") };
    expect(await tests(anIssueAt("testing"), aWorld({ repository: composes }))).toEqual(
      wait(now, "the candidate is built", [{ kind: "candidate", candidate, rebuilt: false }]),
    );
  });

  it("builds a new candidate when main moved, three times at the most", async () => {
    const repository = { ...composes, head: async () => aSha("9") };
    const moved = (rebuilds: number) => anIssueAt("testing", { fix: aWrittenFix({ candidate: aCandidate, rebuilds }) });
    expect((await tests(moved(2), aWorld({ repository }))).evidence[0]).toMatchObject({
      kind: "candidate",
      rebuilt: true,
    });
    expect(await tests(moved(3), aWorld({ repository }))).toMatchObject({ kind: "move", to: "failed" });
  });

  it("goes to staging when all tests pass", async () => {
    const world = aWorld({ repository: onMain, testBench: finished({}) });
    expect(await tests(ready, world)).toEqual(
      move("staging", "all 12 tests pass; no test of its own came with the fix", [
        { kind: "tests", report: aTestReport(), redBeforeGreen: null },
      ]),
    );
  });

  it("stops before any deployment when a test fails, and tells the engineer", async () => {
    const world = aWorld({
      repository: onMain,
      testBench: finished({ outcome: "failed", passed: 11, failed: 1, output: "not ok 3" }),
    });
    const outcome = await tests(ready, world);
    expect(outcome).toMatchObject({ kind: "move", to: "fixing", because: "Attempt 1 of 3: 1 of 12 tests fail" });
    expect(outcome.evidence.at(-1)).toMatchObject({
      kind: "next_attempt",
      feedback: [{ attempt: 1, output: "not ok 3" }],
    });
  });

  it("counts only new failures where main's own tests fail already", async () => {
    const redBefore = { outcome: "failed" as const, passed: 10, failed: 2, failures: ["adds", "divides"] };
    const withFix = async (change: Parameters<typeof aTestReport>[0]) => {
      const run = async (commit: Sha): Promise<TestRun> => ({
        kind: "finished",
        report: aTestReport(commit === base ? redBefore : change),
      });
      return tests(ready, aWorld({ repository: onMain, testBench: { run } }));
    };
    const same = await withFix({ ...redBefore, passed: 11, failed: 1, failures: ["divides"] });
    expect(same).toMatchObject({ kind: "move", to: "staging" });
    expect(same.evidence[0]).toMatchObject({ report: { baseline: { verdict: "none_new" } } });
    expect(await withFix({ ...redBefore, failures: ["adds", "multiplies"] })).toMatchObject({
      to: "fixing",
      because: "Attempt 1 of 3: newly failing: multiplies",
    });
    const silent = { ...redBefore, passed: 0, failed: 1, failures: [] };
    const unreadable = await tests(
      ready,
      aWorld({ repository: onMain, testBench: runs({ kind: "finished", report: aTestReport(silent) }) }),
    );
    expect(unreadable.evidence[0]).toMatchObject({ report: { baseline: { verdict: "unclear" } } });
  });

  it.each(["timed_out", "output_limit", "memory_limit", "failed"] as const)(
    "never deploys after %s",
    async (result) => {
      const issue = anIssueAt("testing", { fix: aWrittenFix({ candidate: aCandidate, attempt: 3 }) });
      const world = aWorld({ repository: onMain, testBench: finished({ outcome: result, failed: 1 }) });
      expect(await tests(issue, world)).toMatchObject({ kind: "move", to: "failed" });
    },
  );

  it("looks again while tests run elsewhere", async () => {
    const world = aWorld({ repository: onMain, testBench: runs({ kind: "pending", lookAgainMs: 5_000 }) });
    expect(await tests(ready, world)).toEqual(wait(later(5_000), "the tests are running"));
  });

  it("says so when the project has no tests; a person will decide", async () => {
    const world = aWorld({ repository: onMain, testBench: runs({ kind: "none", why: "no test script" }) });
    expect((await tests(ready, world)).evidence[0]).toMatchObject({ kind: "tests", report: { outcome: "no_tests" } });
  });

  describe("with a test of its own", () => {
    const withTest = anIssueAt("testing", {
      fix: aWrittenFix({ candidate: aCandidate, files: ["src/launch.ts", "tests/launch.test.ts"] }),
    });
    const redCommit = aSha("d");
    const commits: unknown[] = [];
    const repository = {
      ...onMain,
      snapshot: async () => aSnapshot({ "src/launch.ts": "fixed", "tests/launch.test.ts": "a new test" }, aSha("f")),
      commit: async ({ base: on, edits }: { base: string; edits: unknown[] }) => {
        commits.push({ on, edits });
        return { commit: redCommit, tree: aSha("1") };
      },
    };
    const bench = (withoutFix: "passed" | "failed") => ({
      run: async (commit: string): Promise<TestRun> => ({
        kind: "finished",
        report: aTestReport(commit === redCommit ? { outcome: withoutFix, failed: 1 } : {}),
      }),
    });

    it("goes on when that test fails on production's code", async () => {
      commits.length = 0;
      const outcome = await tests(withTest, aWorld({ repository, testBench: bench("failed") }));
      expect(commits).toEqual([{ on: base, edits: [{ path: "tests/launch.test.ts", content: "a new test" }] }]);
      expect(outcome).toMatchObject({ kind: "move", to: "staging", evidence: [{ redBeforeGreen: true }] });
    });

    it("sends a test back that passes without the fix: it proves nothing", async () => {
      const outcome = await tests(withTest, aWorld({ repository, testBench: bench("passed") }));
      expect(outcome).toMatchObject({ kind: "move", to: "fixing", because: expect.stringContaining("proves nothing") });
    });
  });

  it("tries anew when the fix conflicts with what landed on main", async () => {
    const repository = { ...onMain, compose: async () => ({ kind: "conflict" as const, files: ["src/launch.ts"] }) };
    expect(await tests(anIssueAt("testing"), aWorld({ repository }))).toMatchObject({ kind: "move", to: "fixing" });
  });
});
