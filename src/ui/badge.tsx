import type { ReactNode } from "react";
import type { Severity } from "#domain/issue.ts";
import type { Status } from "#domain/lifecycle.ts";

const tones = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  neutral: "bg-raised text-ink",
} as const;

export type Tone = keyof typeof tones;

export function Badge({ tone = "neutral", title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span
      title={title}
      className={`inline-flex whitespace-nowrap rounded px-1.5 py-0.5 font-medium text-xs ${tones[tone]}`}
    >
      {children}
    </span>
  );
}

const severityWords: Record<Severity, { tone: Tone; means: string }> = {
  P0: { tone: "bad", means: "Everyone is affected" },
  P1: { tone: "bad", means: "Many or important users are affected" },
  P2: { tone: "warn", means: "A production error" },
  P3: { tone: "neutral", means: "A minor problem" },
  P4: { tone: "neutral", means: "Noise worth a note" },
};

export function SeverityBadge({ severity }: { severity: Severity }) {
  const { tone, means } = severityWords[severity];
  return (
    <Badge tone={tone} title={means}>
      {severity}
    </Badge>
  );
}

/** What a status is called for people, and whether it is good news. */
export const statusWords: Record<Status, { label: string; tone: Tone }> = {
  detected: { label: "Detected", tone: "neutral" },
  diagnosing: { label: "Diagnosing", tone: "neutral" },
  fixing: { label: "Writing the fix", tone: "neutral" },
  testing: { label: "Testing", tone: "neutral" },
  staging: { label: "On staging", tone: "neutral" },
  awaiting_approval: { label: "Waits for approval", tone: "warn" },
  deploying: { label: "Deploying", tone: "neutral" },
  monitoring: { label: "Watched in production", tone: "neutral" },
  rolling_back: { label: "Rolling back", tone: "bad" },
  resolved: { label: "Resolved", tone: "good" },
  failed: { label: "Failed", tone: "bad" },
  rejected: { label: "Rejected", tone: "bad" },
  dismissed: { label: "Dismissed", tone: "neutral" },
};

export function StatusBadge({ status }: { status: Status }) {
  const { label, tone } = statusWords[status];
  return <Badge tone={tone}>{label}</Badge>;
}
