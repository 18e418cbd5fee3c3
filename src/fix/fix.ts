import { randomUUID } from "node:crypto";
import { type Folder, findFolder } from "#adapters/repository/folder.ts";
import { type FolderState, recordState } from "#adapters/repository/folder-state.ts";
import { probeSandbox } from "#adapters/test-bench/sandbox.ts";
import type { FixConfig } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import type { Outcome } from "#domain/outcome.ts";
import { Settings } from "#domain/settings.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { isTestFile } from "#policy/risk/added-lines.ts";
import type { Engineer } from "#ports/engineer.ts";
import type { Answer } from "./answer.ts";
import { applyChange } from "./apply.ts";
import { nodeOnPath } from "./dependencies.ts";
import { drive } from "./drive.ts";
import { engineerFor, recordAnswers } from "./engineer.ts";
import { chosenError, type ReportedError, reportedErrors } from "./error-input.ts";
import { type Ground, groundOf } from "./ground.ts";
import { issueOf } from "./issue.ts";
import { createScratch } from "./scratch.ts";
import { createSpending } from "./session.ts";
import { suspectsOf } from "./suspects.ts";
import { shownFix, verdictOf, versionsOf } from "./verdict.ts";
import { digestOf, worldOf } from "./world.ts";

export interface FixRequest {
  /** Any folder of a Git repository, in any state. */
  folder: string;
  /** The error as it was handed over. */
  error: Uint8Array;
  /** `null`: the project's own test script. */
  testCommand: string | null;
  /** `null`: the one on the path. */
  node: string | null;
  withPlaybooks: boolean;
  /** In dollars, for the whole run. */
  budgetUsd: number;
  apply: boolean;
}

export interface FixTools {
  config: FixConfig;
  signal: AbortSignal;
  /** Hears what is being done. */
  tell: (news: News) => void;
  now: () => Date;
}

/** What a person who watches is told. */
export type News =
  | { kind: "state"; folder: Folder; state: FolderState; who: Answer["engineer"] }
  | { kind: "error"; error: ReportedError }
  | { kind: "stage"; status: string; outcome: Outcome }
  | { kind: "running"; what: "tests" | "types"; isBase: boolean }
  | { kind: "progress"; text: string };

/**
 * Diagnoses one error in somebody's folder and repairs it on a copy, by the pipeline's own stages. The folder is only read,
 * unless `apply` is set and the fix holds. Failures: `not_found`, `invalid`, `misconfigured` and the like, before anything is
 * run or paid for; later ones mean that a service is out of reach.
 */
export async function fixError(request: FixRequest, tools: FixTools): Promise<Answer> {
  const startMs = performance.now();
  const { config, now, tell } = tools;
  const { claude } = config.engineer;
  const scrubber = createScrubber(claude.kind === "present" ? [claude.apiKey] : []);
  const errors = reportedErrors(request.error, { scrubber, now: now(), newId: randomUUID });
  const folder = await findFolder(request.folder);
  if (request.apply && folder.top === null) throw nowhereToApply();
  const { engineer, who } = engineerFor(config.engineer, { ...request, redact: scrubber.code });
  const nodePath = request.node ?? (await nodeOnPath(config.searchPath, process.execPath));
  await requireSandbox(config, nodePath);
  const scratch = await createScratch();
  try {
    const state = await recordState(folder, { directory: scratch.folder, at: now() });
    tell({ kind: "state", folder, state, who });
    const ground = await groundOf({
      ...{ folder, state, scratch: scratch.folder, nodePath },
      ...{ testCommand: request.testCommand, isolation: config.isolation },
      tell: (what, isBase) => tell({ kind: "running", what, isBase }),
    });
    const isTest = isTestFile;
    const error = chosenError(errors, { files: ground.files, prefix: folder.prefix, isTest });
    tell({ kind: "error", error });
    const answer = await run({ error, engineer, ground, folder }, request, tools);
    return { ...answer, engineer: who, seconds: Math.round(performance.now() - startMs) / 1_000 };
  } finally {
    await scratch.remove();
  }
}

/** One person asks for one fix and looks at it: what the product asks a person for because of its level asks nobody here. */
const settings = Settings.parse({ autonomyLevel: 3 });

async function run(
  given: { error: ReportedError; engineer: Engineer; ground: Ground; folder: Folder },
  request: FixRequest,
  { signal, tell, now }: FixTools,
): Promise<Omit<Answer, "engineer" | "seconds">> {
  const { error, ground, folder } = given;
  const newId = () => randomUUID();
  const spending = createSpending({
    ...{ budgetUsd: request.budgetUsd, signal, newId },
    tell: (text) => tell({ kind: "progress", text }),
  });
  const { engineer, lastDiagnosis, lastRepair } = recordAnswers(given.engineer);
  const { repository, bench: testBench } = ground;
  const { session } = spending;
  const world = worldOf({ settings, repository, testBench, engineer, session, error, now });
  const fingerprint = digestOf(`${error.errorType} ${error.message}`).slice(0, 32);
  const ending = await drive(issueOf(error, { fingerprint, at: now(), id: newId() }), world, {
    ...{ newId, signal },
    tell: (status, outcome) => tell({ kind: "stage", status, outcome }),
  });
  const shown = await shownFix(ending, lastRepair(), ground);
  // The answer says how the tests were before, also where no stage had to know.
  if (ending.tested !== null) await testBench.run(ground.base, "tests");
  const suspects = await suspectsOf(error.frames, ground.files, ground.snapshot);
  const verdict = verdictOf({ ending, diagnosis: lastDiagnosis(), suspects, ground, spending, settings, shown });
  if (!request.apply || shown === undefined || ending.at !== "staging" || folder.top === null) return verdict;
  const refused = await applyChange(folder.top, await versionsOf(shown, ground));
  if (refused === undefined) return { ...verdict, applied: true };
  return { ...verdict, reasons: [...verdict.reasons, `The change was not applied: ${refused}.`] };
}

/** Before anything is paid for: without a sandbox nothing of the folder is run. */
async function requireSandbox({ isolation }: FixConfig, nodePath: string): Promise<void> {
  if (isolation === "none") return;
  const probe = await probeSandbox({ nodePath });
  if (probe.kind === "available") return;
  throw new Failure("misconfigured", `Tests cannot run safely on this machine: ${probe.why}.`, { hint: probe.hint });
}

function nowhereToApply(): Failure {
  return new Failure("invalid", "A bare repository has no files that --apply could change.", {
    hint: "Leave --apply out: the diff is printed.",
  });
}
