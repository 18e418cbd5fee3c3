import { describe, expect, it } from "vitest";
import { defaultRules, Rules } from "#domain/rule.ts";
import { Settings } from "#domain/settings.ts";
import { openingRule } from "#policy/detectors/events.ts";
import type { ErrorFacts } from "#policy/detectors/facts.ts";
import { type SeverityFacts, severityOf } from "#policy/severity.ts";

describe("openingRule (detection.md §2.4.1)", () => {
  type Given = Omit<ErrorFacts, "within">;
  const server: Given = {
    kind: "error",
    handled: false,
    level: "error",
    trust: "server",
    hasInAppFrame: true,
    hasWeakFrames: false,
    hasStack: true,
    issueType: "api_error",
    httpStatus: null,
    externalHost: null,
  };
  /** So many events and users within every window up to `withinMs`, and none in shorter ones. */
  const decide = (given: Given, events: number, users = 1, withinMs = 0) =>
    openingRule(
      { ...given, within: (windowMs) => (windowMs >= withinMs ? { events, users } : { events: 0, users: 0 }) },
      defaultRules,
      new Map(),
    );
  const text = { hasInAppFrame: false, hasStack: false, handled: true, issueType: "log_error" };
  const outside = { kind: "external" as const, issueType: "external_api_error", externalHost: "api.stripe.com" };
  const table: [string, Partial<Given>, number, string][] = [
    ["unhandled on the server, in the application", {}, 1, "unhandled error"],
    ["handled, but answered with 500", { handled: true, httpStatus: 500 }, 1, "unhandled error"],
    ["a typed report of a person", { issueType: "typo", level: "info", hasStack: false }, 1, "stated by the sender"],
    ["handled", { handled: true }, 3, "handled error"],
    ["handled, answered with 404", { handled: true, httpStatus: 404 }, 3, "handled error"],
    ["a warning", { level: "warning" }, 3, "handled error"],
    ["unhandled outside the application", { hasInAppFrame: false }, 3, "handled error"],
    ["log text", text, 5, "logged error"],
    ["browsers", { trust: "browser" }, 3, "error in browsers"],
    ["built code without its source map", { hasWeakFrames: true }, 3, "error in browsers"],
    ["35: an external host that fails", outside, 15, "external service fails"],
  ];
  for (const [name, changed, needed, rule] of table) {
    it(`${name}: ${needed} event(s)`, () => {
      expect(decide({ ...server, ...changed }, needed, 2)?.rule.name).toBe(rule);
      expect(decide({ ...server, ...changed }, needed - 1, 2)).toBeUndefined();
    });
  }
  const never: [string, Partial<Given>, number, number][] = [
    ["one browser user", { trust: "browser" }, 1_000, 1],
    ["information", { level: "info" }, 1_000, 1_000],
    ["debug output", { level: "debug" }, 1_000, 1_000],
    ["counts that are none", {}, Number.NaN, Number.NaN],
    ["browser users that are no count", { trust: "browser" }, 1_000, Number.NaN],
  ];
  for (const [name, changed, events, users] of never) {
    it(`${name}: never`, () => expect(decide({ ...server, ...changed }, events, users)).toBeUndefined());
  }

  it("says the numbers, as people would", () => {
    expect(decide({ ...server, ...outside }, 15)?.because).toBe(
      "15 calls to api.stripe.com failed in the last 5 minutes (limit 15)",
    );
    expect(decide(server, 1)?.because).toBe("1 event in an hour (limit 1)");
  });

  it("opens an issue of harmless events that many users met", () => {
    expect(decide({ ...server, ...outside }, 1, 100)?.rule).toMatchObject({ name: "many users", severity: "P1" });
    expect(decide({ ...server, ...outside }, 1, 99)).toBeUndefined();
  });

  it("follows rules that operators add, switch off, or narrow to one host", () => {
    const mine = Rules.parse([
      {
        name: "payments",
        kind: "failure_count",
        host: "API.stripe.com",
        windowMs: 60_000,
        threshold: 2,
        severity: "P1",
      },
      { name: "off", kind: "new_error", of: "unhandled", windowMs: 60_000, threshold: 1, enabled: false },
    ]);
    const ask = (given: Partial<Given>) =>
      openingRule({ ...server, ...given, within: () => ({ events: 2, users: 1 }) }, mine, new Map())?.rule.name;
    expect([ask(outside), ask({ ...outside, externalHost: "other.example" }), ask({})]).toEqual([
      "payments",
      undefined,
      undefined,
    ]);
  });

  it("asks for twice as much for each time that a rule raised itself", () => {
    const facts = (events: number) => ({ ...server, handled: true, within: () => ({ events, users: 1 }) });
    const steps = new Map([["handled error", 2]]);
    expect(openingRule(facts(11), defaultRules, steps)).toBeUndefined();
    expect(openingRule(facts(12), defaultRules, steps)?.rule.name).toBe("handled error");
  });
});

describe("rules as data", () => {
  const rule = { name: "a", kind: "new_error", of: "log", windowMs: 60_000, threshold: 1 };
  it.each([
    ["an unknown kind", [{ ...rule, kind: "guess" }]],
    ["no name", [{ ...rule, name: " " }]],
    ["a name with control characters", [{ ...rule, name: "a\u0000" }]],
    ["the same name twice", [rule, rule]],
    ["no window", [{ ...rule, windowMs: 0 }]],
    ["a window of two days", [{ ...rule, windowMs: 48 * 3_600_000 }]],
    ["no threshold", [{ ...rule, threshold: 0 }]],
    ["a threshold that is none", [{ ...rule, threshold: Number.NaN }]],
    ["a field of another kind", [{ ...rule, host: "x" }]],
    ["more rules than anyone reads", Array.from({ length: 51 }, (_, n) => ({ ...rule, name: `r${n}` }))],
  ])("refuses %s", (_, rules) => expect(Rules.safeParse(rules).success).toBe(false));
  it("takes the defaults of detection.md §2.4", () => {
    expect(Settings.parse({}).detection.rules).toEqual(defaultRules);
    expect(defaultRules.map(({ kind, threshold, windowMs }) => `${kind} ${threshold} in ${windowMs / 60_000}`)).toEqual(
      [
        "new_error 1 in 60",
        "new_error 1 in 60",
        "new_error 3 in 15",
        "new_error 5 in 15",
        "new_error 3 in 60",
        "failure_count 15 in 5",
        "failure_rate 5 in 5",
        "spike 3 in 5",
        "affected_users 100 in 60",
        "health_check 3 in 15",
        "heartbeat 10 in 15",
      ],
    );
  });
});

describe("severityOf (detection.md §2.4.5)", () => {
  const plain: SeverityFacts = {
    level: "error",
    handled: false,
    users: 1,
    usersLastHour: 1,
    events: 1,
    operationShare: { kind: "unmeasured", why: "no source" },
    noise: false,
    spike: false,
    operation: "POST /api/campaigns/launch",
    issueType: "api_error",
    requestsShare: { kind: "unmeasured", why: "fewer than 20 requests" },
    environment: "production",
    regression: false,
    unverified: false,
  };
  const of = (value: number) => ({ kind: "measured" as const, value });
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
    ["28: noise, however many met it", { noise: true, users: 200, events: 500 }, "P4"],
    ["100 users in an hour", { usersLastHour: 100 }, "P1"],
    ["99 users in an hour", { usersLastHour: 99 }, "P2"],
    ["half of one operation", { operationShare: of(0.5) }, "P1"],
    ["just below half of one operation", { operationShare: of(0.49) }, "P2"],
    ["a spike of a P2", { spike: true }, "P1"],
    ["a spike of a regression of a P3", { spike: true, regression: true, handled: true }, "P1"],
    ["a spike of a P1 stays", { spike: true, level: "fatal" }, "P1"],
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
