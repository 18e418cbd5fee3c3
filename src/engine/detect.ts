import type { AnyIssue, Severity } from "#domain/issue.ts";
import { isActive, type Status } from "#domain/lifecycle.ts";
import type { Finding } from "#pipeline/stage.ts";
import { noticesOf } from "#policy/notices.ts";
import type { Transaction } from "#store/connect.ts";
import { dueIssues } from "#store/read/issues.ts";
import { readsOf } from "#store/read/stage-reads.ts";
import { action, appendActions } from "#store/write/actions.ts";
import { insertIssue, markSeen, reopenIssue, updateImpact } from "#store/write/findings.ts";
import { noteDetection } from "#store/write/projects.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";

const findingsMax = 200;
const sweepMax = 500;

/** One detection pass: looks at every kind of error with new events, and gives every issue that is due its job. */
export async function detect(engine: Engine): Promise<number> {
  const read = readsOf(engine.connection, engine.projectId);
  const world = { clock: { now: engine.wallClock }, read, repository: engine.ports.repository };
  const findings = await engine.findProblems(world, findingsMax);
  for (const finding of findings) {
    await engine.connection.db.transaction((tx) => writeFinding(engine, tx, finding));
    engine.observe({ kind: "committed" });
  }
  // A storm is worked off pass by pass; nobody waits for the next tick.
  if (findings.length >= findingsMax) await engine.queue.sendDetect(null);
  await noteDetection(engine.connection.db, engine.projectId);
  return findings.length + (await sweep(engine));
}

/**
 * Issues without a live job get one: rows that people inserted, and whatever a killed worker left behind. A job too many
 * does no harm, because the claim decides who works.
 */
export async function sweep(engine: Engine): Promise<number> {
  const due = await dueIssues(engine.connection.db, engine.projectId, sweepMax);
  for (const { id, status } of due) {
    if (isActive(status as Status)) await engine.queue.sendIssue(null, status as never, id, null);
  }
  if (due.length > 0) engine.observe({ kind: "committed" });
  return due.length;
}

async function writeFinding(engine: Engine, tx: Transaction, finding: Finding): Promise<void> {
  const { fingerprint } = finding;
  // What arrived since it was read stays unseen, for the next pass.
  const count = fingerprint.eventsUnseen;
  switch (finding.kind) {
    case "counted":
      return markSeen(tx, engine.projectId, fingerprint, count, null);
    case "open": {
      const { severity, affectedUsers } = finding;
      const issue = await insertIssue(tx, engine.projectId, fingerprint, { severity, affectedUsers });
      await markSeen(tx, engine.projectId, fingerprint, count, issue.id);
      return announce(engine, tx, issue, null, finding.because, "issue.detected");
    }
    case "update": {
      if (fingerprint.issue === null) return;
      const { severity, affectedUsers } = finding;
      await updateImpact(tx, fingerprint.issue.id, fingerprint, { severity, affectedUsers });
      return markSeen(tx, engine.projectId, fingerprint, count, fingerprint.issue.id);
    }
    case "regression": {
      if (fingerprint.issue === null) return;
      const { severity, affectedUsers, because } = finding;
      const issue = await reopenIssue(tx, fingerprint.issue, fingerprint, { severity, affectedUsers });
      await markSeen(tx, engine.projectId, fingerprint, count, issue.id);
      return announce(engine, tx, issue, "resolved", `It came back: ${because}`, "issue.regressed");
    }
  }
}

async function announce(
  engine: Engine,
  tx: Transaction,
  issue: AnyIssue & { severity: Severity },
  from: Status | null,
  because: string,
  name: string,
): Promise<void> {
  await engine.queue.sendIssue(tx, "detected", issue.id, null);
  for (const notice of noticesOf({ issue, from, to: "detected", because, version: issue.version })) {
    await engine.queue.sendNotice(tx, noticeId(notice.key), notice);
  }
  const detail = { severity: issue.severity, affectedUsers: issue.affectedUsers, to: "detected" };
  await appendActions(tx, [
    action({ issueId: issue.id, actor: "agent", action: name, subject: issue.title, because, detail }),
  ]);
}
