import type { Engineer } from "#ports/engineer.ts";
import { createDenialPlaybook } from "./denial.ts";
import { createMissingAwaitPlaybook } from "./missing-await/missing-await.ts";
import { createMisspeltPlaybook } from "./misspelt/misspelt.ts";
import { createMovedImportPlaybook } from "./moved-import/moved-import.ts";
import { createNullGuardPlaybook } from "./null-guard/null-guard.ts";
import { createOutagePlaybook } from "./outage.ts";
import { createPastTheEndPlaybook } from "./past-the-end/past-the-end.ts";
import type { Playbook } from "./playbook.ts";
import { createSpellingPlaybook } from "./spelling/spelling.ts";

const prefix = "playbook:";

/**
 * An engineer without a model: free, offline, and the same answer each time. It knows few kinds of problems and says
 * "unknown" to all others. The first playbook that knows the problem answers; its name goes into the diagnosis, and
 * the repair is asked of the same one.
 */
export function createPlaybooksEngineer(options: { playbooks?: Playbook[] } = {}): Engineer {
  const playbooks = options.playbooks ?? [
    createSpellingPlaybook(),
    createMovedImportPlaybook(),
    createMisspeltPlaybook(),
    createMissingAwaitPlaybook(),
    createNullGuardPlaybook(),
    createPastTheEndPlaybook(),
    createOutagePlaybook(),
    createDenialPlaybook(),
  ];
  return {
    triage: async () => ({ kind: "unchanged" }),
    async diagnose(problem, snapshot) {
      const reasons: string[] = [];
      for (const playbook of playbooks) {
        const finding = await playbook.diagnose(problem, snapshot);
        if (finding.kind === "found") {
          const diagnosis = { ...finding.diagnosis, engineer: `${prefix}${playbook.name}` };
          return { kind: "diagnosed", diagnosis, severity: null };
        }
        if (finding.kind === "unknown") reasons.push(finding.because);
      }
      const because = reasons.length > 0 ? reasons.join("; ") : "no playbook knows this kind of problem";
      return { kind: "unknown", because };
    },
    async repair(problem, { diagnosis, feedback }, snapshot) {
      const playbook = playbooks.find(({ name }) => diagnosis.engineer === `${prefix}${name}`);
      if (playbook === undefined) {
        return { kind: "cannot_fix", because: `no playbook repairs what ${diagnosis.engineer} found` };
      }
      if (diagnosis.causeClass !== "code_fault") {
        return { kind: "cannot_fix", because: "only a fault of the code is repaired" };
      }
      return playbook.repair(problem, diagnosis, snapshot, feedback);
    },
  };
}
