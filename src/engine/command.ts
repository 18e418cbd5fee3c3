import { Failure } from "#domain/failure.ts";
import { IssueId } from "#domain/ids.ts";
import { isActive, type Status } from "#domain/lifecycle.ts";
import type { Mute, MuteConditions } from "#domain/mute.ts";
import { move } from "#domain/outcome.ts";
import { approvalVoid, policyHash } from "#policy/autonomy.ts";
import { type Command, refusal } from "#policy/commands.ts";
import type { Transaction } from "#store/connect.ts";
import { databaseNow } from "#store/read/clock.ts";
import { loadProject } from "#store/read/projects.ts";
import { isLive, standingOf } from "#store/read/standing.ts";
import { action } from "#store/write/actions.ts";
import { decideApproval, pendingApproval } from "#store/write/approvals.ts";
import { noteFalseAlarm, setMute } from "#store/write/findings.ts";
import { lockIssue } from "#store/write/issues.ts";
import type { Engine } from "./engine.ts";
import { planOf, settle } from "./settle.ts";

export interface CommandRequest {
  command: Command;
  issueId: string;
  /** `operator:<name>` or `token:<name>`; never the agent itself (reliability D29). */
  actor: string;
  reason?: string | undefined;
  /** The diff that the person saw; a different one is refused. */
  diffHash?: string | undefined;
  /** `mute`: by what it comes back. */
  mute?: MuteConditions | undefined;
  /** `dismiss`: it never was a problem, and the rule that opened it is to blame. */
  falseAlarm?: boolean | undefined;
}

const targets: Record<Command, Status> = {
  approve: "deploying",
  reject: "rejected",
  retry: "detected",
  dismiss: "dismissed",
  mute: "dismissed",
  revert: "rolling_back",
};

/**
 * Carries out what an operator asks, or says why not, under the issue's row lock: of two operators exactly one decides,
 * and the other one is told what happened (reliability B16).
 */
export async function give(engine: Engine, request: CommandRequest): Promise<void> {
  const issueId = IssueId.safeParse(request.issueId);
  if (!issueId.success) throw new Failure("not_found", "There is no such issue.");
  const now = await databaseNow(engine.connection);
  const mute = request.command === "mute" ? muteOf(request, now) : undefined;
  await engine.connection.db.transaction(async (tx) => {
    const locked = await lockIssue(tx, issueId.data);
    if (locked === undefined) throw new Failure("not_found", "There is no such issue.");
    const refused = refusal(request.command, { ...locked, isLive: await isLive(tx, locked.fixId) });
    if (refused !== undefined)
      throw new Failure("conflict", refused, { hint: `The issue is ${inWords(locked.status)}.` });
    if (request.command === "approve" || request.command === "reject") await decide(engine, tx, request);
    await carryOut(engine, tx, request, issueId.data);
    if (mute !== undefined) await setMute(tx, issueId.data, mute);
    if (request.falseAlarm === true) await noteFalseAlarm(tx, issueId.data);
  });
  engine.observe({ kind: "committed" });
}

function muteOf({ mute, actor }: CommandRequest, since: Date): Mute {
  if (mute === undefined) {
    throw new Failure("invalid", "To mute an issue, say until when.", {
      hint: "Name at least one of until, events, users, spike.",
    });
  }
  if (mute.until !== null && mute.until <= since) throw new Failure("invalid", "until lies in the past.");
  return { ...mute, since, by: actor };
}

/** The decision is bound to the very candidate, the rules and the time that the person was shown (reliability C5). */
async function decide(engine: Engine, tx: Transaction, request: CommandRequest): Promise<void> {
  const { issueId, actor, reason, diffHash, command } = request;
  const pending = await pendingApproval(tx, issueId);
  if (pending === undefined)
    throw new Failure("conflict", "This fix is not waiting for approval.", { hint: "Reload the page." });
  if (diffHash !== undefined && diffHash !== pending.candidate.diffHash) {
    throw new Failure("conflict", "The fix changed since you looked at it.", {
      hint: "Reload the page and look at the new diff.",
    });
  }
  if (command === "approve") {
    const { settings } = await loadProject(tx, engine.projectId);
    const now = {
      candidate: pending.candidate,
      policyHash: policyHash(settings, engine.digest),
      environment: "production" as const,
      at: pending.databaseNow,
    };
    const dead = approvalVoid(pending, now);
    if (dead !== undefined) {
      throw new Failure("conflict", `This approval is no longer valid: ${dead}.`, {
        hint: "The agent asks again by itself.",
      });
    }
  }
  await decideApproval(tx, pending.id, {
    state: command === "approve" ? "approved" : "rejected",
    by: actor,
    reason: reason ?? null,
  });
}

async function carryOut(engine: Engine, tx: Transaction, request: CommandRequest, issueId: IssueId): Promise<void> {
  const { command, actor, reason } = request;
  const standing = await standingOf(tx, issueId);
  const because = sentence(request);
  const outcome = move(targets[command], because);
  const plan = planOf({ issue: standing, actor }, outcome);
  const asked = action({
    issueId,
    fixId: standing.fixId,
    actor,
    action: `command.${command}`,
    subject: standing.title,
    because: reason ?? "",
    detail: { from: standing.status },
  });
  await settle(tx, engine.queue, { issue: standing, actor }, { ...plan, actions: [asked, ...plan.actions] });
}

function sentence({ command, actor, reason }: CommandRequest): string {
  const who = actor.replace(/^[a-z]+:/, "");
  const done = {
    approve: "Approved",
    reject: "Rejected",
    retry: "Retried",
    dismiss: "Dismissed",
    mute: "Muted",
    revert: "Reverted",
  }[command];
  return reason === undefined || reason === "" ? `${done} by ${who}` : `${done} by ${who}: ${reason}`;
}

function inWords(status: Status): string {
  const words = status.replaceAll("_", " ");
  return isActive(status) ? `in progress (${words})` : words;
}
