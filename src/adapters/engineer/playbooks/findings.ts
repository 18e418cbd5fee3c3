import type { CauseClass, Claim, Diagnosis } from "#domain/diagnosis.ts";
import type { Problem } from "#ports/engineer.ts";

/** Bounds of the diagnosis (src/domain/diagnosis.ts). */
const noteCharactersMax = 500;
const textCharactersMax = 4_000;
const entriesMax = 20;
const estimatedMinutes = 5;
const accessWords =
  /(auth|permission|polic(?:y|ies)|access-?control|login|sign-?in|session|token|password|credential|rbac|acl|guard|admin)/i;

/** What a playbook has to say; the rest of the diagnosis follows from it. */
export interface Conclusion {
  causeClass: CauseClass;
  rootCause: string;
  evidence: { file: string; line: number; note: string }[];
  fixStrategy: string;
  files: string[];
  confidence: number;
  requiresPersonBecause?: string | null;
  claim: Claim;
}

/** A diagnosis within its bounds. The engineer writes the playbook's name into it. */
export function diagnosisOf(conclusion: Conclusion): Diagnosis {
  const person = conclusion.requiresPersonBecause ?? null;
  return {
    causeClass: conclusion.causeClass,
    rootCause: clip(conclusion.rootCause, textCharactersMax),
    evidence: conclusion.evidence
      .slice(0, entriesMax)
      .map(({ file, line, note }) => ({ file, line, note: clip(note, noteCharactersMax) })),
    fixStrategy: clip(conclusion.fixStrategy, textCharactersMax),
    files: conclusion.files.slice(0, entriesMax),
    confidence: Math.max(0, Math.min(100, Math.round(conclusion.confidence))),
    requiresPerson: person !== null,
    requiresPersonBecause: person,
    estimatedMinutes,
    claim: conclusion.claim,
    engineer: "playbook",
  };
}

/** The promise that the recorded error stops; without a recorded error there is nothing to watch for. */
export function stopClaim(problem: Problem, what: string): Claim {
  const statement = clip(what, noteCharactersMax);
  if (problem.fingerprint === null || problem.fingerprint.length > 200) return { kind: "nothing_to_stop", statement };
  const operation = problem.operation === null ? null : clip(problem.operation, 300);
  return { kind: "error_stops", fingerprint: problem.fingerprint, operation, statement };
}

/** Why a person should see a change of this code, whoever wrote it: it may decide about access. */
export function accessReason(path: string, functionName: string): string | null {
  return accessWords.test(path) || accessWords.test(functionName) ? "the surroundings decide who gets in" : null;
}

/** At most `max` characters, with a sign that something was left out. */
export function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

/** A subject line of a commit: one line, at most 72 characters (src/ports/engineer.ts). */
export function subjectOf(text: string): string {
  return clip(text.replace(/\s+/g, " ").trim(), 72);
}
