import type { IssueDetail } from "./operators.ts";
import type { Scenario } from "./scenarios.ts";

/** How one scenario ended: one element of what `--json` prints. Names and shape are a contract. */
export interface ScenarioOutcome {
  name: string;
  issue: { severity: string | null; status: string | null };
  timeline: { at: string; status: string }[];
  fix: { files: string[]; commit: string | null; diff: string | null };
  production: { healthy: boolean; commit: string | null };
  expected: string;
  ok: boolean;
}

/** An outcome, and for people what differed from the expectation. */
export interface Judged {
  outcome: ScenarioOutcome;
  problems: string[];
}

/** What was seen of production around a scenario, and of the clinic's repository. */
export interface Sighting {
  before: { commit: string };
  after: { healthy: boolean; commit: string | null };
  /** Head of `main` afterwards; and whether its files are those of `before`. */
  main: { commit: string; filesAsBefore: boolean };
  /** `main` contains the fix's commit; `null` when there is none. */
  mainHoldsFix: boolean | null;
  proof: { passed: boolean; got: string };
}

/** Compares what happened with what the scenario promises. `problem`: why it could not be followed to its end. */
export function outcomeOf(
  scenario: Scenario,
  seen: { issue: IssueDetail | undefined; sighting: Sighting | undefined; problem?: string },
): Judged {
  const { issue, sighting, problem } = seen;
  const problems = [
    ...(problem === undefined ? [] : [problem]),
    ...(issue === undefined ? [] : issueProblems(scenario, issue)),
    ...(sighting === undefined ? [] : productionProblems(scenario, sighting)),
  ];
  const complete = issue !== undefined && sighting !== undefined;
  const outcome = {
    name: scenario.name,
    issue: { severity: issue?.severity ?? null, status: issue?.status ?? null },
    timeline: (issue?.timeline ?? []).map(({ at, status }) => ({ at, status })),
    fix: { files: issue?.fix?.files ?? [], commit: issue?.fix?.commit ?? null, diff: issue?.fix?.diff ?? null },
    production: sighting?.after ?? { healthy: false, commit: null },
    expected: scenario.expected,
    ok: complete && problems.length === 0,
  };
  return { outcome, problems };
}

/** The line that `--json` ends with. */
export function resultLine(outcomes: readonly ScenarioOutcome[], asked: number): string {
  const ok = outcomes.length === asked && asked > 0 && outcomes.every((outcome) => outcome.ok);
  return JSON.stringify({ ok, scenarios: outcomes });
}

function issueProblems(scenario: Scenario, issue: IssueDetail): string[] {
  const statuses = issue.timeline.map((step) => step.status);
  const missing = scenario.through.filter((status) => !statuses.includes(status));
  return [
    ...differs("severity", issue.severity, scenario.severity),
    ...differs("status", issue.status, scenario.status),
    ...(missing.length === 0 ? [] : [`it never was ${missing.join(", ")}`]),
    ...(scenario.needsApproval || !statuses.includes("awaiting_approval") ? [] : ["it asked for an approval"]),
  ];
}

function productionProblems(scenario: Scenario, { before, after, main, mainHoldsFix, proof }: Sighting): string[] {
  const problems = after.healthy ? [] : ["production is not healthy"];
  if (!proof.passed) problems.push(`not so: ${scenario.proof.inWords} (${proof.got})`);
  if (scenario.production === "fixed") {
    problems.push(...differs("production's commit", after.commit, main.commit));
    if (after.commit === before.commit) problems.push("production still serves the version of before");
    if (mainHoldsFix !== true) problems.push("main does not hold the fix");
    return problems;
  }
  problems.push(...differs("production's commit", after.commit, before.commit));
  if (!main.filesAsBefore) problems.push("main's files are not those of before");
  return problems;
}

function differs(what: string, got: string | null, expected: string): string[] {
  return got === expected ? [] : [`${what} is ${got ?? "unknown"}, expected ${expected}`];
}
