import { createHash } from "node:crypto";
import type { Diagnosis } from "#domain/diagnosis.ts";
import { type ErrorEvent, Frame } from "#domain/event.ts";
import type { Deployment, ErrorCounts, HealthSample } from "#domain/evidence.ts";
import type { Approval, PlannedFix, TestedFix, TestReport, WrittenFix } from "#domain/fix.ts";
import { FixId, IssueId, Sha } from "#domain/ids.ts";
import type { IssueAt, IssueFacts } from "#domain/issue.ts";
import { Settings } from "#domain/settings.ts";
import { policyHash } from "#policy/autonomy.ts";

/** Believable issues at every status. A test names only what it is about. */

export const now = new Date("2026-11-23T12:00:00.000Z");
export const later = (ms: number): Date => new Date(now.getTime() + ms);
export const minute = 60_000;

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
/** A commit id that is easy to recognise: `aSha("c")` is forty times c. */
export const aSha = (digit: string): Sha => Sha.parse(digit.repeat(40));
export const base = aSha("b");
export const fixCommit = aSha("f");
export const candidateCommit = aSha("c");
export const previousCommit = aSha("a");

export function someSettings(change: Partial<Settings> = {}): Settings {
  return { ...Settings.parse({ autonomyLevel: 3 }), ...change };
}

export function facts(change: Partial<IssueFacts> = {}): IssueFacts {
  return {
    id: IssueId.parse("11111111-1111-4111-8111-111111111111"),
    project: "default",
    severity: "P2",
    issueType: "api_error",
    title: "TypeError in POST /api/campaigns/launch",
    message: "Cannot read properties of undefined (reading 'id')",
    affectedUsers: 3,
    fingerprint: "f1",
    causeKey: "TypeError|src/launch.ts:POST",
    environment: "production",
    release: base,
    errorType: "TypeError",
    stack: null,
    operation: "POST /api/campaigns/launch",
    eventCount: 4,
    unverified: false,
    firstSeen: now,
    lastSeen: now,
    createdAt: now,
    version: 7,
    attempts: 1,
    statusSince: now,
    ...change,
  };
}

export function aDiagnosis(change: Partial<Diagnosis> = {}): Diagnosis {
  return {
    causeClass: "code_fault",
    rootCause: "campaign is undefined when the id is unknown",
    evidence: [{ file: "src/launch.ts", line: 42, note: "read without a check" }],
    fixStrategy: "guard after the query, answer 404",
    files: ["src/launch.ts"],
    confidence: 92,
    requiresPerson: false,
    requiresPersonBecause: null,
    estimatedMinutes: 5,
    claim: {
      kind: "error_stops",
      fingerprint: "f1",
      operation: "POST /api/campaigns/launch",
      statement: "the TypeError stops",
    },
    engineer: "playbook:null-guard",
    ...change,
  };
}

export function aPlannedFix(change: Partial<PlannedFix> = {}): PlannedFix {
  return {
    id: FixId.parse("22222222-2222-4222-8222-222222222222"),
    attempt: 1,
    diagnosis: aDiagnosis(),
    feedback: [],
    createdAt: now,
    ...change,
  };
}

export function aWrittenFix(change: Partial<WrittenFix> = {}): WrittenFix {
  return {
    ...aPlannedFix(),
    branch: "agent/fix-22222222",
    base,
    commit: fixCommit,
    files: ["src/launch.ts"],
    diff: "+ if (!campaign) return json({ error: 'Campaign not found' }, 404);",
    risks: [],
    approvalFiles: [],
    rebuilds: 0,
    candidate: null,
    pullRequest: null,
    ...change,
  };
}

export function aTestReport(change: Partial<TestReport> = {}): TestReport {
  return {
    commit: candidateCommit,
    of: "tests",
    outcome: "passed",
    passed: 12,
    failed: 0,
    skipped: 0,
    durationMs: 900,
    exitCode: 0,
    output: "",
    failures: [],
    baseline: null,
    ...change,
  };
}

export const aCandidate = { commit: candidateCommit, tree: aSha("e"), base, diffHash: digest("the diff") };

export function aTestedFix(change: Partial<TestedFix> = {}): TestedFix {
  return { ...aWrittenFix(), candidate: aCandidate, tests: aTestReport(), ...change };
}

export function aDeployment(change: Partial<Deployment> = {}): Deployment {
  return {
    id: "33333333-3333-4333-8333-333333333333",
    environment: "production",
    commit: candidateCommit,
    previousCommit,
    providerId: "release-1",
    url: "http://127.0.0.1:1",
    state: "ready",
    baseline: someErrors(0, 1_000),
    startedAt: now,
    watchFrom: now,
    watchUntil: later(30 * minute),
    extended: false,
    verdict: null,
    lastRisePct: null,
    ...change,
  };
}

export function someErrors(errors: number, requests: number, durationMs = 24 * 60 * minute): ErrorCounts {
  return {
    errors: { kind: "measured", value: errors },
    requests: { kind: "measured", value: requests },
    durationMs,
    dispersion: 1,
  };
}

/** The look of slot `slot` in a watch that began `now`. */
export function aSample(slot: number, change: Partial<HealthSample> & { everyMs?: number } = {}): HealthSample {
  const { everyMs = minute, ...rest } = change;
  return {
    slot,
    repeat: 0,
    scheduledAt: later(slot * everyMs),
    outcome: "healthy",
    because: "200 in 12 ms",
    servedCommit: candidateCommit,
    httpStatus: 200,
    latencyMs: 12,
    ...rest,
  };
}

/** The looks of slots `from` to `to`, both included. */
export function samples(
  from: number,
  to: number,
  change: Partial<HealthSample> & { everyMs?: number } = {},
): HealthSample[] {
  return Array.from({ length: to - from + 1 }, (_, n) => aSample(from + n, change));
}

export function anApproval(change: Partial<Approval> = {}): Approval {
  return {
    candidate: aCandidate,
    policyHash: policyHash(someSettings(), digest),
    environment: "production",
    expiresAt: later(24 * 60 * minute),
    state: "pending",
    reasons: ["P0 needs a person."],
    decidedBy: null,
    ...change,
  };
}

/** An issue at `status` with everything that is known there. */
export function anIssueAt<
  S extends
    | "detected"
    | "diagnosing"
    | "fixing"
    | "testing"
    | "staging"
    | "awaiting_approval"
    | "deploying"
    | "monitoring"
    | "rolling_back",
>(status: S, change: Partial<IssueAt<S>> = {}): IssueAt<S> {
  return { ...known(), ...change, status } as IssueAt<S>;

  function known() {
    switch (status) {
      case "fixing":
        return { ...facts(), fix: aPlannedFix() };
      case "testing":
        return { ...facts(), fix: aWrittenFix() };
      case "staging": {
        const deployment = aDeployment({
          environment: "staging",
          watchUntil: later(10 * minute),
          baseline: null,
          previousCommit: null,
        });
        return { ...facts(), fix: aTestedFix(), deployment, samples: [] };
      }
      case "awaiting_approval":
        return { ...facts(), fix: aTestedFix(), approval: anApproval() };
      case "deploying":
        return { ...facts(), fix: aTestedFix(), approval: null, deployment: null };
      case "monitoring":
        return { ...facts(), fix: aTestedFix(), deployment: aDeployment(), samples: [] };
      case "rolling_back":
        return { ...facts(), fix: aTestedFix(), deployment: aDeployment(), because: "errors rose 80 % (limit 50 %)" };
      default:
        return facts();
    }
  }
}

/** An unhandled server error with one in-app frame. */
export function anEvent(change: Partial<ErrorEvent> = {}): ErrorEvent {
  return {
    id: "event-1",
    at: now,
    source: "plain",
    trust: "server",
    environment: "production",
    release: base,
    level: "error",
    handled: false,
    errorType: "TypeError",
    message: "Cannot read properties of undefined (reading 'id')",
    stack: "TypeError: Cannot read properties of undefined (reading 'id')\n    at POST (src/launch.ts:42:15)",
    frames: [Frame.parse({ file: "src/launch.ts", line: 42, column: 15, function: "POST", inApp: true })],
    operation: "POST /api/campaigns/launch",
    httpStatus: 500,
    userHash: "u1",
    issueType: null,
    tags: {},
    ...{ kind: "error", dist: null, chain: [], clientFingerprint: null },
    ...{ externalHost: null, traceId: null, requestId: null },
    ...change,
  };
}
