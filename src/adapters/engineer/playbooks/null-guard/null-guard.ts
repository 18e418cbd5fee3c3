import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { diagnosisOf, stopClaim, subjectOf } from "../findings.ts";
import { placeOf } from "../places.ts";
import type { Finding, Playbook, Repair } from "../playbook.ts";
import { nullishErrorOf } from "./error-text.ts";
import type { Study } from "./study.ts";

type Repairable = Extract<Study, { kind: "repairable" }>;

const stacksMax = 5;
const textCharactersMin = 20;
const sureConfidence = 80;

/** A property read from, or a call on, null or undefined: found on the syntax tree and guarded in the file's own way. */
export function createNullGuardPlaybook(): Playbook {
  return { name: "null-guard", diagnose, repair };
}

async function diagnose(problem: Problem, snapshot: Snapshot): Promise<Finding> {
  const study = await studyOf(problem, snapshot);
  if (study === undefined) return { kind: "not_mine" };
  switch (study.kind) {
    case "unknown":
      return { kind: "unknown", because: study.because };
    case "already_guarded":
      return { kind: "found", diagnosis: alreadyFixed(problem, study) };
    case "repairable":
      return { kind: "found", diagnosis: faultOf(problem, study) };
  }
}

async function repair(
  problem: Problem,
  _diagnosis: Diagnosis,
  snapshot: Snapshot,
  feedback: unknown[],
): Promise<Repair> {
  const study = await studyOf(problem, snapshot);
  if (study?.kind === "unknown") return { kind: "cannot_fix", because: study.because };
  if (study?.kind !== "repairable")
    return { kind: "cannot_fix", because: "the value is guarded in this version already" };
  const plan = study.plans[feedback.length];
  if (plan === undefined) {
    return {
      kind: "cannot_fix",
      because: `all ${study.plans.length} safe ways to guard \`${study.shown}\` were tried`,
    };
  }
  const also = feedback.length === 0 ? await alsoRepairable(problem, study.path, snapshot) : [];
  return {
    kind: "edits",
    edits: [
      { path: study.path, content: plan.text },
      ...also.map(({ path, plans: [best] }) => ({ path, content: best.text })),
    ],
    subject: subjectOf(plan.subject),
    explanation: [study, ...also]
      .map(({ cause, plans }) => `${cause}\n\nThe repair: ${(plans === study.plans ? plan : plans[0]).strategy}.`)
      .join("\n\n"),
  };
}

/** A stack text that holds the same error more than once, from different files: each is repaired, where that is sure. */
async function alsoRepairable(problem: Problem, path: string, snapshot: Snapshot): Promise<Repairable[]> {
  const found: Repairable[] = [];
  for (const stack of furtherStacks(problem)) {
    const study = await studyOf({ ...problem, frames: [], stack }, snapshot);
    if (study?.kind !== "repairable" || study.path === path || found.some((other) => other.path === study.path))
      continue;
    if (study.plans[0].confidence >= sureConfidence) found.push(study);
  }
  return found;
}

function furtherStacks({ message, stack }: Problem): string[] {
  const text = /Cannot [^\n]{1,300}/.exec(message)?.[0].trim() ?? message;
  if (stack === null || text.length < textCharactersMin) return [];
  return stack.split(text, stacksMax + 2).slice(2);
}

/** Reads the code only when the error's text says that something was null or undefined. */
async function studyOf(problem: Problem, snapshot: Snapshot): Promise<Study | undefined> {
  const error = nullishErrorOf(problem);
  if (error === undefined) return undefined;
  const place = await placeOf(problem, snapshot);
  if (typeof place === "string") return error.form === "call" ? undefined : { kind: "unknown", because: place };
  // The compiler is large; a problem of another kind never loads it.
  const { study } = await import("./study.ts");
  return study(place, error, snapshot);
}

function faultOf(problem: Problem, study: Repairable): Diagnosis {
  const [best] = study.plans;
  return diagnosisOf({
    causeClass: "code_fault",
    rootCause: study.cause,
    evidence: study.evidence,
    fixStrategy: best.strategy,
    files: [study.path],
    confidence: best.confidence,
    requiresPersonBecause: best.personBecause,
    claim: stopClaim(problem, `Reading from \`${study.shown}\` at ${study.path}:${study.line} does not fail any more.`),
  });
}

function alreadyFixed(problem: Problem, study: Extract<Study, { kind: "already_guarded" }>): Diagnosis {
  return diagnosisOf({
    causeClass: "already_fixed",
    rootCause: study.cause,
    evidence: study.evidence,
    fixStrategy: "Deploy this version; nothing is left to change.",
    files: [study.path],
    confidence: study.confidence,
    claim: stopClaim(problem, `Reading from \`${study.shown}\` at ${study.path}:${study.line} does not fail any more.`),
  });
}
