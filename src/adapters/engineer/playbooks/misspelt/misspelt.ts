import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { type Assessment, createEditingPlaybook } from "../editing.ts";
import { knownFile, placeOf } from "../places.ts";
import type { Playbook } from "../playbook.ts";
import { nameErrorOf } from "./error-text.ts";

/** Misspelt names of variables and members: corrected where only one declared name can be meant. */
export function createMisspeltPlaybook(): Playbook {
  return createEditingPlaybook("misspelt", assess);
}

/** The compiler is large; a problem of another kind never loads it. */
async function assess(problem: Problem, snapshot: Snapshot): Promise<Assessment> {
  const error = nameErrorOf(problem);
  if (error === undefined) return undefined;
  if (error.kind === "compiler") {
    const path = await knownFile(error.file, snapshot);
    if (path === undefined)
      return { kind: "unknown", because: `${error.file.slice(0, 200)} is no file of this version` };
    const { cureRefused } = await import("./refused.ts");
    return cureRefused(error, path, snapshot);
  }
  const place = await placeOf(problem, snapshot);
  if (typeof place === "string") return { kind: "unknown", because: place };
  if (place.through !== null) return undefined;
  if (error.kind === "variable") {
    const { cureVariable } = await import("./variable.ts");
    return cureVariable(error.name, place, snapshot);
  }
  const { cureMember, cureRead } = await import("./member.ts");
  return error.kind === "member" ? cureMember(error.name, place, snapshot) : cureRead(error.error, place, snapshot);
}
