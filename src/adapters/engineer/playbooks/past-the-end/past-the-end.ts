import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { type Assessment, createEditingPlaybook } from "../editing.ts";
import { nullishErrorOf } from "../null-guard/error-text.ts";
import { placeOf } from "../places.ts";
import type { Playbook } from "../playbook.ts";

const textCharactersMax = 4_000;
const reduced = /[Rr]educe of empty array with no initial value|reduceRight of empty array/;

/** An entry that is not there, or a list with nothing in it: the empty answer, where whoever asks can do with one. */
export function createPastTheEndPlaybook(): Playbook {
  return createEditingPlaybook("past-the-end", assess);
}

/** The compiler is large; a problem of another kind never loads it. */
async function assess(problem: Problem, snapshot: Snapshot): Promise<Assessment> {
  const isReduced = reduced.test(
    `${problem.message}\n${problem.title}\n${problem.stack ?? ""}`.slice(0, textCharactersMax),
  );
  const error = isReduced ? undefined : nullishErrorOf(problem);
  const isRead = error?.form === "read" || error?.form === "destructure" || error?.form === "iterate";
  if (!isReduced && !isRead) return undefined;
  const place = await placeOf(problem, snapshot);
  if (typeof place === "string" || place.through !== null) return undefined;
  if (isReduced) {
    const { cureReduction } = await import("./reduction.ts");
    return cureReduction(place, snapshot);
  }
  const { cureEntry } = await import("./entry.ts");
  return error === undefined ? undefined : cureEntry(error, place, snapshot);
}
