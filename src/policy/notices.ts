import type { Diagnosis } from "#domain/diagnosis.ts";
import type { Severity } from "#domain/issue.ts";
import type { Status } from "#domain/lifecycle.ts";
import type { Notice } from "#domain/notice.ts";

/** A move of an issue, as far as people are told about it. `version` is the issue's version after the move. */
export interface Change {
  issue: {
    id: string;
    severity: Severity;
    title: string;
    message: string;
    /** Distinct users; -1 means everyone. */
    affectedUsers: number;
    issueType: string;
  };
  from: Status | null;
  to: Status;
  because: string;
  diagnosis?: Diagnosis | null;
  approvalReasons?: string[];
  /** sha256 of the diff that waits for approval. */
  diffHash?: string | undefined;
  version: number;
}

const titleMax = 200;
const textMax = 1_000;
const fieldMax = 600;
const reasonsMax = 8;

/**
 * Who is told what when an issue moves (spec.md §14). One move makes at most one notice, and its key is unique to the
 * move, so a repeated transaction cannot tell twice. Texts are bounded here and escaped by the notifier.
 */
export function noticesOf(change: Change): Notice[] {
  const told = tell(change);
  if (told === undefined) return [];
  const { issue, to, version, diffHash } = change;
  return [
    {
      key: `${issue.id}:${to}:${version}`,
      kind: told.kind,
      issueId: issue.id,
      severity: issue.severity,
      title: cut(told.title, titleMax),
      text: cut(told.text, textMax),
      fields: told.fields
        .filter(({ value }) => value.trim() !== "")
        .map(({ label, value }) => ({ label, value: cut(value, fieldMax) })),
      link: { label: told.button, path: `/dashboard/agent/issues/${encodeURIComponent(issue.id)}` },
      ...(to === "awaiting_approval" && diffHash !== undefined ? { approval: { diffHash } } : {}),
    },
  ];
}

interface Told {
  kind: Notice["kind"];
  title: string;
  text: string;
  fields: { label: string; value: string }[];
  button: string;
}

function tell(change: Change): Told | undefined {
  switch (change.to) {
    case "detected":
      return detected(change);
    case "awaiting_approval":
      return approvalNeeded(change);
    case "resolved":
      return ended(change, "resolved", "Resolved", "View Details");
    case "failed":
      return failed(change);
    case "rejected":
      return ended(change, "rejected", "Fix rejected", "View Issue");
    case "dismissed":
      return dismissed(change);
    default:
      return undefined;
  }
}

/** A retry by a person is no news: they know. What came back by itself is. */
function detected({ issue, from }: Change): Told | undefined {
  if (from === "failed" || from === "rejected") return undefined;
  return {
    kind: "issue_detected",
    title: `${from === null ? "Issue detected" : "Issue came back (regression)"}: ${issue.title}`,
    text: issue.message,
    fields: [
      { label: "Severity", value: issue.severity },
      { label: "Type", value: issue.issueType },
      { label: "Affected users", value: issue.affectedUsers === -1 ? "everyone" : String(issue.affectedUsers) },
    ],
    button: "View in Dashboard",
  };
}

function approvalNeeded({ issue, because, diagnosis, approvalReasons }: Change): Told {
  const reasons = approvalReasons ?? [];
  const shown = reasons.slice(0, reasonsMax).map((reason) => cut(reason, fieldMax / 4));
  return {
    kind: "approval_needed",
    title: `Fix ready for approval: ${issue.title}`,
    text: because,
    fields: [
      { label: "Severity", value: issue.severity },
      { label: "Root cause", value: diagnosis?.rootCause ?? "" },
      { label: "Fix strategy", value: diagnosis?.fixStrategy ?? "" },
      { label: "Confidence", value: diagnosis ? `${diagnosis.confidence} %` : "" },
      { label: "Why a person", value: shown.join(" ") },
    ],
    button: "Review & Approve",
  };
}

/** The rollback stage begins its reason with "rollback failed" where the previous version could not be brought back. */
function failed(change: Change): Told {
  if (change.from !== "rolling_back") return ended(change, "failed", "Failed", "View Issue");
  if (/^\W*rollback failed/i.test(change.because)) {
    return ended(change, "rollback_failed", "ROLLBACK FAILED, a person is needed now", "View Issue");
  }
  if (!change.because.includes("Rolled back:")) return ended(change, "failed", "Failed", "View Issue");
  return ended(change, "rolled_back", "Rollback executed", "View Issue");
}

/** People are told when the agent itself refuses a problem after diagnosing it; their own dismissals they know. */
function dismissed(change: Change): Told | undefined {
  const refusedByPolicy =
    change.from === "diagnosing" && change.diagnosis != null && change.diagnosis.causeClass !== "code_fault";
  return refusedByPolicy ? ended(change, "dismissed", "Not repaired", "View Issue") : undefined;
}

function ended({ issue, because }: Change, kind: Notice["kind"], what: string, button: string): Told {
  return {
    kind,
    title: `${what}: ${issue.title}`,
    text: because,
    fields: [{ label: "Severity", value: issue.severity }],
    button,
  };
}

function cut(text: string, max: number): string {
  return text.length <= max
    ? text
    : `${text
        .slice(0, max - 1)
        .toWellFormed()
        .replaceAll("\uFFFD", "")}…`;
}
