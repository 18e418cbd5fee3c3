import type { Feedback } from "#domain/fix.ts";
import type { PastIssue, Problem } from "#ports/engineer.ts";
import type { Quoting } from "./quoting.ts";

/** The problem and its past, in words: all of it foreign text, all of it bounded. */

const messageCharactersMax = 4_000;
const stackCharactersMax = 6_000;
const outputCharactersMax = 6_000;
const diffCharactersMax = 6_000;
const pastMax = 5;
const attemptsMax = 5;

export function reportOf(problem: Problem, quoting: Quoting): string {
  const facts = [
    `title: ${problem.title.slice(0, 500)}`,
    `kind: ${problem.issueType.slice(0, 60)}`,
    `error type: ${(problem.errorType ?? "none").slice(0, 200)}`,
    `operation: ${(problem.operation ?? "unknown").slice(0, 300)}`,
    `release: ${(problem.release ?? "unknown").slice(0, 80)}`,
  ];
  const blocks = [
    quoting.block("facts as reported", facts.join("\n"), { charactersMax: 1_500 }),
    quoting.block("error message", problem.message, { charactersMax: messageCharactersMax }),
  ];
  if (problem.stack !== null) blocks.push(quoting.block("stack", problem.stack, { charactersMax: stackCharactersMax }));
  return `# The problem\n${impactOf(problem)}\n${blocks.join("\n")}`;
}

/** How far it has spread: this grows while a step runs, and a step that runs again must find its requests all the same. */
export function impactOf({ severity, environment, eventCount, affectedUsers }: Problem): string {
  const users = affectedUsers < 0 ? "everyone" : magnitude(affectedUsers);
  return `Severity ${severity}, in ${environment}; events: ${magnitude(eventCount)}, users affected: ${users}.`;
}

/** An exact count says no more than this. */
function magnitude(count: number): string {
  if (count <= 1) return count === 1 ? "1" : "0";
  return count <= 10 ? "2 to 10" : count <= 100 ? "11 to 100" : count <= 1_000 ? "101 to 1,000" : "more than 1,000";
}

export function pastOf(past: PastIssue[], quoting: Quoting): string {
  if (past.length === 0) return "";
  const lines = past.slice(0, pastMax).map(({ title, likeness, status, because, rootCause, commit, endedAt }) => {
    const cause = rootCause === null ? "" : `; cause: ${rootCause.slice(0, 500)}`;
    const fix = commit === null ? "" : `; fixed by ${commit.slice(0, 10)}`;
    return `- ${likeness.replaceAll("_", " ")}: ${title.slice(0, 200)} → ${status} on ${endedAt.toISOString().slice(0, 10)} (${because.slice(0, 300)})${cause}${fix}`;
  });
  const text = quoting.block("similar issues of this project", lines.join("\n"), { charactersMax: 5_000 });
  return `# How similar problems ended: knowledge, not proof\n${text}`;
}

/** What earlier attempts changed and why they failed, the newest ones. */
export function feedbackOf(feedback: Feedback[], quoting: Quoting): string {
  return feedback
    .slice(-attemptsMax)
    .map(({ attempt, because, output, diff }) => {
      const blocks = [quoting.block("why", because, { charactersMax: 2_000 })];
      if (diff !== null) blocks.push(quoting.block("what it changed", diff, { charactersMax: diffCharactersMax }));
      // The end tells most: runners sum up there.
      const end = output?.slice(-outputCharactersMax);
      if (end !== undefined)
        blocks.push(quoting.block("the end of the output", end, { charactersMax: outputCharactersMax }));
      return `# Attempt ${attempt} failed\n${blocks.join("\n")}`;
    })
    .join("\n");
}
