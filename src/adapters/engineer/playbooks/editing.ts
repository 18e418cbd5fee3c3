import type { Edit } from "#domain/fix.ts";
import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { openFile } from "./code/project.ts";
import { parse } from "./code/syntax.ts";
import { applyEdits, type TextEdit } from "./code/text.ts";
import { accessReason, diagnosisOf, stopClaim, subjectOf } from "./findings.ts";
import { isTestFile } from "./places.ts";
import type { Finding, Playbook, Repair } from "./playbook.ts";

/** What is to be changed in one file. */
export interface Change {
  path: string;
  edits: TextEdit[];
}

/** The one repair that a playbook is sure of, and why. */
export interface Cure {
  kind: "cure";
  rootCause: string;
  evidence: { file: string; line: number; note: string }[];
  /** What is done, as a clause: "`optoins` is written `options`". */
  strategy: string;
  /** The commit's subject. */
  subject: string;
  /** Completes the claim: "… does not fail any more". */
  stops: string;
  confidence: number;
  changes: [Change, ...Change[]];
}

/** `undefined`: another kind of problem. */
export type Assessment = Cure | { kind: "unknown"; because: string } | undefined;

type Assess = (problem: Problem, snapshot: Snapshot) => Promise<Assessment>;

/** A playbook that knows one way to repair or none. It is asked anew for the repair, so nothing is carried over. */
export function createEditingPlaybook(name: string, assess: Assess): Playbook {
  return {
    name,
    diagnose: (problem, snapshot) => diagnose(problem, snapshot, assess),
    async repair(problem, _diagnosis, snapshot, feedback) {
      if (feedback.length > 0) return { kind: "cannot_fix", because: "there is only one way, and it was tried" };
      return repair(problem, snapshot, assess);
    },
  };
}

async function diagnose(problem: Problem, snapshot: Snapshot, assess: Assess): Promise<Finding> {
  const made = await checked(problem, snapshot, assess);
  if (made === undefined) return { kind: "not_mine" };
  if (made.kind === "unknown") return made;
  const { cure, edits } = made;
  const paths = edits.map(({ path }) => path);
  const diagnosis = diagnosisOf({
    causeClass: "code_fault",
    rootCause: cure.rootCause,
    evidence: cure.evidence,
    fixStrategy: cure.strategy,
    files: paths,
    confidence: cure.confidence,
    requiresPersonBecause: paths.map((path) => accessReason(path, "")).find((reason) => reason !== null) ?? null,
    claim: stopClaim(problem, cure.stops),
  });
  return { kind: "found", diagnosis };
}

async function repair(problem: Problem, snapshot: Snapshot, assess: Assess): Promise<Repair> {
  const made = await checked(problem, snapshot, assess);
  if (made?.kind !== "made") {
    return { kind: "cannot_fix", because: made?.because ?? "the problem is of another kind in this version" };
  }
  const { cure, edits } = made;
  return {
    kind: "edits",
    edits,
    subject: subjectOf(cure.subject),
    explanation: `${cure.rootCause}\n\nThe repair: ${cure.strategy}.`,
  };
}

type Checked =
  | { kind: "made"; cure: Cure; edits: [Edit, ...Edit[]] }
  | { kind: "unknown"; because: string }
  | undefined;

/** The cure with its files' texts: they parse, hold no new error of type, and none of them is a test. */
async function checked(problem: Problem, snapshot: Snapshot, assess: Assess): Promise<Checked> {
  try {
    const found = await assess(problem, snapshot);
    if (found?.kind !== "cure") return found;
    const edits: Edit[] = [];
    for (const change of found.changes) {
      const edit = await edited(change, snapshot);
      if (typeof edit === "string") return { kind: "unknown", because: edit };
      edits.push(edit);
    }
    const [first, ...others] = edits;
    return first === undefined ? undefined : { kind: "made", cure: found, edits: [first, ...others] };
  } catch (thrown) {
    // Walking a tree recurses: code nested beyond reason is not judged.
    if (thrown instanceof RangeError) return { kind: "unknown", because: "the code is nested too deeply to be read" };
    throw thrown;
  }
}

async function edited({ path, edits }: Change, snapshot: Snapshot): Promise<Edit | string> {
  if (isTestFile(path)) return `${path} is a test, and tests are never changed`;
  const before = await snapshot.read(path);
  if (before === undefined) return `${path} cannot be read`;
  const content = applyEdits(before, edits);
  if (content === before) return `${path} is like that already`;
  if (parse(path, content) === undefined) return `${path} would not parse any more`;
  const open = await openFile(path, snapshot);
  const [error] = typeof open === "string" ? [open] : open.newErrors(content);
  return error === undefined ? { path, content } : `the change would not fit in ${path}: ${error.slice(0, 300)}`;
}
