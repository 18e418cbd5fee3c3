import type { Notice } from "#domain/notice.ts";
import { move } from "#domain/outcome.ts";
import type { Condition, Finding } from "#pipeline/stage.ts";
import type { Transaction } from "#store/connect.ts";
import type { KnownIssue } from "#store/read/detection/reads.ts";
import { standingOf } from "#store/read/standing.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { insertCondition, noteCondition, noteRecovery, noteState, reopenIssue } from "#store/write/findings.ts";
import type { Engine } from "./engine.ts";
import { announce, announceReturn, severityRaised } from "./findings.ts";
import { noticeId } from "./notice-id.ts";
import { planOf, settle } from "./settle.ts";

type Of<Kind extends Finding["kind"]> = Extract<Finding, { kind: Kind }>;

/** Writes what a round found, one transaction each; answers how many changed something. */
export async function writeConditions(engine: Engine, findings: readonly Finding[]): Promise<number> {
  let changed = 0;
  for (const finding of findings) {
    if (await engine.connection.db.transaction((tx) => write(engine, tx, finding))) changed++;
  }
  return changed;
}

async function write(engine: Engine, tx: Transaction, finding: Finding): Promise<boolean> {
  switch (finding.kind) {
    case "condition":
      return writeCondition(engine, tx, finding);
    case "recovered":
      return writeRecovery(engine, tx, finding);
    case "spike":
      return writeSpike(engine, tx, finding);
    case "blind":
      return tellBlind(engine, tx, finding);
    default:
      // Kinds of errors are written by `writeProblems`.
      return false;
  }
}

/** One condition, one issue: opened, still there, or back after it had ended. */
async function writeCondition(
  engine: Engine,
  tx: Transaction,
  { condition, issue }: Of<"condition">,
): Promise<boolean> {
  const { because, rule, ...facts } = condition;
  if (issue === undefined) {
    const reasons = { rule, stateReason: `${rule}: ${facts.message}`, severityReason: because };
    const opened = await insertCondition(tx, engine.projectId, { ...facts, ...reasons });
    if (opened === undefined) return false;
    const line = await announce(engine, tx, { issue: opened, was: null, because: facts.message, rule, isTold: true });
    await appendActions(tx, [line]);
    return true;
  }
  if (issue.isMerged) return false;
  if (issue.recovered || issue.status === "resolved") return comeBack(engine, tx, condition, issue);
  await noteCondition(tx, issue.id, { ...facts, severityReason: because });
  if (!(facts.severity < issue.severity)) return false;
  await appendActions(tx, [severityRaised(issue, facts.severity, because)]);
  return true;
}

const ended = ["resolved", "failed", "rejected", "dismissed"];

async function comeBack(engine: Engine, tx: Transaction, condition: Condition, issue: KnownIssue): Promise<boolean> {
  const { because, severity, affectedUsers, message } = condition;
  const change = { state: "regressed" as const, because: `it is back: ${message}` };
  if (!ended.includes(issue.status)) {
    await noteState(tx, issue.id, { ...change, severity, severityReason: because });
    return true;
  }
  const facts = { severity, affectedUsers, message, severityReason: because };
  const reopened = await reopenIssue(tx, issue, facts, change);
  if (reopened === undefined) return false;
  await appendActions(tx, [await announceReturn(engine, tx, { issue: reopened, change, isTold: true })]);
  return true;
}

/** It stopped without us. Nobody diagnoses any more what nobody began to; everything else goes its way. */
async function writeRecovery(engine: Engine, tx: Transaction, { issue, because }: Of<"recovered">): Promise<boolean> {
  if (!(await noteRecovery(tx, issue.id, because))) return false;
  const standing = { issue: await standingOf(tx, issue.id), actor: "agent" };
  const { status, version } = standing.issue;
  const line = action({ issueId: issue.id, actor: "agent", action: "issue.recovered", subject: issue.title, because });
  await notice(engine, tx, {
    key: `${issue.id}:recovered:${version}`,
    kind: "recovered",
    issueId: issue.id,
    severity: issue.severity,
    title: `Recovered: ${issue.title}`,
    text: because,
    path: `/dashboard/agent/issues/${issue.id}`,
  });
  if (status === "detected") {
    const plan = planOf(standing, move("dismissed", `It recovered by itself: ${because}`));
    await settle(tx, engine.queue, standing, { ...plan, actions: [line, ...plan.actions] });
  } else await appendActions(tx, [line]);
  return true;
}

async function writeSpike(engine: Engine, tx: Transaction, finding: Of<"spike">): Promise<boolean> {
  const { issue, because, raised, returned } = finding;
  if (returned !== undefined) {
    const { severity, affectedUsers } = issue;
    const facts = { severity, affectedUsers, severityReason: because };
    const reopened = await reopenIssue(tx, issue, facts, returned);
    if (reopened === undefined) return false;
    await appendActions(tx, [await announceReturn(engine, tx, { issue: reopened, change: returned, isTold: true })]);
    return true;
  }
  const graver = raised === undefined ? {} : { severity: raised.severity, severityReason: raised.because };
  await noteState(tx, issue.id, { state: "escalating", because, isSpike: true, ...graver });
  const line = action({ issueId: issue.id, actor: "agent", action: "issue.escalating", subject: issue.title, because });
  const raise = raised === undefined ? [] : [severityRaised(issue, raised.severity, raised.because)];
  await appendActions(tx, [line, ...raise]);
  return true;
}

/** Told once for each time that nothing comes in. */
async function tellBlind(
  engine: Engine,
  tx: Transaction,
  { environment, because, since }: Of<"blind">,
): Promise<boolean> {
  const key = `blind:${engine.projectId}:${environment}:${since.toISOString()}`;
  await notice(engine, tx, {
    key,
    kind: "source_blind",
    issueId: null,
    severity: null,
    title: `No news from ${environment}`,
    text: `${because}. Until requests are reported again, no release can be judged by its errors: verdicts are inconclusive.`,
    path: "/dashboard/agent",
  });
  await appendActions(tx, [
    action({ actor: "agent", action: "source.blind", subject: environment, because, effectKey: key }),
  ]);
  return false;
}

async function notice(
  engine: Engine,
  tx: Transaction,
  { path, ...told }: Pick<Notice, "key" | "kind" | "issueId" | "severity" | "title" | "text"> & { path: string },
): Promise<void> {
  const link = { label: told.issueId === null ? "View in Dashboard" : "View Issue", path };
  await engine.queue.sendNotice(tx, noticeId(told.key), { ...told, fields: [], link });
}
