import type { Problem } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { type Assessment, createEditingPlaybook } from "../editing.ts";
import { knownFile, placeOf } from "../places.ts";
import type { Playbook } from "../playbook.ts";
import { type ImportError, importErrorOf } from "./error-text.ts";

/** Imports that lead to no file or take out a name that is not there: corrected where only one file or name can be meant. */
export function createMovedImportPlaybook(): Playbook {
  return createEditingPlaybook("moved-import", assess);
}

/** The compiler is large; a problem of another kind never loads it. */
async function assess(problem: Problem, snapshot: Snapshot): Promise<Assessment> {
  const error = importErrorOf(problem);
  if (error === undefined) return undefined;
  if (error.kind === "use") {
    const place = await placeOf(problem, snapshot);
    if (typeof place === "string" || place.through !== null) return undefined;
    const { cureUse } = await import("./use.ts");
    return cureUse(error.name, place, snapshot);
  }
  if (isPackage(error)) return undefined;
  const { cureImport } = await import("./reported.ts");
  const place = await placeOf(problem, snapshot);
  const named = error.importer === null ? undefined : await knownFile(error.importer, snapshot);
  const importer = named ?? (typeof place === "string" ? undefined : place.path);
  return cureImport(error, { importer, importerText: named === undefined ? null : error.importer }, snapshot);
}

/** A package that is not installed is no matter of the code; short names of own folders begin with a sign. */
function isPackage(error: Exclude<ImportError, { kind: "use" }>): boolean {
  return error.kind === "path" && error.specifier !== null && !/^[./@~#]/.test(error.specifier);
}
