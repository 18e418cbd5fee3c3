import type { ErrorEvent } from "#domain/event.ts";
import type { Measurement } from "#domain/evidence.ts";
import type { Environment } from "#domain/ids.ts";
import type { Severity } from "#domain/issue.ts";

export interface SeverityFacts {
  level: ErrorEvent["level"];
  handled: boolean;
  /** Distinct users; -1 means everyone. */
  users: number;
  usersLastHour: number;
  /** Events of the last five minutes. */
  events: number;
  operation: string | null;
  issueType: string;
  /**
   * Share of all requests that failed and that this error can account for, 0–1: where something else fails, every rare error
   * beside it is no graver for that. Unmeasured below 20 requests, where a share says nothing.
   */
  requestsShare: Measurement;
  /** The same for the operation alone. */
  operationShare: Measurement;
  environment: Environment;
  /** Counted, and never an issue. */
  noise: boolean;
  regression: boolean;
  spike: boolean;
  /** Only browsers or anonymous senders reported it. */
  unverified: boolean;
}

export interface Judged {
  severity: Severity;
  /** One sentence with the number that decided. */
  because: string;
}

/**
 * Constants of detection.md §2.4.5. Its rules by the share of the *active* users are left out: no protocol that is read
 * tells how many users an application has at a time, and a rule that never applies would only look like one.
 */
const shareP0 = 0.5;
const shareP1 = 0.1;
const operationShareP1 = 0.5;
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
export function severityOf(facts: SeverityFacts): Judged {
  if (facts.noise) return { severity: "P4", because: "noise, no fault of the application" };
  if (facts.environment !== "production") return { severity: "P4", because: `seen on ${facts.environment} only` };
  // Nobody who may send anything without a key decides that everyone is affected.
  const grave = facts.unverified ? undefined : graveByImpact(facts);
  if (grave !== undefined) return grave;
  const plain = byLevel(facts);
  const came = facts.regression ? raised(plain, "it came back after a fix") : plain;
  return facts.spike ? raised(came, "it spikes") : came;
}

/** The graver of both; what the rule says counts where impact alone would say less. */
export function atLeast(judged: Judged, least: Severity | null, because: string): Judged {
  return least === null || judged.severity <= least ? judged : { severity: least, because };
}

function graveByImpact(facts: SeverityFacts): Judged | undefined {
  const { users, events, issueType, level } = facts;
  const share = shareIn(facts.requestsShare);
  if (issueType === "health_check") return { severity: "P0", because: "the health check fails" };
  if (users === -1) return { severity: "P0", because: "everyone is affected" };
  if (share !== undefined && share >= shareP0) {
    return { severity: "P0", because: `${percent(share)} of the requests fail (limit ${percent(shareP0)})` };
  }
  if (level === "fatal" && events >= crashesP0) {
    return { severity: "P0", because: `${events} crashes in 5 minutes (limit ${crashesP0})` };
  }
  const traffic = share === undefined || share >= databaseShareP0;
  if (issueType === "database_error" && !facts.handled && events >= databaseEventsP0 && traffic) {
    return { severity: "P0", because: `the database failed ${events} times in 5 minutes (limit ${databaseEventsP0})` };
  }
  if (share !== undefined && share >= shareP1) {
    return { severity: "P1", because: `${percent(share)} of the requests fail (limit ${percent(shareP1)})` };
  }
  return manyUsers(facts);
}

function manyUsers(facts: SeverityFacts): Judged | undefined {
  const { users, usersLastHour, operation } = facts;
  const ofOperation = shareIn(facts.operationShare);
  if (ofOperation !== undefined && ofOperation >= operationShareP1) {
    return {
      severity: "P1",
      because: `${percent(ofOperation)} of ${operation} fail (limit ${percent(operationShareP1)})`,
    };
  }
  if (usersLastHour >= usersP1) {
    return { severity: "P1", because: `${usersLastHour} users are affected in an hour (limit ${usersP1})` };
  }
  if (operation !== null && sensitive.test(operation) && users >= sensitiveUsersP1) {
    return { severity: "P1", because: `${users} users are affected in ${operation} (limit ${sensitiveUsersP1})` };
  }
  return undefined;
}

function byLevel(facts: SeverityFacts): Judged {
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

/** One step, and never above P1 this way: impact alone reaches P0. */
function raised(judged: Judged, why: string): Judged {
  const place = steps.indexOf(judged.severity);
  const severity = place <= 1 ? judged.severity : (steps[place - 1] ?? judged.severity);
  return severity === judged.severity ? judged : { severity, because: `${judged.because}, and ${why}` };
}

/** What a spike makes of an open issue: one step, and never above P1 (detection.md §2.4.5). */
export function afterSpike(severity: Severity, because: string): Judged | undefined {
  const judged = raised({ severity, because: `was ${severity}` }, because);
  return judged.severity === severity ? undefined : { ...judged, because: `it spikes: ${because}` };
}

function shareIn(measurement: Measurement): number | undefined {
  return measurement.kind === "measured" ? measurement.value : undefined;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
