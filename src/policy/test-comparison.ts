import type { TestReport } from "#domain/fix.ts";

export type Comparison =
  /** Whatever fails with the change fails without it too. */
  | { kind: "none_new"; because: string }
  | { kind: "new"; because: string }
  /** Both are red and neither says which tests: a person has to look. */
  | { kind: "unclear"; because: string };

const namedMax = 5;

/**
 * Whether a red run is the change's fault. Where the base's tests already fail only new failures count; names decide
 * where both runs give them all, else counts, and where there is neither nobody can tell.
 */
export function newFailures(base: TestReport, changed: TestReport): Comparison {
  if (changed.of === "checks") return byChecks(base, changed);
  if (changed.outcome === "passed") return cleanRun(base, changed);
  if (base.outcome === "passed" || base.outcome === "no_tests")
    return { kind: "new", because: failuresInWords(changed) };
  if (base.outcome !== changed.outcome) return { kind: "new", because: failuresInWords(changed) };
  if (changed.outcome !== "failed") {
    return { kind: "unclear", because: `without the change as well: ${failuresInWords(base)}` };
  }
  if (isNamed(base) && isNamed(changed)) return byNames(base, changed);
  if (base.passed + changed.passed === 0)
    return { kind: "unclear", because: "the tests fail without the change as well" };
  const isWorse = changed.failed > base.failed || changed.passed < base.passed;
  const counts = `${changed.failed} fail and ${changed.passed} pass, before ${base.failed} and ${base.passed}`;
  return { kind: isWorse ? "new" : "none_new", because: counts };
}

/** Passing tests that were there before must still run: an early exit and a skipped test look clean as well. */
function cleanRun(base: TestReport, { passed, skipped }: TestReport): Comparison {
  if (base.outcome !== "passed" || passed >= base.passed)
    return { kind: "none_new", because: `all ${passed} tests pass` };
  const skips = skipped > base.skipped ? `, ${skipped - base.skipped} more are skipped` : "";
  return { kind: "new", because: `only ${passed} of the ${base.passed} tests that passed before still do${skips}` };
}

/** How many checks there are says nothing: production's branch has some that others have not. */
function byChecks(base: TestReport, { outcome, passed, failures }: TestReport): Comparison {
  if (outcome === "passed") return { kind: "none_new", because: `all ${passed} checks pass` };
  if (outcome !== "failed") {
    return { kind: base.outcome === outcome ? "unclear" : "new", because: "the checks did not end in time" };
  }
  const fresh = failures.filter((name) => !base.failures.includes(name));
  if (fresh.length === 0) {
    return { kind: "none_new", because: `the ${failures.length} failing checks fail without the change as well` };
  }
  return { kind: "new", because: `failing checks: ${fresh.slice(0, namedMax).join("; ")}` };
}

function byNames(base: TestReport, changed: TestReport): Comparison {
  const known = new Set(base.failures);
  const fresh = changed.failures.filter((name) => !known.has(name));
  if (fresh.length > 0) {
    const rest = fresh.length > namedMax ? ` and ${fresh.length - namedMax} more` : "";
    return { kind: "new", because: `newly failing: ${fresh.slice(0, namedMax).join("; ")}${rest}` };
  }
  // A test that no longer runs fails nowhere.
  if (changed.passed + changed.failed < base.passed + base.failed) {
    const before = base.passed + base.failed;
    return { kind: "new", because: `only ${changed.passed + changed.failed} of ${before} tests still run` };
  }
  return { kind: "none_new", because: `the ${changed.failures.length} failing tests fail without the change as well` };
}

function isNamed({ failures, failed }: TestReport): boolean {
  return failures.length > 0 && failures.length >= failed;
}

/** What a run that is not clean says, in a sentence. */
export function failuresInWords({ outcome, passed, failed }: TestReport): string {
  switch (outcome) {
    case "timed_out":
      return "the tests did not end in time";
    case "output_limit":
      return "the tests printed or stored more than the limit";
    case "memory_limit":
      return "the tests used more memory than the limit";
    default:
      return `${failed} of ${passed + failed} tests fail`;
  }
}
