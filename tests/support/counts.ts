import type { Reporter, TestModule } from "vitest/node";

/** Closes every run with the plain line "N passed, N failed, N skipped"; a file that could not be loaded counts as failed. */
export default class Counts implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) count[test.result().state]++;
      if (module.errors().length > 0 || (tests.length === 0 && module.state() === "failed")) count.failed++;
    }
    process.stdout.write(
      `\n${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped\n`,
    );
  }
}
