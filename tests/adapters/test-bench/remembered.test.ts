import { describe, expect, it } from "vitest";
import { rememberRuns } from "#adapters/test-bench/remembered.ts";
import type { TestReport } from "#domain/fix.ts";
import { aSha, aTestReport } from "#tests/support/builders.ts";

function aBench(outcome: TestReport["outcome"]) {
  const runs: string[] = [];
  const bench = rememberRuns({
    run: async (commit, what) => {
      runs.push(`${what} ${commit.slice(0, 4)}`);
      return { kind: "finished", report: aTestReport({ commit, outcome }) };
    },
  });
  return { bench, runs };
}

describe("remembered test runs", () => {
  it.each(["passed", "failed"] as const)("are not repeated for a commit whose tests %s", async (outcome) => {
    const { bench, runs } = aBench(outcome);
    const first = await bench.run(aSha("a"), "tests");
    expect(await bench.run(aSha("a"), "tests")).toEqual(first);
    await bench.run(aSha("a"), "types");
    await bench.run(aSha("b"), "tests");
    expect(runs).toEqual(["tests aaaa", "types aaaa", "tests bbbb"]);
  });

  it.each(["timed_out", "memory_limit", "output_limit", "no_tests"] as const)(
    "forget a run that ended with %s",
    async (outcome) => {
      const { bench, runs } = aBench(outcome);
      await bench.run(aSha("a"), "tests");
      await bench.run(aSha("a"), "tests");
      expect(runs).toHaveLength(2);
    },
  );
});
