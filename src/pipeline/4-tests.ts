import type { Evidence } from "#domain/evidence.ts";
import type { TestReport } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { isTestFile } from "#policy/risk/added-lines.ts";
import type { TestRun } from "#ports/test-bench.ts";
import { headOfMain } from "./2-diagnosis.ts";
import { endAttempt } from "./attempts.ts";
import type { Stage, World } from "./stage.ts";

type Testing = IssueAt<"testing">;

/** Stage 4: build the candidate on today's main and run the project's own tests on it. Nothing untested is ever deployed. */
export const tests: Stage<"testing"> = async (issue, world) => {
  const main = await headOfMain(world);
  const { candidate } = issue.fix;
  if (candidate === null || candidate.base !== main) return buildCandidate(issue, world);
  const run = await world.testBench.run(candidate.commit, "tests");
  if (run.kind === "pending") {
    return wait(new Date(world.clock.now().getTime() + run.lookAgainMs), "the tests are running");
  }
  const report = run.kind === "none" ? untested(candidate.commit, run.why) : run.report;
  const recorded = (redBeforeGreen: boolean | null): Evidence => ({ kind: "tests", report, redBeforeGreen });
  if (report.outcome === "no_tests") return move("staging", `no tests ran: ${report.output}`, [recorded(null)]);
  if (report.outcome !== "passed")
    return anotherAttempt(issue, world, inWords(report), report.output, [recorded(null)]);
  const newTests = issue.fix.files.filter(isTestFile);
  if (newTests.length === 0) {
    return move("staging", `all ${report.passed} tests pass; no test of its own came with the fix`, [recorded(null)]);
  }
  const without = await runWithoutFix(issue, newTests, candidate.base, world);
  if (without.kind === "pending") {
    return wait(
      new Date(world.clock.now().getTime() + without.lookAgainMs),
      "the new tests are running without the fix",
    );
  }
  if (without.kind === "finished" && without.report.outcome === "failed") {
    return move("staging", `all ${report.passed} tests pass; the new one fails without the fix`, [recorded(true)]);
  }
  const because = "the new test does not fail without the fix, so it proves nothing";
  return anotherAttempt(issue, world, because, null, [recorded(false)]);
};

/** Red before green: production's code with nothing of the fix but its tests. No branch ever points to that commit. */
async function runWithoutFix({ fix }: Testing, newTests: string[], base: Sha, world: World): Promise<TestRun> {
  const snapshot = await world.repository.snapshot(fix.commit);
  const edits = await Promise.all(
    newTests.map(async (path) => ({ path, content: (await snapshot.read(path)) ?? null })),
  );
  const message = `Tests of ${fix.branch} without the fix\n`;
  const { commit } = await world.repository.commit({ base, edits, message, at: fix.createdAt });
  return world.testBench.run(commit, "tests");
}

/** The merge of the fix into main as it is now. Recorded before it is tested, so that a crash tests the same commit again. */
async function buildCandidate(issue: Testing, world: World) {
  const { fix } = issue;
  const { candidateRebuilds } = world.settings.limits;
  const rebuilt = fix.candidate !== null;
  if (rebuilt && fix.rebuilds >= candidateRebuilds) {
    return move("failed", `main moved ${fix.rebuilds} times while the fix was under way (limit ${candidateRebuilds})`);
  }
  const base = await headOfMain(world);
  const message = `Merge ${fix.branch}\n\n${fix.diagnosis.rootCause}\n\nVigil-Issue: ${issue.id}\nVigil-Fix: ${fix.id}\n`;
  const composed = await world.repository.compose({ base, fix: fix.commit, message, at: fix.createdAt });
  if (composed.kind === "conflict") {
    const because = `main changed the same lines meanwhile (${composed.files.join(", ")})`;
    return anotherAttempt(issue, world, because, null, []);
  }
  const { diff } = await world.repository.changes(base, composed.commit);
  const candidate = { commit: composed.commit, tree: composed.tree, base, diffHash: world.digest(diff) };
  const because = rebuilt ? "main moved: a new candidate was built on it" : "the candidate is built";
  return wait(world.clock.now(), because, [{ kind: "candidate", candidate, rebuilt }]);
}

function anotherAttempt(issue: Testing, world: World, because: string, output: string | null, evidence: Evidence[]) {
  const ended = endAttempt(issue.fix, world.settings, because, output);
  return move(ended.last ? "failed" : "fixing", ended.sentence, [...evidence, ...ended.evidence]);
}

function inWords({ outcome, passed, failed }: TestReport): string {
  switch (outcome) {
    case "timed_out":
      return "the tests did not end in time";
    case "output_limit":
      return "the tests printed more than the limit";
    case "memory_limit":
      return "the tests used more memory than the limit";
    default:
      return `${failed} of ${passed + failed} tests fail`;
  }
}

function untested(commit: TestReport["commit"], why: string): TestReport {
  return { commit, outcome: "no_tests", passed: 0, failed: 0, skipped: 0, durationMs: 0, exitCode: null, output: why };
}
