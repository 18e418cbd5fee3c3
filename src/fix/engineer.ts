import { createClaudeEngineer } from "#adapters/engineer/claude/claude.ts";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { createPlaybooksFirst } from "#adapters/engineer/playbooks-first.ts";
import type { FixConfig } from "#config.ts";
import type { Diagnosis } from "#domain/diagnosis.ts";
import { Failure } from "#domain/failure.ts";
import type { Engineer, RepairResult } from "#ports/engineer.ts";
import type { Answer } from "./answer.ts";
import { digestOf } from "./world.ts";

/** Who works on the error, as the environment and `--no-playbooks` choose. */
export function engineerFor(
  { claude, baseUrl, models, playbooks }: FixConfig["engineer"],
  options: { withPlaybooks: boolean; redact: (text: string) => string },
): { engineer: Engineer; who: Answer["engineer"] } {
  const withPlaybooks = options.withPlaybooks && playbooks === "first";
  if (claude.kind !== "present") {
    if (withPlaybooks) return { engineer: playbooksAlone(), who: "playbooks" };
    throw new Failure("misconfigured", "Without playbooks there is nobody left: ANTHROPIC_API_KEY is not set.", {
      hint: "Set ANTHROPIC_API_KEY, or leave playbooks on (--no-playbooks, AGENT_PLAYBOOKS).",
    });
  }
  const { redact } = options;
  const monotonicMs = () => performance.now();
  const engineer = createClaudeEngineer({
    apiKey: claude.apiKey,
    baseUrl,
    models,
    redact,
    digest: digestOf,
    monotonicMs,
  });
  return {
    engineer: withoutTriage(
      createPlaybooksFirst({
        playbooks: withPlaybooks ? createPlaybooksEngineer() : null,
        model: { kind: "ready", engineer },
      }),
    ),
    who: withPlaybooks ? "playbooks+claude" : "claude",
  };
}

function playbooksAlone(): Engineer {
  const because = "no ANTHROPIC_API_KEY is set, so nobody else was asked";
  return createPlaybooksFirst({ playbooks: createPlaybooksEngineer(), model: { kind: "absent", because } });
}

/** One error that a person hands over needs no better title and no other place in a queue. */
function withoutTriage(engineer: Engineer): Engineer {
  return { ...engineer, triage: async () => ({ kind: "unchanged" }) };
}

/** The engineer, and what it said last: a fix that the rules refuse, or a finding that asks for none, is still worth showing. */
export function recordAnswers(engineer: Engineer): {
  engineer: Engineer;
  lastDiagnosis: () => Diagnosis | null;
  lastRepair: () => Extract<RepairResult, { kind: "edits" }> | undefined;
} {
  let lastDiagnosis: Diagnosis | null = null;
  let lastRepair: Extract<RepairResult, { kind: "edits" }> | undefined;
  return {
    lastDiagnosis: () => lastDiagnosis,
    lastRepair: () => lastRepair,
    engineer: {
      ...engineer,
      async diagnose(...given) {
        const result = await engineer.diagnose(...given);
        if (result.kind === "diagnosed") lastDiagnosis = result.diagnosis;
        return result;
      },
      async repair(...given) {
        const result = await engineer.repair(...given);
        if (result.kind === "edits") lastRepair = result;
        return result;
      },
    },
  };
}
