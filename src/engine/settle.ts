import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Evidence } from "#domain/evidence.ts";
import type { IssueId } from "#domain/ids.ts";
import type { AnyIssue } from "#domain/issue.ts";
import { isActive, laneStatuses, type Status } from "#domain/lifecycle.ts";
import type { Notice } from "#domain/notice.ts";
import type { Outcome } from "#domain/outcome.ts";
import { noticesOf } from "#policy/notices.ts";
import type { Transaction } from "#store/connect.ts";
import { action, appendActions, type NewAction } from "#store/write/actions.ts";
import { withdrawApproval } from "#store/write/approvals.ts";
import { writeEvidence } from "#store/write/evidence.ts";
import { endFix } from "#store/write/fixes.ts";
import { changeIssue, type IssueChange } from "#store/write/issues.ts";
import { pauseProject, releaseLane } from "#store/write/projects.ts";
import { noticeId } from "./notice-id.ts";
import type { Queue } from "./queue.ts";

/** The issue as it stands, and who is acting on it. */
export interface Standing {
  issue: AnyIssue & { id: IssueId; fixId: string | null; diagnosis: Diagnosis | null };
  actor: string;
}

/** Everything an outcome changes, before anything is written. */
export interface Plan {
  change: IssueChange;
  evidence: Evidence[];
  actions: NewAction[];
  notices: Notice[];
  /** When the next run is due; `null`: nothing more to do. */
  job: { status: Status; at: Date | null } | null;
  releaseLane: boolean;
  freeze: string | null;
  /** How the attempt at hand ended with this move, when it did. */
  fixOutcome: "resolved" | "failed" | "rejected" | "rolled_back" | "dismissed" | null;
}

/** Turns an outcome into rows. Pure: what will be written can be looked at without a database. */
export function planOf({ issue, actor }: Standing, outcome: Outcome): Plan {
  const freeze = outcome.evidence.find((item) => item.kind === "freeze")?.because ?? null;
  const about = { issueId: issue.id, fixId: issue.fixId, actor };
  const findings = outcome.evidence.flatMap((item) => actionsOf(item).map((row) => action({ ...about, ...row })));
  if (outcome.kind === "wait") {
    const { until, because, evidence } = outcome;
    return {
      change: { attempts: 0, nextRunAt: until, progress: because, ...namesOf(evidence) },
      evidence,
      actions: findings,
      notices: inconclusiveNotices(issue, evidence),
      job: { status: issue.status, at: until },
      releaseLane: false,
      freeze,
      fixOutcome: null,
    };
  }
  const { to, because, evidence } = outcome;
  const moved = action({
    ...about,
    action: "status.changed",
    subject: `${issue.status} → ${to}`,
    because,
    detail: { from: issue.status, to, version: issue.version },
  });
  return {
    change: {
      status: to,
      statusReason: because,
      progress: null,
      attempts: 0,
      nextRunAt: null,
      ...namesOf(evidence),
      ...columnsOf(issue.status, to),
    },
    evidence,
    actions: [...findings, moved],
    notices: [...noticesFor(issue, to, because, evidence), ...inconclusiveNotices(issue, evidence)],
    job: isActive(to) ? { status: to, at: null } : null,
    releaseLane: laneStatuses.includes(issue.status) && !laneStatuses.includes(to),
    freeze,
    fixOutcome: fixOutcomeOf(issue.status, to),
  };
}

/** The branch and the commit by which people find the fix in their repository. */
function namesOf(evidence: Evidence[]): IssueChange {
  const written = evidence.find((item) => item.kind === "written_fix");
  const built = evidence.find((item) => item.kind === "candidate");
  const landed = evidence.find((item) => item.kind === "landed");
  return {
    ...(written === undefined ? {} : { branchName: written.branch, commitSha: written.commit }),
    ...(built === undefined ? {} : { commitSha: built.candidate.commit }),
    ...(landed === undefined ? {} : { commitSha: landed.commit }),
    ...opinionOf(evidence),
  };
}

/** What a stage took over of a second opinion; the last one has the say. */
function opinionOf(evidence: Evidence[]): IssueChange {
  const change: IssueChange = {};
  for (const item of evidence) {
    if (item.kind !== "opinion") continue;
    if (item.title !== null) change.title = item.title;
    if (item.severity !== null) change.severity = item.severity;
  }
  return change;
}

function columnsOf(from: Status, to: Status): IssueChange {
  if (to === "monitoring") return { deployed: true };
  if (to === "resolved") return { resolved: true };
  if (to === "detected") return { fixId: null, resolved: "cleared" };
  if (from === "resolved") return { resolved: "cleared" };
  return {};
}

function fixOutcomeOf(from: Status, to: Status): Plan["fixOutcome"] {
  if (to === "failed") return from === "rolling_back" ? "rolled_back" : "failed";
  if (to === "resolved" || to === "rejected" || to === "dismissed") return to;
  return null;
}

/** What of the evidence a person wants to find in the timeline. Health checks have a table of their own. */
function actionsOf(item: Evidence): Pick<NewAction, "action" | "subject" | "outcome" | "because" | "detail">[] {
  const row = (
    name: string,
    subject: string,
    because: string,
    detail: Record<string, unknown> = {},
    failed = false,
  ) => [{ action: name, subject, outcome: failed ? ("failed" as const) : ("done" as const), because, detail }];
  switch (item.kind) {
    case "diagnosis":
      return row("fix.diagnosed", item.diagnosis.engineer, item.diagnosis.rootCause, {
        confidence: item.diagnosis.confidence,
        causeClass: item.diagnosis.causeClass,
        claim: item.diagnosis.claim,
      });
    case "written_fix":
      return row("fix.written", item.branch, `changes ${item.files.join(", ")}`, {
        commit: item.commit,
        base: item.base,
      });
    case "attempt_failed":
      return row("fix.attempt_failed", "", item.because, {}, true);
    case "candidate":
      return row("candidate.built", item.candidate.commit, item.rebuilt ? "main had moved" : "", { ...item.candidate });
    case "tests": {
      const { outcome, passed, failed, skipped, commit, durationMs } = item.report;
      const ok = outcome === "passed" || outcome === "no_tests" || item.report.baseline !== null;
      return row(
        "tests.ran",
        commit,
        `${outcome}: ${passed} passed, ${failed} failed${item.report.baseline === null ? "" : ` (${item.report.baseline.because})`}`,
        { passed, failed, skipped, durationMs },
        !ok,
      );
    }
    case "verdict": {
      if (item.verdict.kind === "watching") return [];
      const { verdict, claim } = item;
      const detail = { verdict: verdict.kind, claim: claim?.kind ?? null, claimBecause: claim?.because ?? null };
      return row("watch.judged", verdict.kind, verdict.because, detail, verdict.kind === "failed");
    }
    case "pull_request": {
      const { url, number, head, mergeAskedAt } = item.pullRequest;
      const because = mergeAskedAt === null ? "" : "a person is asked to merge it";
      return row("pull_request.shown", url, because, { number, head });
    }
    case "landed":
      return row("candidate.landed", item.commit, `${item.by} merged the pull request`);
    case "approval_requested":
      return row("approval.requested", item.approval.candidate.commit, item.approval.reasons.join(" "), {
        diffHash: item.approval.candidate.diffHash,
        expiresAt: item.approval.expiresAt.toISOString(),
      });
    case "approval_ended":
      return row(`approval.${item.state}`, "", item.because);
    case "opinion":
      return row(`issue.${item.by === "triage" ? "triaged" : "reassessed"}`, item.severity ?? "", item.because);
    case "freeze":
      return row("agent.frozen", "", item.because, {}, true);
    case "note":
      return row("note", "", item.text);
    default:
      return [];
  }
}

function noticesFor(issue: Standing["issue"], to: Status, because: string, evidence: Evidence[]): Notice[] {
  const asked = evidence.find((item) => item.kind === "approval_requested");
  const found = evidence.find((item) => item.kind === "diagnosis");
  const { version } = issue;
  const merge = to === "awaiting_approval" ? mergeNotices(issue, evidence) : [];
  if (merge.length > 0) return merge;
  const moved = noticesOf({
    issue,
    from: issue.status,
    to,
    because,
    diagnosis: found?.diagnosis ?? issue.diagnosis,
    approvalReasons: asked?.approval.reasons ?? [],
    diffHash: asked?.approval.candidate.diffHash,
    version,
  });
  // Detection announces what it opens; a row that a person inserted is announced when it is taken up.
  const insertedByHand = issue.fingerprint === null && issue.status === "detected" && to === "diagnosing";
  if (!insertedByHand) return moved;
  return [...noticesOf({ issue, from: null, to: "detected", because, version }), ...moved];
}

/** A person is told once per deployment that its watch cannot be judged (spec.md §18.6). */
function inconclusiveNotices(issue: Standing["issue"], evidence: Evidence[]): Notice[] {
  const judged = evidence.find((item) => item.kind === "verdict");
  if (judged?.verdict.kind !== "inconclusive") return [];
  return [
    {
      key: `inconclusive:${judged.deploymentId}`,
      kind: "inconclusive",
      issueId: issue.id,
      severity: issue.severity,
      title: `No verdict yet: ${issue.title}`.slice(0, 300),
      text: judged.verdict.because,
      fields: [],
      link: { label: "View Issue", path: `/dashboard/agent/issues/${issue.id}` },
    },
  ];
}

/** Nobody but a person may move main: an approval in Vigil would not help, so they are asked for the merge itself. */
function mergeNotices(issue: Standing["issue"], evidence: Evidence[]): Notice[] {
  const asked = evidence.find((item) => item.kind === "pull_request")?.pullRequest;
  if (asked === undefined || asked.mergeAskedAt === null) return [];
  return [
    {
      key: `merge:${issue.id}:${issue.version}`,
      kind: "approval_needed",
      issueId: issue.id,
      severity: issue.severity,
      title: `Please merge the fix: ${issue.title}`.slice(0, 300),
      text: `main is protected, so the agent may not move it. The fix passed its tests and staging; it goes live when a person merges ${asked.url}`,
      fields: [],
      link: { label: "View Issue", path: `/dashboard/agent/issues/${issue.id}` },
    },
  ];
}

/** Writes a plan: issue first, the audit chain last. Nothing of it happens unless all of it does. */
export async function settle(tx: Transaction, queue: Queue, { issue, actor }: Standing, plan: Plan): Promise<void> {
  const place = { projectId: issue.project, issueId: issue.id, fixId: issue.fixId };
  await changeIssue(tx, issue, plan.change);
  const fixId = await writeEvidence(tx, place, plan.evidence);
  if (fixId !== issue.fixId) await attachFix(tx, issue, fixId);
  const leaves = plan.change.status !== undefined && issue.status === "awaiting_approval";
  if (leaves) await withdrawApproval(tx, issue.id, plan.change.statusReason ?? "");
  if (plan.fixOutcome !== null && fixId !== null)
    await endFix(tx, fixId, plan.fixOutcome, plan.change.statusReason ?? "");
  if (plan.job !== null && isActive(plan.job.status)) await queue.sendIssue(tx, plan.job.status, issue.id, plan.job.at);
  if (plan.releaseLane) await releaseLane(tx, issue.project, issue.id);
  const frozen =
    plan.freeze !== null && (await pauseProject(tx, issue.project, { reason: plan.freeze, by: actor, resumeAt: null }));
  const notices = frozen ? [...plan.notices, pausedNotice(issue, plan.freeze ?? "")] : plan.notices;
  for (const notice of notices) await queue.sendNotice(tx, noticeId(notice.key), notice);
  await appendActions(tx, plan.actions);
}

async function attachFix(tx: Transaction, issue: Standing["issue"], fixId: string | null): Promise<void> {
  await changeIssue(tx, { id: issue.id, version: issue.version + 1 }, { fixId });
}

function pausedNotice(issue: Standing["issue"], because: string): Notice {
  return {
    key: `paused:${issue.id}:${issue.version}`,
    kind: "agent_paused",
    issueId: issue.id,
    severity: issue.severity,
    title: "The agent stopped itself",
    text: because,
    fields: [],
    link: { label: "View Issue", path: `/dashboard/agent/issues/${issue.id}` },
  };
}
