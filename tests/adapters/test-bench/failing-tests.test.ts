import { describe, expect, it } from "vitest";
import { failingTests } from "#adapters/test-bench/failing-tests.ts";

describe("the names of failing tests", () => {
  it.each([
    ["TAP", "ok 1 - adds\nnot ok 2 - divides\nnot ok 3 - later # TODO\nnot ok 4 - gone # SKIP", ["divides"]],
    ["nested TAP", "# Subtest: math\n    not ok 1 - divides\nnot ok 1 - math", ["divides", "math"]],
    ["tape", "not ok 165 does not pass a raw undefined", ["does not pass a raw undefined"]],
    ["node:test", "✔ adds (1.2ms)\n✖ divides (0.5ms)\n\n✖ failing tests:\n\n✖ divides (0.5ms)", ["divides"]],
    [
      "vitest",
      " FAIL  unit  a.test.ts > math > divides\n   × divides 5ms",
      ["unit  a.test.ts > math > divides", "divides"],
    ],
    ["jest", "  ● math › divides\n\n  ● Console\n", ["math › divides"]],
    ["mocha", "  math\n    ✔ adds\n    1) divides\n\n  1) math\n       divides:\n", ["divides", "math"]],
    ["nothing", "all good\n", []],
  ])("are read from %s", (_, output, names) => {
    expect(failingTests(output)).toEqual(names);
  });

  it("stay bounded, whatever a runner prints", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => `not ok ${n} - test ${n}`).join("\n");
    expect(failingTests(many)).toHaveLength(300);
    expect(failingTests(`not ok 1 - ${"x".repeat(5_000_000)}`)).toEqual([]);
    expect(failingTests(`✖ ${"a ".repeat(190)}`)[0]?.length).toBeLessThanOrEqual(300);
  });
});
