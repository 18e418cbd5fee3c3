import type { TestBench, TestRun } from "#ports/test-bench.ts";

const runsMax = 50;

/**
 * Remembers what the tests of a commit said: the candidate of one fix is the base of the next. Only a run that came to a
 * result of its own is kept; one that was stopped may have met a busy machine.
 */
export function rememberRuns(bench: TestBench): TestBench {
  const known = new Map<string, TestRun>();
  return {
    run: async (commit, what, tell) => {
      const key = `${what} ${commit}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const run = await bench.run(commit, what, tell);
      if (run.kind === "finished" && (run.report.outcome === "passed" || run.report.outcome === "failed")) {
        known.set(key, run);
        const [oldest] = known.keys();
        if (known.size > runsMax && oldest !== undefined) known.delete(oldest);
      }
      return run;
    },
  };
}
