import type { Diagnosis } from "#domain/diagnosis.ts";
import type { DiagnoseResult, Engineer } from "#ports/engineer.ts";

/** The model's side: there, or not and why. `because` goes into every answer that ends for lack of it. */
export type Model = { kind: "ready"; engineer: Engineer } | { kind: "absent"; because: string };

/**
 * Playbooks first, because they are free and answer the same each time; the model for all they do not know. A repair is
 * asked of whoever diagnosed; what a playbook cannot repair, or repaired in vain, the model takes over with its diagnosis.
 * `playbooks: null` leaves everything to the model.
 */
export function createPlaybooksFirst(options: { playbooks: Engineer | null; model: Model }): Engineer {
  const { playbooks, model } = options;
  return {
    triage: async (problem, session) =>
      model.kind === "ready" ? model.engineer.triage(problem, session) : { kind: "unchanged" },

    async diagnose(problem, snapshot, session) {
      const known: DiagnoseResult =
        playbooks === null
          ? { kind: "unknown", because: "playbooks are switched off" }
          : await playbooks.diagnose(problem, snapshot, session);
      if (known.kind === "over_budget" || known.kind === "interrupted") return known;
      if (model.kind === "absent") {
        return known.kind === "diagnosed" ? known : { ...known, because: `${known.because}; ${model.because}` };
      }
      if (known.kind === "diagnosed" && isSure(known.diagnosis)) return known;
      const found = await model.engineer.diagnose(problem, snapshot, session);
      // Half sure is better than nothing: a person decides about it.
      return known.kind === "diagnosed" && found.kind === "unknown" ? known : found;
    },

    async repair(problem, work, snapshot, session) {
      const isFirst = work.feedback.length === 0;
      const isOurs = playbooks !== null && work.diagnosis.engineer.startsWith("playbook:");
      // Without a model a playbook may try each of its ways; with one, its second idea is worth less than the model's first.
      if (isOurs && (isFirst || model.kind === "absent")) {
        const repaired = await playbooks.repair(problem, work, snapshot, session);
        if (repaired.kind !== "cannot_fix") return repaired;
        if (model.kind === "absent") return { kind: "cannot_fix", because: `${repaired.because}; ${model.because}` };
        session.tell(`the playbook cannot repair it: ${repaired.because}`.slice(0, 200));
      }
      if (model.kind === "absent") return { kind: "cannot_fix", because: model.because };
      return model.engineer.repair(problem, work, snapshot, session);
    },
  };
}

/** Below it a person would have to decide about the fix (spec.md §9): then the model's opinion is worth its price. */
const surePct = 80;

function isSure({ causeClass, confidence }: Diagnosis): boolean {
  return causeClass !== "code_fault" || confidence >= surePct;
}
