import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { type Assessment, createEditingPlaybook } from "../editing.ts";
import { knownFile, type Place, placesOf } from "../places.ts";
import type { Playbook } from "../playbook.ts";
import { promiseErrorOf } from "./error-text.ts";

/** A promise that is used as if it were its value: the wait is put in where the promise comes from. */
export function createMissingAwaitPlaybook(): Playbook {
  return createEditingPlaybook("missing-await", assess);
}

/** The compiler is large; a problem of another kind never loads it. */
async function assess(problem: Problem, snapshot: Snapshot): Promise<Assessment> {
  const error = promiseErrorOf(problem);
  if (error === undefined) return undefined;
  if (error.kind === "compiler") {
    const path = await knownFile(error.file, snapshot);
    if (path === undefined)
      return { kind: "unknown", because: `${error.file.slice(0, 200)} is no file of this version` };
    const place: Place = { path, line: error.line, column: null, function: "", through: null };
    const { cureAt } = await import("./cure.ts");
    return cureAt([place], error, snapshot);
  }
  const places = await placesOf(problem, snapshot);
  if (typeof places === "string") return error.kind === "shown" ? { kind: "unknown", because: places } : undefined;
  if (places[0].through !== null && error.kind !== "shown") return undefined;
  const { cureAt } = await import("./cure.ts");
  return cureAt(places, error, snapshot);
}
