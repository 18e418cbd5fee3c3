import { describe, expect, it } from "vitest";
import { newFailures } from "#policy/test-comparison.ts";
import { aTestReport } from "#tests/support/builders.ts";

const red = (failures: string[], passed = 10) =>
  aTestReport({ outcome: "failed", passed, failed: failures.length, failures });
const counted = (passed: number, failed: number) => aTestReport({ outcome: "failed", passed, failed });

describe("whether a red run is the change's fault", () => {
  it.each([
    ["everything passes", red(["a"]), aTestReport(), "none_new"],
    ["everything passes as before", aTestReport(), aTestReport({ passed: 13 }), "none_new"],
    ["all is green because the run ended early", aTestReport({ passed: 40 }), aTestReport({ passed: 1 }), "new"],
    ["all is green because a test is skipped now", aTestReport(), aTestReport({ passed: 11, skipped: 1 }), "new"],
    ["the base is clean", aTestReport(), red(["a"]), "new"],
    ["the base has no tests", aTestReport({ outcome: "no_tests" }), red(["a"]), "new"],
    ["the same tests fail", red(["a", "b"]), red(["b", "a"]), "none_new"],
    ["fewer of the same fail", red(["a", "b"]), red(["a"], 11), "none_new"],
    ["another one fails", red(["a", "b"]), red(["a", "c"]), "new"],
    ["as many fail, but another one", red(["a"]), red(["b"]), "new"],
    ["tests no longer run", red(["a", "b"]), red(["a"], 9), "new"],
    ["counts alone are equal", counted(3, 1), counted(3, 1), "none_new"],
    ["counts alone are worse", counted(3, 1), counted(3, 2), "new"],
    ["counts alone lose a passing test", counted(3, 1), counted(2, 1), "new"],
    ["neither says anything", counted(0, 1), counted(0, 1), "unclear"],
    ["names are cut off", { ...red(["a"]), failed: 5 }, { ...red(["b"]), failed: 5 }, "none_new"],
    ["it hangs only with the change", red(["a"]), aTestReport({ outcome: "timed_out" }), "new"],
    ["it hangs both ways", aTestReport({ outcome: "timed_out" }), aTestReport({ outcome: "timed_out" }), "unclear"],
  ] as const)("%s", (_, base, changed, kind) => {
    expect(newFailures(base, changed).kind).toBe(kind);
  });

  const checks = (failures: string[], passed: number) =>
    aTestReport({
      of: "checks",
      outcome: failures.length > 0 ? "failed" : "passed",
      passed,
      failed: failures.length,
      failures,
    });
  it.each([
    ["production's branch has more checks", checks([], 5), checks([], 3), "none_new"],
    ["one fails", checks([], 5), checks(["test"], 2), "new"],
    ["the same one fails without the change", checks(["test"], 4), checks(["test"], 2), "none_new"],
    ["another one fails", checks(["test"], 4), checks(["test", "lint"], 2), "new"],
    ["they never end", checks([], 5), { ...checks([], 1), outcome: "timed_out" as const }, "new"],
  ] as const)("of checks: %s", (_, base, changed, kind) => {
    expect(newFailures(base, changed).kind).toBe(kind);
  });
});
