import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";
import type { IssueDetail, Operators } from "./operators.ts";
import { type Judged, outcomeOf, type Sighting } from "./outcome.ts";
import type { Printer } from "./printer.ts";
import type { Scenario } from "./scenarios.ts";
import type { Traffic } from "./traffic.ts";

/** Everything that a scenario is played with. */
export interface Stage {
  operators: Operators;
  traffic: Traffic;
  /** The clinic's bare repository. */
  repository: string;
  printer: Printer;
  /** Why the product ended, or `undefined` while it runs. */
  ended(): string | undefined;
  signal: AbortSignal;
  /** From the first request to the end of the issue. */
  timeoutMs: number;
}

const lookEveryMs = 150;
const healthTries = 10;
const terminal = new Set(["resolved", "failed", "rejected", "dismissed"]);
const run = promisify(execFile);

/** Plays one scenario from its first request to the state of production afterwards. */
export async function play(scenario: Scenario, stage: Stage): Promise<Judged> {
  const { printer, traffic } = stage;
  printer.begins(scenario);
  const before = { commit: await releaseOf(stage), files: await git(stage, "rev-parse", "main^{tree}") };
  const known = new Set((await stage.operators.issues()).map((issue) => issue.id));
  const scoped = endable(traffic);
  scenario.start(scoped.traffic);
  const followed = await follow(scenario, known, stage).finally(scoped.end);
  const sighting = await look(scenario, before, followed.issue, stage);
  const judged = outcomeOf(scenario, { ...followed, sighting });
  printer.ends(judged, scenario, followed.issue?.fix);
  return judged;
}

interface Followed {
  issue: IssueDetail | undefined;
  problem?: string;
}

/** Follows the scenario's issue to its end, and approves the fix where the scenario is about that. */
async function follow(scenario: Scenario, known: Set<string>, stage: Stage): Promise<Followed> {
  const until = Date.now() + stage.timeoutMs;
  let issue: IssueDetail | undefined;
  let printed = 0;
  let approved = false;
  while (Date.now() < until) {
    const ended = stage.ended();
    if (ended !== undefined) throw new Error(ended);
    const found = issue?.id ?? (await find(scenario, known, stage));
    if (found !== undefined) {
      const first = issue === undefined;
      issue = await stage.operators.issue(found);
      if (first) stage.printer.found(issue);
      for (const step of issue.timeline.slice(printed)) stage.printer.step(step);
      printed = issue.timeline.length;
      if (terminal.has(issue.status)) return { issue };
      if (issue.status === "awaiting_approval" && !approved) {
        if (!scenario.needsApproval) return { issue, problem: "it waits for a person" };
        approved = true;
        await stage.operators.approve(issue, "The demo's operator read the diff and the evidence.");
        stage.printer.note("operator", "approves the fix through the operators' API");
      }
    }
    await sleep(lookEveryMs, undefined, { signal: stage.signal });
  }
  const seconds = Math.round(stage.timeoutMs / 1_000);
  const problem = issue === undefined ? `no issue appeared in ${seconds} s` : `it did not end in ${seconds} s`;
  return { issue, problem };
}

async function find(scenario: Scenario, known: Set<string>, { operators }: Stage): Promise<string | undefined> {
  const fresh = (await operators.issues()).filter((issue) => !known.has(issue.id));
  return fresh.find((issue) => scenario.recognises(issue))?.id;
}

/** Looks at what counts in the end: what production serves and answers, and what `main` holds. */
async function look(
  scenario: Scenario,
  before: { commit: string; files: string },
  issue: IssueDetail | undefined,
  stage: Stage,
): Promise<Sighting> {
  const after = await settledHealth(stage);
  const fix = issue?.fix?.commit ?? null;
  const answer = await stage.traffic.ask("production", scenario.proof.ask).catch(() => undefined);
  return {
    before,
    after,
    main: {
      commit: await git(stage, "rev-parse", "main"),
      filesAsBefore: (await git(stage, "rev-parse", "main^{tree}")) === before.files,
    },
    mainHoldsFix: fix === null ? null : await mainHolds(stage, fix),
    proof: {
      passed: answer !== undefined && scenario.proof.accepts(answer),
      got: answer === undefined ? "no answer" : `got ${answer.status} ${answer.body.slice(0, 200)}`,
    },
  };
}

const Health = z.object({ status: z.literal("ok"), release: z.string() });

/** A release that is being replaced may miss one look. */
async function settledHealth(stage: Stage): Promise<{ healthy: boolean; commit: string | null }> {
  for (let tries = 0; tries < healthTries; tries += 1) {
    const health = await healthOf(stage.traffic, "production");
    if (health !== undefined) return { healthy: true, commit: health };
    await sleep(lookEveryMs, undefined, { signal: stage.signal });
  }
  return { healthy: false, commit: null };
}

/** The release that an environment reports in good health; otherwise `undefined`. */
export async function healthOf(traffic: Traffic, environment: "staging" | "production"): Promise<string | undefined> {
  try {
    const { status, body } = await traffic.ask(environment, { method: "GET", path: "/api/health" });
    return status === 200 ? Health.parse(JSON.parse(body)).release : undefined;
  } catch {
    return undefined;
  }
}

async function releaseOf(stage: Stage): Promise<string> {
  const { commit } = await settledHealth(stage);
  if (commit === null) throw new Error("Production does not answer in good health.");
  return commit;
}

async function mainHolds(stage: Stage, commit: string): Promise<boolean> {
  return git(stage, "merge-base", "--is-ancestor", commit, "main").then(
    () => true,
    () => false,
  );
}

async function git({ repository, signal }: Stage, ...args: string[]): Promise<string> {
  const { stdout } = await run("git", ["--git-dir", repository, ...args], { signal });
  return stdout.trim();
}

/** The same traffic, whose streams of this scenario can be ended together. */
function endable(traffic: Traffic): { traffic: Traffic; end: () => void } {
  const ends: (() => void)[] = [];
  const flow: Traffic["flow"] = (stream) => {
    const end = traffic.flow(stream);
    ends.push(end);
    return end;
  };
  return {
    traffic: { ...traffic, flow },
    end: () => {
      for (const end of ends) end();
    },
  };
}
