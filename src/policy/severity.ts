import type { ErrorEvent } from "#domain/event.ts";
import type { Measurement } from "#domain/evidence.ts";
import type { Environment } from "#domain/ids.ts";
import type { Severity } from "#domain/issue.ts";

export interface SeverityFacts {
  level: ErrorEvent["level"];
  handled: boolean;
  /** Distinct users; -1 means everyone. */
  users: number;
  /** Events of the last hour. */
  events: number;
  operation: string | null;
  issueType: string;
  /** Share of failed requests, 0–1; unmeasured below 20 requests, where a share says nothing. */
  requestsShare: Measurement;
  environment: Environment;
  regression: boolean;
  /** Only browsers or anonymous senders reported it. */
  unverified: boolean;
}

/** Constants of detection.md §2.4.5. */
const shareP0 = 0.5;
const shareP1 = 0.1;
const databaseEventsP0 = 10;
const databaseShareP0 = 0.2;
const crashesP0 = 3;
const usersP1 = 100;
const sensitiveUsersP1 = 5;
const browserUsersP2 = 10;

const sensitive =
  /(^|[/_-])(auth|login|logout|signin|sign-in|signup|sign-up|session|oauth|checkout|billing|payments?|orders?\/pay)([/_-]|$)/i;
const steps: readonly Severity[] = ["P0", "P1", "P2", "P3", "P4"];

/** How grave a problem is, and the fact that decided it; the first rule that applies wins (detection.md §2.4.5). */
export function severityOf(facts: SeverityFacts): { severity: Severity; because: string } {
  if (facts.environment !== "production") return { severity: "P4", because: `seen on ${facts.environment} only` };
  // Nobody who may send anything without a key decides that everyone is affected.
  const grave = facts.unverified ? undefined : graveByImpact(facts);
  if (grave !== undefined) return grave;
  const plain = byLevel(facts);
  const raised = facts.regression ? stepUp(plain.severity) : plain.severity;
  if (raised === plain.severity) return plain;
  return { severity: raised, because: `${plain.because}, and it came back after a fix` };
}

function graveByImpact(facts: SeverityFacts): { severity: Severity; because: string } | undefined {
  const { users, events, issueType, level, operation } = facts;
  const share = facts.requestsShare.kind === "measured" ? facts.requestsShare.value : undefined;
  const percent = share === undefined ? "" : `${(share * 100).toFixed(0)} %`;
  if (issueType === "health_check") return { severity: "P0", because: "the health check fails" };
  if (users === -1) return { severity: "P0", because: "everyone is affected" };
  if (share !== undefined && share >= shareP0) {
    return { severity: "P0", because: `${percent} of the requests fail (limit ${shareP0 * 100} %)` };
  }
  const traffic = share === undefined || share >= databaseShareP0;
  if (issueType === "database_error" && !facts.handled && events >= databaseEventsP0 && traffic) {
    return { severity: "P0", because: `the database failed ${events} times (limit ${databaseEventsP0})` };
  }
  if (level === "fatal" && events >= crashesP0) {
    return { severity: "P0", because: `${events} crashes (limit ${crashesP0})` };
  }
  if (share !== undefined && share >= shareP1) {
    return { severity: "P1", because: `${percent} of the requests fail (limit ${shareP1 * 100} %)` };
  }
  if (users >= usersP1) return { severity: "P1", because: `${users} users are affected (limit ${usersP1})` };
  if (operation !== null && sensitive.test(operation) && users >= sensitiveUsersP1) {
    return { severity: "P1", because: `${users} users are affected in ${operation} (limit ${sensitiveUsersP1})` };
  }
  return undefined;
}

function byLevel(facts: SeverityFacts): { severity: Severity; because: string } {
  const { level, handled, users, issueType, unverified } = facts;
  if (issueType === "typo") return { severity: "P3", because: "a spelling mistake" };
  if (level === "info" || level === "debug") return { severity: "P4", because: `logged as ${level}` };
  if (unverified) {
    const many = users >= browserUsersP2;
    return { severity: many ? "P2" : "P3", because: `${users} users in browsers (limit ${browserUsersP2})` };
  }
  if (handled) return { severity: "P3", because: "the application handled it" };
  if (level === "warning") return { severity: "P3", because: "logged as warning" };
  if (level === "fatal") return { severity: "P1", because: "the process crashed" };
  return { severity: "P2", because: "an unhandled error on the server" };
}

/** One step, and never to P0 or P1 this way unless it was there: impact alone reaches those. */
function stepUp(severity: Severity): Severity {
  const place = steps.indexOf(severity);
  return place <= 1 ? severity : (steps[Math.max(1, place - 1)] ?? severity);
}
