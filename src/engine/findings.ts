import type { AnyIssue, IssueState } from "#domain/issue.ts";
import type { Finding } from "#pipeline/stage.ts";
import { noticesOf } from "#policy/notices.ts";
import type { Transaction } from "#store/connect.ts";
import { databaseNow } from "#store/read/clock.ts";
import type { KnownIssue } from "#store/read/detection/reads.ts";
import { action, appendActions, type NewAction } from "#store/write/actions.ts";
import {
  insertIssue,
  markSeen,
  reopenIssue,
  type Seen,
  type StateChange,
  sampleColumns,
  type Update,
  updateImpacts,
} from "#store/write/findings.ts";
import type { Engine } from "./engine.ts";
import { noticeId } from "./notice-id.ts";

/** Findings that announce something are written in transactions of this many, so that none lasts long. */
const announcedAtOnce = 20;

type Of<Kind extends Finding["kind"]> = Extract<Finding, { kind: Kind }>;
type Announced = Of<"open" | "return">;

/** Writes what a pass over the kinds of errors found: all counts in one transaction, then what is news. */
export async function writeProblems(engine: Engine, findings: readonly Finding[]): Promise<void> {
  const news = findings
    .filter((finding): finding is Announced => finding.kind === "open" || finding.kind === "return")
    .toSorted((one, other) => (one.impact.severity < other.impact.severity ? -1 : 1));
  await writeCounts(engine, findings);
  for (let from = 0; from < news.length; from += announcedAtOnce) {
    const some = news.slice(from, from + announcedAtOnce);
    // The gravest are told one by one. A storm of others would only bury them.
    const isTold = from < announcedAtOnce;
    await engine.connection.db.transaction((tx) => writeNews(engine, tx, some, isTold));
  }
  if (news.length > announcedAtOnce) await tellRest(engine, news.length - announcedAtOnce);
}

async function tellRest(engine: Engine, count: number): Promise<void> {
  const key = `issues:${engine.projectId}:${(await databaseNow(engine.connection)).toISOString()}`;
  await engine.connection.db.transaction((tx) =>
    engine.queue.sendNotice(tx, noticeId(key), {
      key,
      kind: "issue_detected",
      issueId: null,
      severity: null,
      title: `${count} more issues were detected at the same time`,
      text: `The ${announcedAtOnce} gravest were told one by one; all of them are on the dashboard.`,
      fields: [],
      link: { label: "View in Dashboard", path: "/dashboard/agent" },
    }),
  );
}

async function writeCounts(engine: Engine, findings: readonly Finding[]): Promise<void> {
  const counted = findings.filter((finding): finding is Of<"counted"> => finding.kind === "counted");
  const updates = findings.filter((finding): finding is Of<"update"> => finding.kind === "update");
  if (counted.length + updates.length === 0) return;
  await engine.connection.db.transaction(async (tx) => {
    await updateImpacts(tx, gravestOfEach(updates));
    await markSeen(tx, engine.projectId, [
      ...counted.map(({ fingerprint }) => seen(fingerprint, fingerprint.issue?.id ?? null)),
      ...updates.map(({ fingerprint, issue }) => seen(fingerprint, issue.id)),
    ]);
    await appendActions(tx, updates.flatMap(raised));
  });
}

function seen({ fingerprint, ownEvents }: Of<"counted">["fingerprint"], issueId: string | null): Seen {
  return { fingerprint, ownEvents, issueId };
}

/** Several kinds of one issue say the same about its counts; the gravest of them speaks. */
function gravestOfEach(updates: readonly Of<"update">[]): Update[] {
  const byIssue = new Map<string, Update>();
  for (const { issue, fingerprint, impact } of updates) {
    const { severity, affectedUsers, because } = impact;
    const known = byIssue.get(issue.id);
    if (known !== undefined && known.severity <= severity) continue;
    const { events, firstSeen, lastSeen } = fingerprint;
    byIssue.set(issue.id, {
      issueId: issue.id,
      events,
      firstSeen,
      lastSeen,
      severity,
      affectedUsers,
      severityReason: because,
    });
  }
  return [...byIssue.values()];
}

function raised({ issue, impact }: Of<"update">): NewAction[] {
  if (!(impact.severity < issue.severity)) return [];
  return [severityRaised(issue, impact.severity, impact.because)];
}

/** A line of the audit trail: how grave an issue is now, and why. */
export function severityRaised(issue: Pick<KnownIssue, "id" | "severity">, to: string, because: string): NewAction {
  const detail = { from: issue.severity, severity: to };
  return action({ issueId: issue.id, actor: "agent", action: "issue.severity_raised", subject: to, because, detail });
}

async function writeNews(engine: Engine, tx: Transaction, news: readonly Announced[], isTold: boolean): Promise<void> {
  const written: { finding: Announced; issue: AnyIssue }[] = [];
  for (const finding of news) {
    const issue = await (finding.kind === "open" ? open(engine, tx, finding) : reopen(tx, finding));
    // Somebody was faster: what is there now is looked at by the next pass.
    if (issue !== undefined) written.push({ finding, issue });
  }
  await markSeen(
    tx,
    engine.projectId,
    written.map(({ finding, issue }) => seen(finding.fingerprint, issue.id)),
  );
  const actions: NewAction[] = [];
  for (const { finding, issue } of written) {
    actions.push(
      finding.kind === "open"
        ? await announce(engine, tx, { issue, was: null, because: finding.opening, rule: finding.rule, isTold })
        : await announceReturn(engine, tx, { issue, change: finding.returned, isTold }),
    );
  }
  await appendActions(tx, actions);
}

function open({ projectId }: Engine, tx: Transaction, { fingerprint, rule, opening, impact }: Of<"open">) {
  const { severity, affectedUsers, because } = impact;
  const reasons = { rule, stateReason: `${rule}: ${opening}`, severityReason: because };
  return insertIssue(tx, projectId, fingerprint, { severity, affectedUsers, ...reasons });
}

function reopen(tx: Transaction, { fingerprint, issue, impact, returned }: Of<"return">) {
  const { severity, affectedUsers, because } = impact;
  const facts = { ...sampleColumns(fingerprint), severity, affectedUsers, severityReason: because };
  return reopenIssue(tx, issue, facts, returned);
}

/** Tells people of an issue that came back and gives it its job; answers the line for the audit trail. */
export function announceReturn(
  engine: Engine,
  tx: Transaction,
  { issue, change, isTold }: { issue: AnyIssue; change: StateChange; isTold: boolean },
): Promise<NewAction> {
  return announce(engine, tx, { issue, was: change.state, because: change.because, rule: null, isTold });
}

/** Tells people of an issue and gives it its job; answers the line for the audit trail. `was`: it came back, in this state. */
export async function announce(
  engine: Engine,
  tx: Transaction,
  news: { issue: AnyIssue; was: IssueState | null; because: string; rule: string | null; isTold: boolean },
): Promise<NewAction> {
  const { issue, was, because, rule, isTold } = news;
  await engine.queue.sendIssue(tx, "detected", issue.id, null);
  // Whatever ended it before, people hear of it as of something that is back.
  const from = was === null ? null : "resolved";
  const told = isTold ? noticesOf({ issue, from, to: "detected", because, version: issue.version }) : [];
  for (const notice of told) await engine.queue.sendNotice(tx, noticeId(notice.key), notice);
  const name = was === null ? "issue.detected" : was === "regressed" ? "issue.regressed" : "issue.reopened";
  const detail = { severity: issue.severity, affectedUsers: issue.affectedUsers, to: "detected", rule };
  return action({ issueId: issue.id, actor: "agent", action: name, subject: issue.title, because, detail });
}
