import type { Diagnosis } from "#domain/diagnosis.ts";
import { Failure } from "#domain/failure.ts";
import type { TestedFix } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import type { Settings } from "#domain/settings.ts";
import { approvalReasons } from "#policy/autonomy.ts";
import type { RepairResult } from "#ports/engineer.ts";
import { type Answer, diagnosisAnswer, errorAnswer, testAnswer, tokensOf } from "./answer.ts";
import type { FileVersion } from "./apply.ts";
import type { Ending } from "./drive.ts";
import type { Ground } from "./ground.ts";
import type { Spending } from "./session.ts";
import type { Suspect } from "./suspects.ts";

/** A fix as far as it may be shown: the commit that holds it, its diff, its files. */
export interface ShownFix {
  commit: Sha;
  diff: string;
  files: string[];
}

interface Run {
  ending: Ending;
  /** The last one, also where it led to no fix: an error that is a check doing its work. */
  diagnosis: Diagnosis | null;
  suspects: Suspect[];
  ground: Ground;
  spending: Spending;
  settings: Settings;
  shown: ShownFix | undefined;
}

/** What came out, without what only the whole run knows. */
export function verdictOf(run: Run): Omit<Answer, "engineer" | "seconds"> {
  const { ending, suspects, ground, spending, shown } = run;
  const before = testAnswer(ground.bench.ran(ground.base));
  const after = testAnswer(ending.tested === null ? undefined : { kind: "finished", report: ending.tested.tests });
  const reasons = reasonsOf(run);
  const isHeld = ending.at === "staging" && reasons.length === 0;
  return {
    status: shown === undefined ? "not_fixed" : isHeld ? "fixed" : "needs_human",
    diagnosis: diagnosisAnswer(ending.fix?.diagnosis ?? run.diagnosis, ending.severity, suspects),
    diff: shown?.diff ?? "",
    tests: { before: before.outcome, after: after.outcome, before_counts: before.counts, after_counts: after.counts },
    cost_usd: Math.round(spending.costUsd() * 1e6) / 1e6,
    model_calls: spending.calls.length,
    tokens: tokensOf(spending.calls),
    reasons,
    attempts: ending.failures,
    read_files: ground.readFiles(),
    files: shown?.files ?? [],
    error: ending.failure === null ? null : errorAnswer(ending.failure),
    applied: false,
  };
}

/** Why a person must look, or why there is nothing to look at. Empty: the fix held. */
function reasonsOf({ ending, settings }: Run): string[] {
  const { at, because, tested, notes } = ending;
  if (at !== "staging" || tested === null) return [because, ...notes];
  const { diagnosis, approvalFiles, risks } = tested;
  const facts = {
    severity: "P2" as const,
    confidence: diagnosis.confidence,
    diagnosisRequiresPerson: diagnosis.requiresPerson,
    diagnosisBecause: diagnosis.requiresPersonBecause,
    estimatedMinutes: diagnosis.estimatedMinutes,
    approvalFiles,
    risks,
    unverified: false,
  };
  return [...approvalReasons(facts, settings), ...unproven(tested)];
}

/** Tests that do not run, or that fail whatever is done, prove nothing about the fix. */
function unproven({ tests }: TestedFix): string[] {
  const { outcome, passed, failed, baseline } = tests;
  if (outcome === "passed") return [];
  if (outcome === "no_tests")
    return [`No test ran, only syntax and types were checked: ${tests.output.slice(0, 300)}.`];
  // Some tests were red before; those that pass show that nothing else was harmed.
  if (passed > 0 && baseline?.verdict === "none_new") return [];
  return [`The tests do not pass without the fix either (${failed} fail, ${passed} pass), so they prove nothing.`];
}

/** The fix that a person may look at: the tested one, or the one that the rules refused. */
export async function shownFix(
  ending: Ending,
  refused: Extract<RepairResult, { kind: "edits" }> | undefined,
  { repository, base }: Ground,
): Promise<ShownFix | undefined> {
  const { at, tested } = ending;
  if (at === "staging" && tested !== null) {
    return { commit: tested.candidate.commit, diff: tested.diff, files: tested.files };
  }
  if (at !== "rejected" || refused === undefined) return undefined;
  try {
    const message = `${refused.subject}\n`;
    const { commit } = await repository.commit({ base, edits: refused.edits, message, at: new Date(0) });
    const { files, diff } = await repository.changes(base, commit);
    return { commit, diff, files: files.map(({ path }) => path) };
  } catch (error) {
    // Edits that cannot even be written are nothing that a person could look at.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** The files of a fix on both sides. */
export async function versionsOf(
  { commit, files }: ShownFix,
  { repository, snapshot }: Ground,
): Promise<FileVersion[]> {
  const fixed = await repository.snapshot(commit);
  return Promise.all(
    files.map(async (path) => ({
      path,
      before: (await snapshot.read(path)) ?? null,
      after: (await fixed.read(path)) ?? null,
    })),
  );
}
