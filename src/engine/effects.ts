import { and, eq, like, sql } from "drizzle-orm";
import { Failure } from "#domain/failure.ts";
import type { Environment, Sha } from "#domain/ids.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import type { Connection } from "#store/connect.ts";
import { actions, issues, projects } from "#store/schema.ts";
import { action, appendActions } from "#store/write/actions.ts";
import type { Claim } from "#store/write/issues.ts";
import type { Observer } from "./observe.ts";

/** An act on the outside world. The key names it: however often it is repeated, the audit says once that it was done. */
interface Effect {
  name: string;
  key: string;
  subject: string;
  detail: Record<string, unknown>;
  /** Goes on while the agent is paused: it keeps production safe (spec.md §12). */
  safety: boolean;
}

export interface Guard {
  connection: Connection;
  projectId: string;
  claim: Claim;
  issue: { id: string; fixId: string | null };
  /** The issue is being taken back: moving main, or asking people to, serves safety. */
  safety: boolean;
  wallClock(): Date;
  /** Asked right before the act: a process that was stopped for long must not act on what it knew before (reliability B2). */
  isHeld(): boolean;
  observe: Observer;
}

/**
 * Before anything happens outside: the claim still holds, the agent is not paused, and the intent is on record
 * (reliability B4, D22, D25). After it: that it was done. A repetition finds its intent and only looks and acts.
 */
async function perform<T>(
  guard: Guard,
  effect: Effect,
  act: () => Promise<T>,
  isDone: (result: T) => boolean,
): Promise<T> {
  await intend(guard, effect);
  guard.observe({ kind: "effect_intended", effect: effect.name, key: effect.key });
  if (!guard.isHeld()) throw new Failure("stale", "Another worker may have taken over this issue.");
  const result = await act();
  guard.observe({ kind: "effect_acted", effect: effect.name, key: effect.key });
  if (isDone(result)) {
    await record(guard, effect, "done");
    guard.observe({ kind: "effect_recorded", effect: effect.name, key: effect.key });
  }
  return result;
}

/** Beyond this the two clocks disagree too much for anything outside to be changed (reliability B6). */
const skewMaxMs = 60_000;

async function intend(guard: Guard, effect: Effect): Promise<void> {
  const { connection, claim, projectId } = guard;
  await connection.db.transaction(async (tx) => {
    const [held] = await tx
      .select({ version: issues.version, now: sql<string>`clock_timestamp()::text` })
      .from(issues)
      .where(and(eq(issues.id, claim.issueId), eq(issues.version, claim.version)));
    if (held === undefined) throw new Failure("stale", "Another worker took over this issue.");
    // Bringing a version back needs no exact time, and waiting for one would keep the bad version serving.
    if (!effect.safety) refuseSkew(new Date(held.now), guard.wallClock());
    const [project] = await tx
      .select({ paused: projects.paused, reason: projects.pausedReason })
      .from(projects)
      .where(eq(projects.id, projectId))
      // A pause waits for this intent, or this intent sees it: none is ever written after the pause was committed.
      .for("share");
    if (project?.paused && !effect.safety) {
      throw new Failure("paused", `The agent is paused: ${project.reason ?? "no reason was given"}`);
    }
    const [known] = await tx
      .select({ seq: actions.seq })
      .from(actions)
      .where(eq(actions.effectKey, effect.key))
      .limit(1);
    if (known === undefined) await appendActions(tx, [rowOf(guard, effect, "intended")]);
  });
}

function refuseSkew(database: Date, machine: Date): void {
  const skewMs = Math.abs(database.getTime() - machine.getTime());
  if (skewMs <= skewMaxMs) return;
  throw new Failure(
    "unavailable",
    `This machine's clock and the database's differ by ${Math.round(skewMs / 1_000)} s.`,
    {
      hint: "Synchronise the clocks: nothing is pushed or deployed until then.",
    },
  );
}

async function record(guard: Guard, effect: Effect, outcome: "done"): Promise<void> {
  await guard.connection.db.transaction((tx) => appendActions(tx, [rowOf(guard, effect, outcome)]));
}

/** A push that a killed worker did not live to record: the branch is where it was to be moved to, so it was done. */
async function adopt(guard: Guard, branch: string, head: Sha): Promise<void> {
  const { connection, issue, observe } = guard;
  const found = await connection.db
    .select({ name: actions.action, key: actions.effectKey, detail: actions.detail, outcome: actions.outcome })
    .from(actions)
    .where(and(eq(actions.issueId, issue.id), eq(actions.subject, branch), like(actions.action, "repository.%")));
  const done = new Set(found.filter(({ outcome }) => outcome === "done").map(({ key }) => key));
  for (const { name, key, detail, outcome } of found) {
    if (key === null || outcome !== "intended" || done.has(key) || detail.to !== head) continue;
    await record(guard, { name, key, subject: branch, detail, safety: true }, "done");
    observe({ kind: "effect_recorded", effect: name, key });
  }
}

function rowOf({ issue }: Guard, effect: Effect, outcome: "intended" | "done") {
  const { name, key, subject, detail } = effect;
  return action({
    issueId: issue.id,
    fixId: issue.fixId,
    actor: "agent",
    action: name,
    subject,
    outcome,
    detail,
    effectKey: key,
  });
}

/** The repository as a stage sees it: looking is free, moving a branch is an effect. */
export function guardRepository(repository: Repository, guard: Guard): Repository {
  const moving = (name: string, branch: string, move: { from: Sha; to: Sha }, safety: boolean): Effect => ({
    name: `repository.${name}`,
    key: `repository.${name}:${branch}:${move.from}:${move.to}`,
    subject: branch,
    detail: move,
    safety,
  });
  return {
    ...repository,
    head: async (branch) => {
      const head = await repository.head(branch);
      if (head !== undefined) await adopt(guard, branch, head);
      return head;
    },
    publish: (branch, commit) =>
      perform(
        guard,
        {
          name: "repository.publish",
          key: `repository.publish:${branch}:${commit}`,
          subject: branch,
          detail: { commit },
          safety: guard.safety,
        },
        () => repository.publish(branch, commit),
        (result) => result === "published",
      ),
    advance: (branch, move) =>
      perform(
        guard,
        moving("advance", branch, move, guard.safety),
        () => repository.advance(branch, move),
        (result) => result.kind === "advanced",
      ),
    replace: (branch, move) =>
      perform(
        guard,
        moving("replace", branch, move, false),
        () => repository.replace(branch, move),
        (result) => result.kind === "replaced",
      ),
    propose: (request) =>
      perform(
        guard,
        {
          name: "repository.propose",
          key: `repository.propose:${request.branch}:${request.into}`,
          subject: request.branch,
          detail: { into: request.into },
          safety: guard.safety,
        },
        () => repository.propose(request),
        (result) => result.kind === "proposed",
      ),
  };
}

/** The platform as a stage sees it: deploying and restoring are effects. */
export function guardPlatform(platform: Platform, guard: Guard): Platform {
  const release = (name: string, environment: Environment, commit: Sha, safety: boolean): Effect => ({
    name: `platform.${name}`,
    key: `platform.${name}:${environment}:${commit}:${guard.issue.fixId ?? guard.issue.id}`,
    subject: environment,
    detail: { commit },
    safety,
  });
  return {
    ...platform,
    // Production is only deployed to after main moved: stopping then would leave the two apart.
    ensureDeployed: (environment, commit) =>
      perform(
        guard,
        release("deploy", environment, commit, environment === "production"),
        () => platform.ensureDeployed(environment, commit),
        (result) => result.kind === "ready",
      ),
    restore: (environment, commit) =>
      perform(
        guard,
        release("restore", environment, commit, true),
        () => platform.restore(environment, commit),
        (result) => result !== "unsupported",
      ),
  };
}
