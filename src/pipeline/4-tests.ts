import type { Evidence } from "#domain/evidence.ts";
import type { TestReport } from "#domain/fix.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
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
  const recorded: Evidence = { kind: "tests", report };
  if (report.outcome === "no_tests") return move("staging", `no tests ran: ${report.output}`, [recorded]);
  if (report.outcome === "passed") return move("staging", `all ${report.passed} tests pass`, [recorded]);
  return anotherAttempt(issue, world, inWords(report), report.output, [recorded]);
};

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
