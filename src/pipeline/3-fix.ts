import { createTwoFilesPatch } from "diff";
import type { Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { Edit } from "#domain/fix.ts";
import type { Sha } from "#domain/ids.ts";
import { shortId } from "#domain/ids.ts";
import type { IssueAt } from "#domain/issue.ts";
import { move, wait } from "#domain/outcome.ts";
import { patchIdentity } from "#policy/patch.ts";
import { commitMessage } from "#policy/plain-text.ts";
import { editsVerdict, emptyChange, fileVerdict } from "#policy/protected-files.ts";
import { reviewRisks } from "#policy/risk.ts";
import { syntaxErrors } from "#policy/syntax.ts";
import type { RepairResult } from "#ports/engineer.ts";
import type { Snapshot } from "#ports/repository.ts";
import { headOfMain, problemOf, unfinished } from "./2-diagnosis.ts";
import { endAttempt } from "./attempts.ts";
import type { Stage, World } from "./stage.ts";

const rivalRetryMs = 30_000;
const branchNamesMax = 10;

type Fixing = IssueAt<"fixing">;
type Edits = Extract<RepairResult, { kind: "edits" }>;
type Change = { path: string; before: string | null; after: string | null };

/** Stage 3: write the fix as one commit on a branch of its own. What cannot be parsed, applied or allowed never reaches a branch. */
export const fix: Stage<"fixing"> = async (issue, world) => {
  const ahead =
    (await world.read.inFlightBefore(issue)) ??
    (await world.read.inFlightTouching(issue.id, issue.fix.diagnosis.files));
  if (ahead !== undefined) {
    const until = new Date(world.clock.now().getTime() + rivalRetryMs);
    return wait(until, `"${ahead.title}" goes first: it has the same cause or changes the same files`);
  }
  // A repeated attempt belongs to the fix that was counted with the first one.
  const counted = issue.fix.feedback.length > 0;
  const budget = counted ? undefined : await world.reserve("fix", issue.fix.id);
  if (budget?.kind === "full") return wait(budget.until, budget.because);
  const base = await headOfMain(world);
  const snapshot = await world.repository.snapshot(base);
  const result = await world.engineer.repair(await problemOf(issue, world), issue.fix, snapshot, world.session);
  if (result.kind === "over_budget" || result.kind === "interrupted") return unfinished(result, world);
  if (result.kind === "cannot_fix") {
    return move("failed", `It cannot be fixed automatically: ${result.because}`, [failed(result.because)]);
  }
  const refused = await refusalOfEdits(result.edits, snapshot, world);
  if (refused !== undefined) return move("rejected", refused, [failed(refused)]);
  const changes = await changesOf(result.edits, snapshot);
  const unusable = emptyChange(changes) ?? brokenSyntax(changes);
  if (unusable !== undefined) return anotherAttempt(issue, world, unusable, changes);
  return commitFix(issue, world, { base, result, changes });
};

async function commitFix(issue: Fixing, world: World, written: { base: Sha; result: Edits; changes: Change[] }) {
  const { base, result, changes } = written;
  const message = messageOf(issue, result);
  const { commit } = await world.repository.commit({ base, edits: result.edits, message, at: issue.fix.createdAt });
  const { files, diff } = await world.repository.changes(base, commit);
  const verdict = fileVerdict(files, world.settings);
  if (verdict.rejected.length > 0) {
    return move("rejected", verdict.rejected.join("; "), [failed(verdict.rejected.join("; "))]);
  }
  const patchHash = patchIdentity(diff, world.digest);
  if (await world.read.patchTried(patchHash, issue.fix.id)) {
    return anotherAttempt(issue, world, "exactly this change was tried before and did not hold", changes);
  }
  const typeErrors = await newTypeErrors(world, base, commit);
  if (typeErrors !== undefined)
    return anotherAttempt(issue, world, "it does not pass the type check", changes, typeErrors);
  const paths = files.map((file) => file.path);
  const rival = await world.read.inFlightTouching(issue.id, paths);
  if (rival !== undefined) {
    const until = new Date(world.clock.now().getTime() + rivalRetryMs);
    return wait(until, `"${rival.title}" is changing the same files`);
  }
  const branch = await publish(world, `agent/fix-${shortId(issue.fix.id)}`, commit);
  const risks = reviewRisks(changes);
  return move("testing", `${result.subject} (${paths.join(", ")})`, [
    {
      kind: "written_fix",
      branch,
      base,
      commit,
      files: paths,
      diff,
      patchHash,
      risks,
      approvalFiles: verdict.approval,
    },
  ]);
}

/** A further attempt with what went wrong as feedback, or the end when the attempts are used up. */
function anotherAttempt(issue: Fixing, world: World, because: string, changes: Change[], output: string | null = null) {
  const diff = diffOf(changes);
  const { last, sentence, evidence } = endAttempt(issue.fix, world.settings, { because, output, diff });
  if (last) return move("failed", sentence, evidence);
  return wait(world.clock.now(), sentence, evidence);
}

const diffCharactersMax = 100_000;

/** What was written and not kept: an attempt that never became a commit is shown as well. */
function diffOf(changes: Change[]): string {
  const parts = changes.map(({ path, before, after }) =>
    createTwoFilesPatch(`a/${path}`, `b/${path}`, before ?? "", after ?? ""),
  );
  return parts.join("").slice(0, diffCharactersMax);
}

function failed(because: string, output: string | null = null): Evidence {
  return { kind: "attempt_failed", because, output, diff: null };
}

async function refusalOfEdits(edits: Edit[], snapshot: Snapshot, world: World): Promise<string | undefined> {
  const existing = new Set(await snapshot.list());
  const { rejected } = editsVerdict(edits, (path) => existing.has(path), world.settings);
  return rejected.length > 0 ? rejected.join("; ") : undefined;
}

async function changesOf(edits: Edit[], snapshot: Snapshot): Promise<Change[]> {
  return Promise.all(
    edits.map(async ({ path, content }) => ({ path, before: (await snapshot.read(path)) ?? null, after: content })),
  );
}

function brokenSyntax(changes: Change[]): string | undefined {
  const errors = changes.flatMap(({ path, after }) =>
    after === null ? [] : syntaxErrors(path, after).map((error) => `${path}: ${error}`),
  );
  return errors.length > 0 ? `it does not parse: ${errors.slice(0, 5).join("; ")}` : undefined;
}

/** Output of a type check that fails with the fix and passes without it; a check that was red before says nothing about the fix. */
async function newTypeErrors(world: World, base: Sha, commit: Sha): Promise<string | undefined> {
  const withFix = await world.testBench.run(commit, "types");
  if (withFix.kind === "pending") throw new Failure("unavailable", "The type check is still running.");
  if (withFix.kind === "none" || withFix.report.outcome === "passed") return undefined;
  const without = await world.testBench.run(base, "types");
  const redBefore = without.kind === "finished" && without.report.outcome !== "passed";
  return redBefore ? undefined : withFix.report.output;
}

/** A name that someone else uses is left alone: the next free one is taken (reliability C11). */
async function publish(world: World, wanted: string, commit: Sha): Promise<string> {
  for (let n = 1; n <= branchNamesMax; n++) {
    const branch = n === 1 ? wanted : `${wanted}-${n}`;
    if ((await world.repository.publish(branch, commit)) === "published") return branch;
  }
  throw new Failure("conflict", `The branch names from ${wanted} on are all taken.`, {
    hint: "Delete branches that are no longer needed.",
  });
}

function messageOf(issue: Fixing, { subject, explanation }: Edits): string {
  const facts = { "Vigil-Issue": issue.id, "Vigil-Fix": issue.fix.id };
  return commitMessage({ subject, body: explanation, facts });
}
