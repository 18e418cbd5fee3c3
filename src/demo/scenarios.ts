import type { Status } from "#domain/lifecycle.ts";
import type { Answer, Ask, Traffic } from "./traffic.ts";

/** One story of the demo: what goes wrong, how Vigil must deal with it, and how production must look afterwards. */
export interface Scenario {
  name: string;
  story: string;
  /** For the report, in a few words. */
  expected: string;
  severity: string;
  status: Status;
  /** Statuses that the issue must have gone through. */
  through: readonly Status[];
  needsApproval: boolean;
  /** Recognises the scenario's issue among those that appeared since its traffic began. */
  recognises(issue: { issueType: string; operation: string | null }): boolean;
  /** Starts the requests that hit the bug; they end by themselves. */
  start(traffic: Traffic): void;
  /** `fixed`: production serves the fix · `unchanged`: it was never touched · `restored`: it serves the version of before. */
  production: "fixed" | "unchanged" | "restored";
  /** The request that shows, once all is over, what production does now. */
  proof: { ask: Ask; accepts(answer: Answer): boolean; inWords: string };
}

const launch = (campaignId: string): Ask => ({
  method: "POST",
  path: "/api/campaigns/launch",
  body: { campaignId, maxCalls: 1 },
});
const get = (path: string): Ask => ({ method: "GET", path });
/** Enough for the longest watch; then the stream dries up. */
const failingMax = 150;
const healthyMax = 1_200;
const healthyPerSecond = 8;

/** Failing requests, few enough for a plain P2, among healthy ones of the same route in both environments. */
function hit(traffic: Traffic, asks: { failing: Ask; healthy: Ask[]; perSecond: number }): void {
  const users = ["desk-3", "desk-7"];
  for (const environment of ["production", "staging"] as const) {
    const common = { environment, users };
    traffic.flow({ ...common, asks: [asks.failing], perSecond: asks.perSecond, requestsMax: failingMax });
    traffic.flow({ ...common, asks: asks.healthy, perSecond: healthyPerSecond, requestsMax: healthyMax });
  }
}

const nullCheck: Scenario = {
  name: "null-check",
  story: "Someone launches a campaign that was deleted: the query finds nothing, and nobody checked",
  expected: "P2 resolved automatically",
  severity: "P2",
  status: "resolved",
  through: ["diagnosing", "fixing", "testing", "staging", "deploying", "monitoring"],
  needsApproval: false,
  recognises: ({ operation }) => operation === "POST /api/campaigns/launch",
  start: (traffic) => hit(traffic, { failing: launch("camp-77"), healthy: [launch("camp-1")], perSecond: 1 }),
  production: "fixed",
  proof: {
    ask: launch("camp-77"),
    accepts: ({ status }) => status === 404,
    inWords: "launching a deleted campaign answers 404 instead of 500",
  },
};

const misspelt = "Appointment not avaliable";
const typo: Scenario = {
  name: "typo",
  story: "The front desk reports a spelling error in a message that patients see",
  expected: "P3 resolved automatically",
  severity: "P3",
  status: "resolved",
  through: ["diagnosing", "fixing", "testing", "staging", "deploying", "monitoring"],
  needsApproval: false,
  recognises: ({ issueType }) => issueType === "typo",
  start(traffic) {
    const body = { kind: "spelling", seenAt: "GET /api/appointments/[id]", text: misspelt };
    const report: Ask = { method: "POST", path: "/api/feedback", body };
    const users = ["desk-2", "desk-5"];
    traffic.flow({ environment: "production", asks: [report], perSecond: 4, requestsMax: 6, users });
  },
  production: "fixed",
  proof: {
    ask: get("/api/appointments/apt-4"),
    accepts: ({ status, body }) => status === 410 && body.includes('"Appointment not available"'),
    inWords: 'a cancelled appointment answers "Appointment not available"',
  },
};

const sunday = get("/api/appointments?day=2026-03-08");
const critical: Scenario = {
  name: "critical",
  story: "A day without opening hours: the morning list of appointments fails for everyone",
  expected: "P0 waited on staging, was approved by an operator, then resolved",
  severity: "P0",
  status: "resolved",
  through: ["staging", "awaiting_approval", "deploying", "monitoring"],
  needsApproval: true,
  recognises: ({ operation }) => operation === "GET /api/appointments",
  start(traffic) {
    const users = Array.from({ length: 40 }, (_, n) => `desk-${n + 1}`);
    // Everyone asks for the list at once: well over half of the requests of the last minutes fail.
    const outage = Math.max(100, Math.ceil(traffic.sentToProduction() * 1.4));
    void traffic.burst("production", sunday, outage, users);
    traffic.flow({ environment: "production", asks: [sunday], perSecond: 10, requestsMax: 900, users });
    traffic.flow({ environment: "staging", asks: [sunday], perSecond: 2, requestsMax: 150, users });
  },
  production: "fixed",
  proof: {
    ask: sunday,
    accepts: ({ status }) => status === 404,
    inWords: "the list of a day on which the clinic is closed answers 404 instead of 500",
  },
};

const invoices = (patient: string) => get(`/api/billing/invoices?patientId=${patient}`);
const protectedFile: Scenario = {
  name: "protected",
  story: "The bug sits in billing, whose files must never be changed without a person",
  expected: "P2 rejected: the fix would touch a protected file",
  severity: "P2",
  status: "rejected",
  through: ["diagnosing"],
  needsApproval: false,
  recognises: ({ operation }) => operation === "GET /api/billing/invoices",
  start: (traffic) =>
    hit(traffic, { failing: invoices("pat-99"), healthy: [invoices("pat-3"), invoices("pat-4")], perSecond: 1 }),
  production: "unchanged",
  proof: {
    ask: invoices("pat-3"),
    accepts: ({ status }) => status === 200,
    inWords: "billing answers as before",
  },
};

const oldBoard = get("/api/calls/board?day=2019-11-18");
const badFix: Scenario = {
  name: "bad-fix",
  story: "The obvious fix passes tests and staging, and then breaks the call board on production's old data",
  expected: "P2 rolled back: the previous version serves",
  severity: "P2",
  status: "failed",
  through: ["testing", "staging", "deploying", "monitoring", "rolling_back"],
  needsApproval: false,
  recognises: ({ operation }) => operation === "GET /api/calls/[id]",
  start: (traffic) =>
    hit(traffic, { failing: oldBoard, healthy: [get("/api/calls/call-1"), get("/api/calls/call-2")], perSecond: 1.5 }),
  production: "restored",
  proof: {
    ask: oldBoard,
    accepts: ({ status, body }) => status === 200 && body.includes('"–"'),
    inWords: "the call board shows its dash again",
  },
};

/** In the order in which they are told. */
export const scenarios: readonly Scenario[] = [nullCheck, typo, critical, protectedFile, badFix];

/**
 * In the order in which they run: the outage comes last, because severity looks at the failed share of all requests of
 * the last five minutes, and after an outage every small problem would look like one.
 */
export function inRunningOrder(chosen: readonly Scenario[]): Scenario[] {
  return [...chosen].sort((a, b) => Number(a === critical) - Number(b === critical));
}
