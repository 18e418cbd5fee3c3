import { Failure } from "#domain/failure.ts";
import { IssueId } from "#domain/ids.ts";
import { mayMove, type Status } from "#domain/lifecycle.ts";
import { move } from "#domain/outcome.ts";
import { mergeRefusal, splitRefusal } from "#policy/commands.ts";
import { groupingOf } from "#policy/grouping.ts";
import type { Transaction } from "#store/connect.ts";
import { standingOf } from "#store/read/standing.ts";
import { action, appendActions } from "#store/write/actions.ts";
import {
  formerIssue,
  type GroupedIssue,
  groupsOf,
  joinGroups,
  lockGroup,
  lockGrouped,
  openForGroup,
  returnGroup,
} from "#store/write/groups.ts";
import type { Engine } from "./engine.ts";
import { planOf, settle } from "./settle.ts";

/** What operators know better than any rule: that two issues are one problem, or that one issue is two. It is remembered. */
export interface MergeRequest {
  issueId: string;
  into: string;
  /** `operator:<name>` or `token:<name>`. */
  actor: string;
  reason?: string | undefined;
}

export interface SplitRequest {
  issueId: string;
  fingerprint: string;
  actor: string;
  reason?: string | undefined;
}

/**
 * Makes one issue of two: `issueId` hands its groups over and rests, `into` goes on with all of them, as do events that
 * come later. A merge that was done already changes nothing.
 */
export async function merge(engine: Engine, request: MergeRequest): Promise<void> {
  await engine.connection.db.transaction(async (tx) => {
    const [from, into] = await lockBoth(engine, tx, request.issueId, request.into);
    if (from.mergedInto === into.id) return;
    const refused = mergeRefusal(from, into);
    if (refused !== undefined) throw new Failure("conflict", refused, { hint: "Reload the page." });
    await joinGroups(tx, engine.projectId, { from, into, by: request.actor });
    const because = withReason(`Merged into "${into.title}"`, request.reason);
    if (mayMove(from.status, "dismissed")) await moveTo(engine, tx, from.id, "dismissed", because, request.actor);
    await audit(tx, request, [
      { issueId: from.id, action: "issue.merged", subject: into.title, detail: { into: into.id } },
      { issueId: into.id, action: "issue.absorbed", subject: from.title, detail: { from: from.id } },
    ]);
  });
  engine.observe({ kind: "committed" });
}

/**
 * Takes a group out of an issue: the issue that it had opened itself goes on, or a new one is opened. Events that come
 * later follow. Answers with the id of the issue that the group belongs to now.
 */
export async function split(engine: Engine, request: SplitRequest): Promise<string> {
  const issueId = await engine.connection.db.transaction(async (tx) => {
    const issue = await locked(engine, tx, request.issueId);
    const group = await lockGroup(tx, engine.projectId, request.fingerprint);
    const belongs = group !== undefined && group.issueId === issue.id;
    const refused = splitRefusal({
      belongs,
      isOwn: request.fingerprint === issue.fingerprint,
      groups: await groupsOf(tx, issue.id),
    });
    if (refused !== undefined || group === undefined) {
      throw new Failure("conflict", refused ?? "This group is unknown.", { hint: "Reload the page." });
    }
    const by = request.actor;
    const former = await formerIssue(tx, engine.projectId, group.fingerprint);
    const because = withReason(`Split from "${issue.title}"`, request.reason);
    const target = former ?? (await opened(engine, tx, group, by));
    if (former !== undefined) {
      await returnGroup(tx, engine.projectId, { group, to: former, by });
      const { status } = await standingOf(tx, former);
      if (status === "dismissed") await moveTo(engine, tx, former, "detected", because, by);
    }
    const detail = { fingerprint: group.fingerprint };
    await audit(tx, request, [
      { issueId: issue.id, action: "issue.split", subject: group.title, detail: { ...detail, to: target } },
      { issueId: target, action: "issue.separated", subject: issue.title, detail: { ...detail, from: issue.id } },
    ]);
    return target;
  });
  engine.observe({ kind: "committed" });
  return issueId;
}

async function opened(
  engine: Engine,
  tx: Transaction,
  group: NonNullable<Awaited<ReturnType<typeof lockGroup>>>,
  by: string,
): Promise<string> {
  const sample = { ...group.sample, at: new Date(group.lastSeen) };
  const { severity } = groupingOf(sample, engine.digest);
  const issue = await openForGroup(tx, engine.projectId, { group: { ...group, sample }, severity, by });
  await engine.queue.sendIssue(tx, "detected", issue.id, null);
  return issue.id;
}

/** In the order of their ids, so that two operators who merge the same two issues crosswise cannot block each other. */
async function lockBoth(
  engine: Engine,
  tx: Transaction,
  issueId: string,
  into: string,
): Promise<[GroupedIssue, GroupedIssue]> {
  const found = new Map<string, GroupedIssue>();
  for (const id of [issueId, into].toSorted()) found.set(id, await locked(engine, tx, id));
  const [from, target] = [found.get(issueId), found.get(into)];
  if (from === undefined || target === undefined) throw new Failure("not_found", "There is no such issue.");
  return [from, target];
}

async function locked(engine: Engine, tx: Transaction, issueId: string): Promise<GroupedIssue> {
  const id = IssueId.safeParse(issueId);
  const issue = id.success ? await lockGrouped(tx, engine.projectId, id.data) : undefined;
  if (issue === undefined) throw new Failure("not_found", "There is no such issue.");
  return issue;
}

async function moveTo(
  engine: Engine,
  tx: Transaction,
  issueId: string,
  to: Status,
  because: string,
  actor: string,
): Promise<void> {
  const standing = { issue: await standingOf(tx, issueId), actor };
  await settle(tx, engine.queue, standing, planOf(standing, move(to, because)));
}

async function audit(
  tx: Transaction,
  { actor, reason }: MergeRequest | SplitRequest,
  rows: { issueId: string; action: string; subject: string; detail: Record<string, unknown> }[],
): Promise<void> {
  await appendActions(
    tx,
    rows.map((row) => action({ ...row, actor, because: reason ?? "" })),
  );
}

function withReason(sentence: string, reason: string | undefined): string {
  return reason === undefined || reason === "" ? sentence : `${sentence}: ${reason}`;
}
