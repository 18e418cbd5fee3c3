import { describe, expect, it } from "vitest";
import { type GateFacts, gate } from "#policy/detectors/events.ts";
import { type SeverityFacts, severityOf } from "#policy/severity.ts";

describe("gate (detection.md §2.4.1)", () => {
  const server: GateFacts = {
    state: "candidate",
    handled: false,
    level: "error",
    trust: "server",
    hasInAppFrame: true,
    hasStack: true,
    issueType: "api_error",
    eventsRecent: 1,
    usersRecent: 1,
    httpStatus: null,
  };
  const text = { hasInAppFrame: false, hasStack: false, handled: true, issueType: "log_error" };
  const browser = { trust: "browser" as const, usersRecent: 2 };
  const table: [string, Partial<GateFacts>, number][] = [
    ["unhandled on the server, in the application", {}, 1],
    ["handled, but answered with 500", { handled: true, httpStatus: 500 }, 1],
    [
      "a typed report of a person",
      { issueType: "typo", level: "info", ...{ hasStack: false, hasInAppFrame: false } },
      1,
    ],
    ["handled", { handled: true }, 3],
    ["handled, answered with 404", { handled: true, httpStatus: 404 }, 3],
    ["a warning", { level: "warning" }, 3],
    ["unhandled outside the application", { hasInAppFrame: false }, 3],
    ["log text", text, 5],
    ["two browsers", browser, 3],
    ["an external service", { issueType: "external_api_error" }, 15],
  ];
  for (const [name, changed, needed] of table) {
    it(`${name}: ${needed} event(s)`, () => {
      expect(gate({ ...server, ...changed, eventsRecent: needed })).toBe(true);
      expect(gate({ ...server, ...changed, eventsRecent: needed - 1 })).toBe(false);
    });
  }
  const never: [string, Partial<GateFacts>][] = [
    ["one browser user", { ...browser, usersRecent: 1 }],
    ["information", { level: "info" }],
    ["debug output", { level: "debug" }],
    ["what has an issue", { state: "issue" }],
    ["what is muted", { state: "muted" }],
    ["noise", { state: "noise" }],
    ["what was dismissed", { state: "dismissed" }],
    ["counts that are none", { eventsRecent: Number.NaN }],
    ["browser users that are no count", { ...browser, usersRecent: Number.NaN }],
  ];
  for (const [name, changed] of never) {
    it(`${name}: never`, () =>
      expect(gate({ ...server, eventsRecent: 1_000, usersRecent: 1_000, ...changed })).toBe(false));
  }
});

describe("severityOf (detection.md §2.4.5)", () => {
  const plain: SeverityFacts = {
    level: "error",
    handled: false,
    users: 1,
    events: 1,
    operation: "POST /api/campaigns/launch",
    issueType: "api_error",
    requestsShare: { kind: "unmeasured", why: "fewer than 20 requests" },
    environment: "production",
    regression: false,
    unverified: false,
  };
  const share = (value: number) => ({ requestsShare: { kind: "measured" as const, value } });
  const table: [string, Partial<SeverityFacts>, string][] = [
    ["31: one unhandled server error", {}, "P2"],
    ["32: 110 of 200 requests fail", share(0.55), "P0"],
    ["32: 19 of 19 fail, below the floor of 20", { events: 19 }, "P2"],
    ["33: 12 refused connections to the database", { issueType: "database_error", events: 12 }, "P0"],
    ["34: checkout, 6 users", { operation: "POST /api/checkout", users: 6 }, "P1"],
    ["34: handled warning", { handled: true, level: "warning" }, "P3"],
    ["34: information", { level: "info" }, "P4"],
    ["half of the requests", share(0.5), "P0"],
    ["just below half", share(0.499), "P1"],
    ["a tenth", share(0.1), "P1"],
    ["just below a tenth", share(0.099), "P2"],
    ["NaN of the requests", share(Number.NaN), "P2"],
    ["9 database errors", { issueType: "database_error", events: 9 }, "P2"],
    ["12 database errors, few requests touched", { issueType: "database_error", events: 12, ...share(0.01) }, "P2"],
    ["12 handled database errors", { issueType: "database_error", events: 12, handled: true }, "P3"],
    ["everyone", { users: -1 }, "P0"],
    ["100 users", { users: 100 }, "P1"],
    ["99 users", { users: 99 }, "P2"],
    ["checkout, 4 users", { operation: "POST /api/checkout", users: 4 }, "P2"],
    ["login, 5 users", { operation: "POST /api/auth/login", users: 5 }, "P1"],
    ["an author is no login", { operation: "GET /api/authors", users: 50 }, "P2"],
    ["one crash", { level: "fatal" }, "P1"],
    ["three crashes", { level: "fatal", events: 3 }, "P0"],
    ["a failing health check", { issueType: "health_check" }, "P0"],
    ["an external service", { issueType: "external_api_error", events: 15 }, "P2"],
    ["handled", { handled: true }, "P3"],
    ["a spelling mistake", { issueType: "typo", level: "info" }, "P3"],
    ["9 browser users", { unverified: true, users: 9 }, "P3"],
    ["10 browser users", { unverified: true, users: 10 }, "P2"],
    ["browsers that claim everyone", { unverified: true, users: -1, level: "fatal", events: 1_000, ...share(1) }, "P3"],
    ["staging", { environment: "staging", users: -1 }, "P4"],
    ["a regression of a P2", { regression: true }, "P1"],
    ["a regression of a P3", { regression: true, handled: true }, "P2"],
    ["a regression of a crash stays", { regression: true, level: "fatal" }, "P1"],
  ];
  for (const [name, changed, severity] of table) {
    it(`${name}: ${severity}`, () => expect(severityOf({ ...plain, ...changed }).severity).toBe(severity));
  }
  it("says which number decided", () => {
    expect(severityOf({ ...plain, ...share(0.55) })).toEqual({
      severity: "P0",
      because: "55 % of the requests fail (limit 50 %)",
    });
    expect(severityOf({ ...plain, regression: true }).because).toBe(
      "an unhandled error on the server, and it came back after a fix",
    );
  });
});
