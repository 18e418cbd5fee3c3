import type { Evidence } from "#domain/evidence.ts";
import type { TestReport } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { commitMessage } from "#policy/plain-text.ts";
import { isTestFile } from "#policy/risk/added-lines.ts";
import { newFailures } from "#policy/test-comparison.ts";
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
    return wait(lookAgain(run.lookAgainMs, world), "the tests are running");
  }
  const report = run.kind === "none" ? untested(candidate.commit, run.why) : run.report;
  if (report.outcome === "no_tests") {
    return move("staging", `no tests ran: ${report.output}`, [{ kind: "tests", report, redBeforeGreen: null }]);
  }
  const judged = await againstBase(report, candidate.base, world);
  if (judged.kind === "pending") return wait(judged.until, "main's own tests are running");
  if (judged.kind === "worse") {
    const evidence: Evidence[] = [{ kind: "tests", report, redBeforeGreen: null }];
    return anotherAttempt(issue, world, judged.because, report.output, evidence);
  }
  return redBeforeGreen(issue, world, judged);
};

type Judged = { kind: "good"; report: TestReport; base: TestReport; because: string };

/**
 * Compared with main's own tests: of a run that is not clean only what main does not show counts, and a clean one must
 * not owe it to tests that no longer run (reliability D8).
 */
async function againstBase(
  report: TestReport,
  base: Sha,
  world: World,
): Promise<Judged | { kind: "worse"; because: string } | { kind: "pending"; until: Date }> {
  const run = await world.testBench.run(base, "tests");
  if (run.kind === "pending") return { kind: "pending", until: lookAgain(run.lookAgainMs, world) };
  const onBase = run.kind === "none" ? untested(base, run.why) : run.report;
  const compared = newFailures(onBase, report);
  if (compared.kind === "new") return { kind: "worse", because: compared.because };
  if (report.outcome === "passed") return { kind: "good", report, base: onBase, because: compared.because };
  const baseline = { verdict: compared.kind, because: compared.because };
  return { kind: "good", report: { ...report, baseline }, base: onBase, because: compared.because };
}

/** A test that came with the fix must fail without it: then it proves something (spec.md §18.2). */
async function redBeforeGreen(issue: Testing, world: World, { report, base, because }: Judged) {
  const { candidate } = issue.fix;
  const recorded = (red: boolean | null): Evidence => ({ kind: "tests", report, redBeforeGreen: red });
  const newTests = issue.fix.files.filter(isTestFile);
  if (newTests.length === 0 || candidate === null) {
    return move("staging", `${because}; no test of its own came with the fix`, [recorded(null)]);
  }
  const without = await runWithoutFix(issue, newTests, candidate.base, world);
  if (without.kind === "pending") {
    return wait(lookAgain(without.lookAgainMs, world), "the new tests are running without the fix");
  }
  const isRed =
    without.kind === "finished" &&
    without.report.outcome === "failed" &&
    newFailures(base, without.report).kind === "new";
  if (isRed) return move("staging", `${because}; the new one fails without the fix`, [recorded(true)]);
  const proof = "the new test does not fail without the fix, so it proves nothing";
  return anotherAttempt(issue, world, proof, null, [recorded(false)]);
}

function lookAgain(ms: number, { clock }: World): Date {
  return new Date(clock.now().getTime() + ms);
}

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
  const facts = { "Vigil-Issue": issue.id, "Vigil-Fix": fix.id };
  const message = commitMessage({ subject: `Merge ${fix.branch}`, body: fix.diagnosis.rootCause, facts });
  const composed = await world.repository.compose({ base, fix: fix.commit, message, at: fix.createdAt });
  if (composed.kind === "conflict") {
    const because = `main changed the same lines meanwhile (${composed.files.join(", ")})`;
    return anotherAttempt(issue, world, because, null, []);
  }
  const { diff } = await world.repository.changes(base, composed.commit);
  if (diff === "") {
    return move("failed", "main holds exactly this change already: someone took it over, and nothing is left to ship");
  }
  const candidate = { commit: composed.commit, tree: composed.tree, base, diffHash: world.digest(diff) };
  const because = rebuilt ? "main moved: a new candidate was built on it" : "the candidate is built";
  return wait(world.clock.now(), because, [{ kind: "candidate", candidate, rebuilt }]);
}

function anotherAttempt(issue: Testing, world: World, because: string, output: string | null, evidence: Evidence[]) {
  const ended = endAttempt(issue.fix, world.settings, { because, output, diff: issue.fix.diff });
  return move(ended.last ? "failed" : "fixing", ended.sentence, [...evidence, ...ended.evidence]);
}

function untested(commit: TestReport["commit"], why: string): TestReport {
  const counts = { passed: 0, failed: 0, skipped: 0, durationMs: 0, exitCode: null };
  return { commit, of: "tests", outcome: "no_tests", ...counts, output: why, failures: [], baseline: null };
}
