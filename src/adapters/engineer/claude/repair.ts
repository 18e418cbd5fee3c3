import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Edit, Feedback } from "#domain/fix.ts";
import { cleanLine, cleanText, cut } from "#domain/text.ts";
import type { Problem, RepairResult } from "#ports/engineer.ts";
import { FixAnswer } from "./answers.ts";
import { codeOf, diagnosedCode } from "./context.ts";
import { type Acceptance, converse, type Room } from "./conversation.ts";
import { apply } from "./edits.ts";
import { blocked, editsLeak, leaks } from "./leaks.ts";
import type { StepLimits } from "./limits.ts";
import { testsNear } from "./project-tests.ts";
import { fixSystem } from "./prompts.ts";
import type { Quoting } from "./quoting.ts";
import { feedbackOf, impactOf, reportOf } from "./report.ts";
import { complaintsOf, schemaOf } from "./tools/tool.ts";
import { readingTools } from "./tools/tools.ts";

/** More attempts than any pipeline makes: whoever asks on does not get another idea for it. */
const attemptsMax = 5;
/** Answers that did not apply, or had a wrong shape, within one attempt. */
const correctionsMax = 3;

interface Fix {
  edits: Edit[];
  subject: string;
  explanation: string;
}

/** Writes the fix for a diagnosis, whoever made that: exact replacements and new files, as whole files in the end. */
export async function repair(
  problem: Problem,
  work: { diagnosis: Diagnosis; feedback: Feedback[] },
  { model, role, limits }: { model: string; role: "fix" | "escalate"; limits: StepLimits },
  room: Room,
): Promise<RepairResult> {
  if (work.diagnosis.causeClass !== "code_fault") {
    return { kind: "cannot_fix", because: "only a fault of the code is repaired" };
  }
  if (work.feedback.length >= attemptsMax) return { kind: "cannot_fix", because: `${attemptsMax} attempts failed` };
  const ended = await converse<Fix>(
    {
      stage: "fix",
      role,
      passing: [impactOf(problem)],
      model,
      system: fixSystem,
      first: await assignment(problem, work, room),
      tools: readingTools,
      final: {
        name: "submit_fix",
        description: "Your final fix. Ends the work.",
        schema: schemaOf(FixAnswer),
        accept: (input) => accepted(input, room),
      },
      limits,
      correctionsMax,
    },
    room,
  );
  if (ended.kind === "unanswered") return { kind: "cannot_fix", because: ended.because };
  if (ended.kind !== "answered") return ended;
  return { kind: "edits", ...ended.value };
}

async function assignment(
  problem: Problem,
  { diagnosis, feedback }: { diagnosis: Diagnosis; feedback: Feedback[] },
  { desk }: Room,
): Promise<string> {
  const code = await diagnosedCode(diagnosis, desk);
  return [
    desk.quoting.rule,
    reportOf(problem, desk.quoting),
    `# The diagnosis\n${diagnosisText(diagnosis, desk.quoting)}`,
    code === "" ? await codeOf(problem, desk) : code,
    await testsNear(diagnosis, desk),
    feedbackOf(feedback, desk.quoting),
    `This is attempt ${feedback.length + 1}. Repair the root cause.`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Also a diagnosis is foreign text: whoever made it had read foreign text. */
function diagnosisText({ rootCause, fixStrategy, files, evidence, confidence }: Diagnosis, quoting: Quoting): string {
  const lines = [
    `Root cause: ${rootCause}`,
    `Strategy: ${fixStrategy}`,
    `Files: ${files.join(", ")}`,
    ...evidence.map(({ file, line, note }) => `${file}:${line} ${note}`),
    `Confidence: ${confidence} %`,
  ];
  return quoting.block("diagnosis", lines.join("\n"), { charactersMax: 10_000 });
}

async function accepted(input: unknown, { desk, redact }: Room): Promise<Acceptance<Fix>> {
  const answer = FixAnswer.safeParse(input);
  if (!answer.success) return { kind: "invalid", because: complaintsOf(answer.error) };
  const { subject, explanation } = answer.data;
  if (leaks(`${subject}\n${explanation}`, redact)) return { kind: "blocked", because: blocked };
  const applied = await apply(answer.data, desk.reader);
  if (applied.kind === "refused") return { kind: "invalid", because: applied.because };
  if (await editsLeak(applied.edits, desk.reader, redact)) return { kind: "blocked", because: blocked };
  return {
    kind: "accepted",
    value: {
      edits: applied.edits,
      subject: cut(cleanLine(subject), 72),
      explanation: cleanText(explanation).trim(),
    },
  };
}
