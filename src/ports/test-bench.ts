import type { TestReport } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";

export type TestRun =
  /** The tests run elsewhere; look again after `lookAgainMs`. */
  | { kind: "pending"; lookAgainMs: number }
  | { kind: "finished"; report: TestReport }
  /** The project has nothing of this kind (no type check, no checks configured). A person decides where it matters. */
  | { kind: "none"; why: string };

/**
 * Runs the project's own tests or type check on a commit, away from our credentials and from the network.
 * Running the same commit twice is allowed and changes nothing. Where they run here, `tell` hears now and then which line was
 * printed last, for people who watch; it must not fail. Failures: `misconfigured` when it cannot run safely here.
 */
export interface TestBench {
  run(commit: Sha, what: "tests" | "types", tell?: (line: string) => void): Promise<TestRun>;
}
