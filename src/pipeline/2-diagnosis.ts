import type { Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { IssueFacts, Severity } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { severityAfter } from "#policy/second-opinion.ts";
import type { Problem, Unfinished } from "#ports/engineer.ts";
import type { Stage, World } from "./stage.ts";

const titleCharactersMax = 200;
/** How soon a step that has no money left looks again; raising the budget wakes it earlier. */
const overBudgetRetryMs = 10 * 60_000;

/** Stage 2: find the cause on the code that production runs. Only a code fault goes on; everything else ends here with its reason. */
export const diagnosis: Stage<"diagnosing"> = async (issue, world) => {
  const main = await headOfMain(world);
  const problem = await problemOf(issue, world);
  const triaged = await triage(problem, world);
  const snapshot = await world.repository.snapshot(main);
  const result = await world.engineer.diagnose(problem, snapshot, world.session);
  if (result.kind === "over_budget" || result.kind === "interrupted") return unfinished(result, world);
  if (result.kind === "unknown") return move("failed", `No automatic fix: ${result.because}`, triaged);
  const found = result.diagnosis;
  const evidence = [...triaged, ...reassessed(graver(issue, triaged), result.severity)];
  if (found.causeClass !== "code_fault") {
    return move("dismissed", `${classInWords[found.causeClass]}: ${found.rootCause}`, evidence);
  }
  return move("fixing", found.rootCause, [...evidence, { kind: "diagnosis", diagnosis: found, feedback: [] }]);
};

/** A cheap first look at title and severity. Nothing depends on it: where it cannot be had, the rules' word stands. */
async function triage(problem: Problem, world: World): Promise<Evidence[]> {
  const result = await world.engineer.triage(problem, world.session);
  if (result.kind !== "triaged") return [];
  const title = result.title.trim().slice(0, titleCharactersMax);
  const severity = severityAfter(problem.severity, result.severity);
  return [
    {
      kind: "opinion",
      by: "triage",
      title: title === "" || title === problem.title ? null : title,
      severity: severity === problem.severity ? null : severity,
      because: opinionInWords(problem.severity, result),
    },
  ];
}

function reassessed(current: Severity, opinion: { value: Severity; because: string } | null): Evidence[] {
  if (opinion === null || opinion.value === current) return [];
  const severity = severityAfter(current, opinion.value);
  const because = opinionInWords(current, { severity: opinion.value, because: opinion.because });
  return [{ kind: "opinion", by: "diagnosis", title: null, severity: severity === current ? null : severity, because }];
}

function graver(issue: IssueFacts, triaged: Evidence[]): Severity {
  const [first] = triaged;
  return first?.kind === "opinion" && first.severity !== null ? first.severity : issue.severity;
}

function opinionInWords(current: Severity, { severity, because }: { severity: Severity; because: string }): string {
  if (severity > current)
    return `the model sees ${severity}; the rules' ${current} stands, it is never lowered: ${because}`;
  return severity === current ? because : `${severity} instead of ${current}: ${because}`;
}

/** The step goes on later. Nothing is recorded yet: with the same facts the next run finds every answer that was paid for. */
export function unfinished({ kind, because }: Unfinished, world: World) {
  const delayMs = kind === "over_budget" ? overBudgetRetryMs : 0;
  return wait(new Date(world.clock.now().getTime() + delayMs), because);
}

const classInWords = {
  user_error: "A mistake of a user, not of the code",
  expected_denial: "A check doing its work, not a fault",
  infrastructure: "A fault of the infrastructure, not of the code",
  third_party: "A fault of another service, not of the code",
  developer_noise: "Noise from development, not a production fault",
  already_fixed: "Already fixed on main and waiting to be deployed",
} as const;

/** Production's code. A repository without `main` cannot be worked on. */
export async function headOfMain(world: World) {
  const main = await world.repository.head("main");
  if (main === undefined) {
    throw new Failure("misconfigured", "The repository has no branch main.", {
      hint: "main is production: create it, or point AGENT_REPOSITORY at the right repository.",
    });
  }
  return main;
}

/** What the engineer may know of the issue. */
export async function problemOf(issue: IssueFacts, world: World): Promise<Problem> {
  const { fingerprint, severity, issueType, title, message, errorType, stack, operation } = issue;
  const { environment, release, eventCount, affectedUsers } = issue;
  const [frames, past] = await Promise.all([world.read.frames(issue.id), world.read.pastIssues(issue)]);
  return {
    ...{ fingerprint, severity, issueType, title, message, errorType, stack, operation },
    ...{ environment, release, eventCount, affectedUsers, frames, past },
  };
}
