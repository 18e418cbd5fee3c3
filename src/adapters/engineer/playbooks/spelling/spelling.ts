import type { Edit, Feedback } from "#domain/fix.ts";
import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { diagnosisOf, subjectOf } from "../findings.ts";
import type { Finding, Playbook, Repair } from "../playbook.ts";
import type { Dictionary } from "./dictionary.ts";
import type { Slip, SlipSearch } from "./slips.ts";

const types = /^(?:typo|spelling|spelling[_ -]?(?:error|mistake)|misspelling|typographical)s?$/i;
const words =
  /\b(?:typos?|mis-?spel(?:t|led|lings?)|spelling|spelled wrong(?:ly)?|spelt wrong(?:ly)?|typographical)\b/i;
const spelledFilesMax = 20;

/** Misspelt words in texts that people read: exactly those words are replaced, where only one word can be meant. */
export function createSpellingPlaybook(): Playbook {
  let loading: Promise<Dictionary> | undefined;
  /** Loading takes a second, and the words never change. After a failure the next report tries again. */
  const dictionary: Load = () => {
    loading ??= loaded().catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    name: "spelling",
    diagnose: (problem, snapshot) => diagnose(problem, snapshot, dictionary),
    repair: (problem, _, snapshot, feedback) => repair(problem, snapshot, feedback, dictionary),
  };
}

type Load = () => Promise<Dictionary>;

async function loaded(): Promise<Dictionary> {
  const { loadDictionary } = await import("./dictionary.ts");
  return loadDictionary();
}

async function diagnose(problem: Problem, snapshot: Snapshot, dictionary: Load): Promise<Finding> {
  const found = await search(problem, snapshot, dictionary);
  if (found === undefined) return { kind: "not_mine" };
  if (found.kind === "none") return { kind: "unknown", because: found.because };
  const { slips, confidence } = found;
  const list = pairsOf(slips).map(([wrong, right]) => `"${wrong}" is "${right}" misspelt`);
  const diagnosis = diagnosisOf({
    causeClass: "code_fault",
    rootCause: `${list.join("; ")}, in ${placesOf(slips)}, in a text that people read.${found.inTests === null ? "" : ` ${found.inTests} expects the misspelt text and is left for a person.`}`,
    evidence: slips.map(({ path, line, text }) => ({ file: path, line, note: text })),
    fixStrategy: `Replace exactly ${pairsOf(slips)
      .map(([wrong, right]) => `"${wrong}" by "${right}"`)
      .join(", ")}; nothing else changes.`,
    files: [...new Set(slips.map(({ path }) => path))],
    confidence: found.inTests === null ? confidence : Math.min(confidence, 75),
    claim: {
      kind: "nothing_to_stop",
      statement: "Only the wording of a text changes; no error has to stop and none may appear.",
    },
  });
  return { kind: "found", diagnosis };
}

async function repair(problem: Problem, snapshot: Snapshot, feedback: Feedback[], dictionary: Load): Promise<Repair> {
  if (feedback.length > 0)
    return { kind: "cannot_fix", because: "there is only one way to spell it, and it was tried" };
  const found = await search(problem, snapshot, dictionary);
  if (found?.kind !== "slips")
    return { kind: "cannot_fix", because: found?.because ?? "no misspelt word was reported" };
  const edits: Edit[] = [];
  for (const path of new Set(found.slips.map((slip) => slip.path))) {
    const content = await snapshot.read(path);
    if (content === undefined) return { kind: "cannot_fix", because: `${path} cannot be read any more` };
    edits.push({
      path,
      content: corrected(
        content,
        found.slips.filter((slip) => slip.path === path),
      ),
    });
  }
  const [[wrong, right] = ["", ""], ...more] = pairsOf(found.slips);
  return {
    kind: "edits",
    edits,
    subject: subjectOf(
      more.length === 0 ? `Correct "${wrong}" to "${right}"` : `Correct ${more.length + 1} misspelt words`,
    ),
    explanation: `People read ${pairsOf(found.slips)
      .map(([old, now]) => `"${old}" where "${now}" is meant`)
      .join("; ")} in ${placesOf(found.slips)}. Only these words change.`,
  };
}

/** Loads compiler and dictionaries only for problems that speak of spelling. */
async function search(problem: Problem, snapshot: Snapshot, dictionary: Load): Promise<SlipSearch | undefined> {
  const isSpelling =
    types.test(problem.issueType.trim()) ||
    (problem.errorType === null && words.test(`${problem.title}\n${problem.message}`.slice(0, 2_000)));
  if (!isSpelling) return undefined;
  const { findSlips } = await import("./slips.ts");
  return findSlips(problem, snapshot, await dictionary());
}

function corrected(content: string, slips: Slip[]): string {
  let text = content;
  for (const { start, wrong, right } of slips.toSorted((one, other) => other.start - one.start)) {
    text = text.slice(0, start) + right + text.slice(start + wrong.length);
  }
  return text;
}

function pairsOf(slips: Slip[]): [string, string][] {
  const pairs = new Map<string, [string, string]>();
  for (const { wrong, right } of slips)
    if (!pairs.has(wrong.toLowerCase())) pairs.set(wrong.toLowerCase(), [wrong, right]);
  return [...pairs.values()];
}

function placesOf(slips: Slip[]): string {
  const places = [...new Set(slips.map(({ path, line }) => `${path}:${line}`))];
  return places.length <= spelledFilesMax ? places.join(", ") : `${places.length} places`;
}
