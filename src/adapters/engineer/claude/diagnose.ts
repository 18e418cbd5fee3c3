import type { DiagnoseResult, Problem } from "#ports/engineer.ts";
import { DiagnosisAnswer, diagnosisOf, objectionsTo } from "./answers.ts";
import { codeOf } from "./context.ts";
import { type Acceptance, converse, type Room } from "./conversation.ts";
import { blocked, leaks } from "./leaks.ts";
import type { StepLimits } from "./limits.ts";
import { diagnoseSystem } from "./prompts.ts";
import { impactOf, pastOf, reportOf } from "./report.ts";
import { complaintsOf, schemaOf } from "./tools/tool.ts";
import { readingTools } from "./tools/tools.ts";

/** Finds the cause by reading: the report and the code around the stack first, then whatever the model asks to see. */
export async function diagnose(
  problem: Problem,
  { model, limits }: { model: string; limits: StepLimits },
  room: Room,
): Promise<DiagnoseResult> {
  const { quoting } = room.desk;
  const past = pastOf(problem.past, quoting);
  const parts = [quoting.rule, reportOf(problem, quoting), await codeOf(problem, room.desk), past];
  const ended = await converse(
    {
      stage: "diagnose",
      role: "diagnose",
      passing: [impactOf(problem), past],
      model,
      system: diagnoseSystem,
      first: [...parts, "Find the root cause of this problem."].filter((part) => part !== "").join("\n\n"),
      tools: readingTools,
      final: {
        name: "submit_diagnosis",
        description: "Your final diagnosis. Ends the work.",
        schema: schemaOf(DiagnosisAnswer),
        accept: (input) => accepted(input, room),
      },
      limits,
      correctionsMax: 1,
    },
    room,
  );
  if (ended.kind === "unanswered") return { kind: "unknown", because: ended.because };
  if (ended.kind !== "answered") return ended;
  const { severity } = ended.value;
  const isCorrection = severity != null && severity.value !== problem.severity;
  return {
    kind: "diagnosed",
    diagnosis: diagnosisOf(ended.value, problem, model),
    severity: isCorrection ? severity : null,
  };
}

async function accepted(input: unknown, { desk, redact }: Room): Promise<Acceptance<DiagnosisAnswer>> {
  const answer = DiagnosisAnswer.safeParse(input);
  if (!answer.success) return { kind: "invalid", because: complaintsOf(answer.error) };
  if (leaks(textsOf(answer.data), redact)) return { kind: "blocked", because: blocked };
  const objections = await objectionsTo(answer.data, desk.reader);
  if (objections.length > 0) return { kind: "invalid", because: objections.join("\n") };
  return { kind: "accepted", value: answer.data };
}

/** Everything in an answer that people or programs will read. */
function textsOf(answer: DiagnosisAnswer): string {
  const { rootCause, fixStrategy, claim, evidence, files, requiresPersonBecause, severity } = answer;
  const notes = evidence.flatMap(({ file, note }) => [file, note]);
  return [rootCause, fixStrategy, claim, ...notes, ...files, requiresPersonBecause ?? "", severity?.because ?? ""].join(
    "\n",
  );
}
