import { Failure } from "#domain/failure.ts";
import { cleanLine, cut } from "#domain/text.ts";
import type { Problem, TriageResult } from "#ports/engineer.ts";
import { TriageAnswer } from "./answers.ts";
import { type Acceptance, converse, type Ended, type Room } from "./conversation.ts";
import { blocked, leaks } from "./leaks.ts";
import type { StepLimits } from "./limits.ts";
import { triageSystem } from "./prompts.ts";
import { impactOf, reportOf } from "./report.ts";
import { complaintsOf, schemaOf } from "./tools/tool.ts";

const titleCharactersMax = 120;

type Triaged = { title: string; severity: Problem["severity"]; because: string };

/** A first look at the report alone, without the code. A service that is away for a while, or an odd answer, changes nothing. */
export async function triage(
  problem: Problem,
  { model, limits }: { model: string; limits: StepLimits },
  room: Room,
): Promise<TriageResult> {
  let ended: Ended<Triaged>;
  try {
    ended = await converse<Triaged>(
      {
        stage: "triage",
        role: "triage",
        passing: [impactOf(problem)],
        model,
        system: triageSystem,
        first: [room.desk.quoting.rule, reportOf(problem, room.desk.quoting), "Look at this report."].join("\n\n"),
        tools: [],
        final: {
          name: "submit_triage",
          description: "Your title and severity. Ends the work.",
          schema: schemaOf(TriageAnswer),
          accept: (input) => accepted(input, room),
        },
        limits,
        correctionsMax: 1,
      },
      room,
    );
  } catch (error) {
    if (error instanceof Failure && error.code === "unavailable") return { kind: "unchanged" };
    throw error;
  }
  if (ended.kind === "unanswered") return { kind: "unchanged" };
  if (ended.kind !== "answered") return ended;
  const { title, severity } = ended.value;
  if (severity === problem.severity && title === problem.title) return { kind: "unchanged" };
  return { kind: "triaged", ...ended.value };
}

async function accepted(input: unknown, { redact }: Room): Promise<Acceptance<Triaged>> {
  const answer = TriageAnswer.safeParse(input);
  if (!answer.success) return { kind: "invalid", because: complaintsOf(answer.error) };
  const { title, severity, because } = answer.data;
  if (leaks(`${title}\n${because}`, redact)) return { kind: "blocked", because: blocked };
  return {
    kind: "accepted",
    value: { title: cut(cleanLine(title), titleCharactersMax), severity, because: cut(cleanLine(because), 500) },
  };
}
