import { setTimeout as after } from "node:timers";
import { and, eq, sql } from "drizzle-orm";
import type { Evidence } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import type { Issue } from "#domain/issue.ts";
import { type ActiveStatus, laneStatuses, safetyStatuses } from "#domain/lifecycle.ts";
import { move, type Outcome, wait } from "#domain/outcome.ts";
import { asFailure } from "#store/outage.ts";
import { databaseNow } from "#store/read/clock.ts";
import { loadIssue } from "#store/read/issues.ts";
import { loadProject, type Project } from "#store/read/projects.ts";
import { standingOf } from "#store/read/standing.ts";
import { issues } from "#store/schema.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { type Claim, claimIssue, renewLease, retryIssue } from "#store/write/issues.ts";
import { takeLane } from "#store/write/projects.ts";
import type { Engine } from "./engine.ts";
import { issueOf, type Job } from "./queue.ts";
import { planOf, settle } from "./settle.ts";
import { type HeldClaim, worldOf } from "./world.ts";

/** While paused or behind another fix an issue looks again after this long; resuming and a free lane wake it earlier. */
const pausedRetryMs = 30_000;
const laneRetryMs = 5_000;
/** 15 s of 90 s: so long before its end a lease counts as lost, measured from the start of its last renewal (reliability B5). */
const leaseMarginShare = 1 / 6;
/** After a step was asked to stop it gets this long to end by itself. */
const stepGraceMs = 15_000;
const bugTextMax = 300;
const backoffMs = [1_000, 2_000, 5_000, 15_000, 60_000];

/**
 * One job: claim the issue, run its stage, settle the outcome. Whatever happens in between, the claim's version decides
 * whether anything may still be written; a job of an issue that moved on or is held by someone else is simply done.
 */
export async function work(engine: Engine, job: Job, status: ActiveStatus): Promise<void> {
  const { connection, lease, owner, queue } = engine;
  const issueId = issueOf(job);
  const claimedMs = engine.monotonicMs();
  const claim = await claimIssue(connection.db, { issueId, status, owner, leaseMs: lease.ttlMs });
  if (claim === undefined) return skip(engine, job, status, issueId);
  engine.observe({ kind: "claimed", issueId, status });
  const { isHeld, stopRenewing, lost } = keepLease(engine, claim, claimedMs);
  const time = AbortSignal.timeout(engine.stepMs);
  const signal = AbortSignal.any([time, lost, engine.stopping]);
  try {
    const issue = await loadIssue(connection.db, issueId).catch((thrown: unknown) =>
      unreadable(engine, claim, asFailure(thrown)),
    );
    if (issue === undefined || issue.version !== claim.version) return await queue.complete(null, job);
    await runStage(engine, job, { ...claim, isHeld, signal }, issue);
  } finally {
    stopRenewing();
  }
}

/** A row that its stage cannot use (changed by hand, say) ends like any step that cannot succeed: with its reason, and told. */
async function unreadable(engine: Engine, claim: Claim, error: unknown): Promise<undefined> {
  if (error instanceof Failure) throw error;
  const because = `The issue cannot be worked on: ${error instanceof Error ? error.message.slice(0, bugTextMax) : "its row cannot be read"}`;
  await engine.connection.db.transaction(async (tx) => {
    const standing = { issue: await standingOf(tx, claim.issueId), actor: "agent" };
    if (standing.issue.version !== claim.version) return;
    await settle(tx, engine.queue, standing, planOf(standing, move("failed", because)));
  });
  engine.observe({ kind: "step_failed", issueId: claim.issueId, status: "", because, error });
  engine.observe({ kind: "committed" });
  return undefined;
}

async function runStage(engine: Engine, job: Job, claim: HeldClaim, issue: Issue): Promise<void> {
  const project = await loadProject(engine.connection.db, engine.projectId);
  // Each claim counted one: a step that ends its process never comes to say why (reliability B9).
  if (issue.attempts > project.settings.limits.jobAttempts)
    return end(engine, job, issue, `the step ended its process ${issue.attempts - 1} times`);
  try {
    const outcome = await withinTime(engine, outcomeOf(engine, claim, issue, project));
    await commit(engine, job, issue, outcome);
  } catch (thrown) {
    // Drizzle's own errors quote the query with its values: nobody but the log may see those.
    const error = asFailure(thrown);
    engine.observe({ kind: "step_failed", issueId: issue.id, status: issue.status, because: sentenceOf(error), error });
    await afterFailure(engine, job, issue, project, error);
  }
}

/**
 * A step that never returns is given up: its attempt stays counted and its claim ends, so that whatever it still does can
 * neither write nor act (reliability B9).
 */
async function withinTime(engine: Engine, step: Promise<Outcome>): Promise<Outcome> {
  const { stepMs } = engine;
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    const said = `The step did not end within ${Math.round(stepMs / 1_000)} s.`;
    timer = after(() => reject(new Failure("unavailable", said)), stepMs + Math.min(stepMs, stepGraceMs));
  });
  try {
    return await Promise.race([step, overdue]);
  } finally {
    clearTimeout(timer);
    // Nobody waits for it any more.
    step.catch(() => undefined);
  }
}

async function outcomeOf(engine: Engine, claim: HeldClaim, issue: Issue, project: Project): Promise<Outcome> {
  const later = (ms: number) => new Date(claim.at.getTime() + ms);
  if (project.paused && !safetyStatuses.includes(issue.status)) {
    const { resumeAt } = project;
    const until = resumeAt !== null && resumeAt > claim.at ? resumeAt : later(pausedRetryMs);
    return wait(until, `the agent is paused: ${project.pausedReason ?? ""}`);
  }
  if (laneStatuses.includes(issue.status)) {
    const holder = await takeLane(engine.connection.db, project.id, issue);
    if (holder !== undefined)
      return wait(later(laneRetryMs), `another fix is on its way to production (issue ${holder})`);
  }
  return engine.pipeline.run(issue, worldOf(engine, claim, issue, project));
}

async function commit(engine: Engine, job: Job, issue: Issue, outcome: Outcome): Promise<void> {
  const standing = { issue: { ...issue, fixId: fixIdOf(issue), diagnosis: diagnosisOf(issue) }, actor: "agent" };
  const plan = planOf(standing, outcome);
  await engine.connection.db.transaction(async (tx) => {
    await settle(tx, engine.queue, standing, plan);
    await engine.queue.complete(tx, job);
  });
  if (outcome.kind === "move") {
    engine.observe({
      kind: "settled",
      issueId: issue.id,
      from: issue.status,
      to: outcome.to,
      because: outcome.because,
    });
  } else {
    const { until, because } = outcome;
    engine.observe({ kind: "waiting", issueId: issue.id, status: issue.status, until, because });
  }
  engine.observe({ kind: "committed" });
}

/** A failure that may pass runs again with back-off; one that will not, or did not in five runs, ends the step for good. */
async function afterFailure(engine: Engine, job: Job, issue: Issue, project: Project, error: unknown): Promise<void> {
  const paused = error instanceof Failure && error.code === "paused";
  if (paused) {
    const until = new Date((await databaseNow(engine.connection)).getTime() + pausedRetryMs);
    return commit(engine, job, issue, wait(until, sentenceOf(error)));
  }
  const mayPass = !(error instanceof Failure) || error.retry;
  const attemptsMax = project.settings.limits.jobAttempts;
  if (mayPass && issue.attempts < attemptsMax) return tryAgain(engine, job, issue, error);
  return end(engine, job, issue, mayPass ? `${sentenceOf(error)} (tried ${issue.attempts} times)` : sentenceOf(error));
}

/** The step cannot succeed; what that means depends on whether production was touched. */
async function end(engine: Engine, job: Job, issue: Issue, because: string): Promise<void> {
  const { to, freeze } = engine.pipeline.giveUp(issue);
  // People must not read of a rollback that was executed.
  const why = issue.status === "rolling_back" ? `ROLLBACK FAILED: ${because}` : because;
  const evidence: Evidence[] = freeze ? [{ kind: "freeze", because: `Issue ${issue.id}: ${why}` }] : [];
  await commit(engine, job, issue, move(to, why, evidence));
}

async function tryAgain(engine: Engine, job: Job, issue: Issue, error: unknown): Promise<void> {
  const delayMs = backoffMs[Math.min(issue.attempts - 1, backoffMs.length - 1)] ?? 1_000;
  const because = sentenceOf(error);
  await engine.connection.db.transaction(async (tx) => {
    const at = await retryIssue(tx, issue, {
      delayMs,
      progress: `${because}; attempt ${issue.attempts}, trying again`,
    });
    await engine.queue.sendIssue(tx, issue.status, issue.id, at);
    await engine.queue.complete(tx, job);
    const detail = { attempt: issue.attempts, status: issue.status };
    const about = { issueId: issue.id, fixId: fixIdOf(issue), actor: "agent", detail };
    await appendActions(tx, [
      action({ ...about, action: "step.failed", subject: issue.status, outcome: "failed", because }),
    ]);
  });
  engine.observe({ kind: "committed" });
}

/** Not ours to run. Where the issue only has to wait longer, a job for that time must exist. */
async function skip(engine: Engine, job: Job, status: ActiveStatus, issueId: string): Promise<void> {
  await engine.connection.db.transaction(async (tx) => {
    const [row] = await tx
      .select({ due: sql<string | null>`greatest(${issues.nextRunAt}, ${issues.leaseUntil})::text` })
      .from(issues)
      .where(and(eq(issues.id, issueId), eq(issues.status, status)));
    await engine.queue.complete(tx, job);
    if (row?.due) await engine.queue.sendIssue(tx, status, issueId, new Date(row.due));
  });
}

/** Prolongs the claim while the stage runs. Losing it needs no signal: nothing of a lost claim can be written any more. */
function keepLease(engine: Engine, claim: Claim, claimedMs: number) {
  const { ttlMs, renewEveryMs } = engine.lease;
  let stopped = false;
  let heldSinceMs = claimedMs;
  const losing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const renew = async () => {
    if (stopped) return;
    const startMs = engine.monotonicMs();
    try {
      if (!(await renewLease(engine.connection.db, claim, ttlMs))) return losing.abort();
      heldSinceMs = startMs;
    } catch (error) {
      engine.observe({ kind: "queue_error", error });
    }
    if (!stopped) timer = after(renew, renewEveryMs);
  };
  timer = after(renew, renewEveryMs);
  return {
    lost: losing.signal,
    isHeld: () => engine.monotonicMs() - heldSinceMs < ttlMs * (1 - leaseMarginShare),
    stopRenewing: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function fixIdOf(issue: Issue): string | null {
  return "fix" in issue ? issue.fix.id : null;
}

function diagnosisOf(issue: Issue) {
  return "fix" in issue ? issue.fix.diagnosis : null;
}

/** A `Failure` speaks for itself; of a bug only the first line is shown, and of a failed query not even that. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Failure) return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  if (!(error instanceof Error) || error.message.startsWith("Failed query")) return "An unexpected error, see the log";
  return `An unexpected error: ${error.message.split("\n")[0]?.slice(0, bugTextMax)}`;
}
