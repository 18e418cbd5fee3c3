import { describe, expect, it } from "vitest";
import type { Diagnosis } from "#domain/diagnosis.ts";
import { type Status, statuses } from "#domain/lifecycle.ts";
import { Notice } from "#domain/notice.ts";
import { refusal } from "#policy/commands.ts";
import { windowFree } from "#policy/limits.ts";
import { type Change, noticesOf } from "#policy/notices.ts";
import { aClaim, at, minuteMs } from "./builders.ts";

describe("refusal", () => {
  const allowed: Record<Parameters<typeof refusal>[0], Status[]> = {
    approve: ["awaiting_approval"],
    reject: ["awaiting_approval"],
    retry: ["failed", "rejected"],
    dismiss: ["detected", "diagnosing", "fixing", "testing", "staging", "awaiting_approval", "failed", "rejected"],
    mute: ["detected", "diagnosing", "fixing", "testing", "staging", "awaiting_approval", "failed", "rejected"],
    revert: ["resolved"],
  };
  for (const [command, where] of Object.entries(allowed) as [keyof typeof allowed, Status[]][]) {
    it(`lets ${command} be given only at ${where.join(", ")}`, () => {
      expect(statuses.filter((status) => refusal(command, { status, isLive: false }) === undefined)).toEqual(
        statuses.filter((status) => where.includes(status)),
      );
    });
  }
  it("lets a fix be taken back that was left in production, and none that is not there or is being watched", () => {
    const live = (status: Status) => refusal("revert", { status, isLive: true });
    expect(statuses.filter((status) => live(status) === undefined)).toEqual(["resolved", "failed"]);
    expect(refusal("revert", { status: "failed", isLive: false })).toBe("No fix of this issue is in production.");
    expect(live("monitoring")).toBe("Only a fix whose watch has ended can be taken back.");
  });
  it("says why in a sentence", () => {
    for (const status of statuses) expect(refusal("dismiss", { status, isLive: true }) ?? "ok.").toMatch(/\.$|^ok/);
    expect(refusal("approve", { status: "resolved", isLive: true })).toBe("This fix is not waiting for approval.");
  });
});

describe("windowFree", () => {
  const hourMs = 60 * minuteMs;
  it("counts only what lies within the window", () => {
    expect(windowFree([at(-61), at(-60), at(-59)], at(0), hourMs, 5)).toEqual({ kind: "free", left: 4 });
  });
  it("is full at the limit and says when it frees", () => {
    expect(windowFree([at(-10), at(-50)], at(0), hourMs, 2)).toEqual({ kind: "full", until: at(10) });
  });
  it("waits for as many places as are missing", () => {
    expect(windowFree([at(-50), at(-40), at(-30)], at(0), hourMs, 2)).toEqual({ kind: "full", until: at(20) });
  });
  it("counts what lies in the future, as after a jump of the clock", () => {
    expect(windowFree([at(5)], at(0), hourMs, 1)).toEqual({ kind: "full", until: at(65) });
  });
  it("never frees on numbers that are none", () => {
    for (const [windowMs, max] of [
      [Number.NaN, 5],
      [hourMs, Number.NaN],
      [hourMs, 0],
      [hourMs, -1],
      [0, 5],
    ] as const) {
      expect(windowFree([], at(0), windowMs, max).kind).toBe("full");
    }
    expect(windowFree([new Date(Number.NaN)], at(0), hourMs, 1)).toEqual({ kind: "full", until: at(60) });
    expect(windowFree([], new Date(Number.NaN), hourMs, 1).kind).toBe("full");
  });
});

describe("noticesOf", () => {
  const diagnosis: Diagnosis = {
    causeClass: "code_fault",
    rootCause: "missing null check",
    evidence: [],
    fixStrategy: "guard after the query",
    files: [],
    confidence: 92,
    requiresPerson: false,
    requiresPersonBecause: null,
    estimatedMinutes: 5,
    claim: aClaim,
    engineer: "playbook:null-check",
  };
  function change(changed: Partial<Change> = {}): Change {
    const issue = {
      id: "i1",
      severity: "P2" as const,
      title: "T",
      message: "m",
      affectedUsers: 3,
      issueType: "api_error",
    };
    return { issue, from: null, to: "detected", because: "why", version: 4, ...changed };
  }

  it("tells of a new issue with severity, message, users and a button", () => {
    expect(noticesOf(change())).toEqual([
      {
        key: "i1:detected:4",
        kind: "issue_detected",
        issueId: "i1",
        severity: "P2",
        title: "Issue detected: T",
        text: "m",
        fields: [
          { label: "Severity", value: "P2" },
          { label: "Type", value: "api_error" },
          { label: "Affected users", value: "3" },
        ],
        link: { label: "View in Dashboard", path: "/dashboard/agent/issues/i1" },
      },
    ]);
  });
  it("calls -1 users everyone", () => {
    const issue = { ...change().issue, affectedUsers: -1 };
    expect(noticesOf(change({ issue }))[0]?.fields[2]).toEqual({ label: "Affected users", value: "everyone" });
  });
  it("asks for approval with cause, strategy, confidence and reasons", () => {
    const [notice] = noticesOf(
      change({ from: "staging", to: "awaiting_approval", diagnosis, approvalReasons: ["P0."] }),
    );
    expect(notice).toMatchObject({ kind: "approval_needed", link: { label: "Review & Approve" } });
    expect(notice?.fields).toEqual([
      { label: "Severity", value: "P2" },
      { label: "Root cause", value: "missing null check" },
      { label: "Fix strategy", value: "guard after the query" },
      { label: "Confidence", value: "92 %" },
      { label: "Why a person", value: "P0." },
    ]);
  });
  const told: [string, Partial<Change>, string | undefined, string | undefined][] = [
    ["a regression", { from: "resolved" }, "issue_detected", "View in Dashboard"],
    ["a dismissed issue that came back", { from: "dismissed" }, "issue_detected", "View in Dashboard"],
    ["a retry", { from: "failed" }, undefined, undefined],
    ["resolved", { from: "monitoring", to: "resolved" }, "resolved", "View Details"],
    [
      "a rollback",
      { from: "rolling_back", to: "failed", because: "errors rose. Rolled back: aaaaaaaa serves" },
      "rolled_back",
      "View Issue",
    ],
    ["a version that someone else replaced", { from: "rolling_back", to: "failed" }, "failed", "View Issue"],
    [
      "a failed rollback",
      { from: "rolling_back", to: "failed", because: "ROLLBACK FAILED: x" },
      "rollback_failed",
      "View Issue",
    ],
    ["a failure", { from: "testing", to: "failed" }, "failed", "View Issue"],
    ["a rejection", { from: "fixing", to: "rejected" }, "rejected", "View Issue"],
    [
      "a refusal by policy",
      { from: "diagnosing", to: "dismissed", diagnosis: { ...diagnosis, causeClass: "user_error" } },
      "dismissed",
      "View Issue",
    ],
    ["a dismissal by a person", { from: "failed", to: "dismissed", diagnosis }, undefined, undefined],
    ["steps in between", { from: "fixing", to: "testing" }, undefined, undefined],
  ];
  for (const [name, changed, kind, label] of told) {
    it(`${name}: ${kind ?? "nothing"}`, () => {
      const [notice] = noticesOf(change(changed));
      expect([notice?.kind, notice?.link?.label]).toEqual([kind, label]);
    });
  }
  it("bounds hostile lengths and stays a notice", () => {
    const huge = "😀".repeat(100_000);
    const issue = { ...change().issue, title: huge, message: huge, issueType: huge };
    for (const to of statuses) {
      const made = noticesOf(
        change({
          issue,
          to,
          from: to === "detected" ? null : "diagnosing",
          because: huge,
          approvalReasons: Array.from({ length: 500 }, () => huge),
          diagnosis: { ...diagnosis, causeClass: "user_error", rootCause: huge },
        }),
      );
      for (const notice of made) {
        expect(JSON.stringify(Notice.parse(notice)).length).toBeLessThan(6_000);
        expect(notice.title.isWellFormed()).toBe(true);
      }
    }
  });
});
