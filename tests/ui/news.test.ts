import { describe, expect, it } from "vitest";
import type { BoardView, FlightView } from "#domain/view.ts";
import { newsOf } from "#ui/news.ts";

const aFlight = (id: string, status: FlightView["status"] = "staging"): FlightView => ({
  ...{ id, title: id, severity: "P2", status, statusSince: "2026-01-01T00:00:00.000Z", progress: null },
  ...{ nextRunAt: null, attempt: 1, affectedUsers: 0, eventCount: 1, watch: null },
});

const aBoard = (flights: FlightView[] = [], asked: string[] = [], flightsInAll = flights.length): BoardView => ({
  ...{ seq: 1, at: "2026-01-01T00:00:00.000Z", paused: null, autonomyLevel: 1, flights, flightsInAll },
  usualMs: {},
  usage: {
    fixesThisHour: { used: 0, limit: 1 },
    deploymentsToday: { used: 0, limit: 1 },
    spendTodayUsd: { used: 0, limit: 1 },
  },
  waiting: asked.map((one) => ({ issueId: one.split("@")[0] ?? "", diffHash: one.split("@")[1] ?? "first" })),
});

const ended =
  (status: string, statusReason: string | null = null) =>
  async (id: string) => ({
    ...{ title: `issue ${id}`, status, statusReason },
  });
const href = "/dashboard/agent/issues/a";

describe("news between two sights of the board", () => {
  it("tells of a fix that waits for approval, and again when it changed", async () => {
    const news = { tone: "warn", title: "A fix waits for approval", text: "issue a", href };
    const read = ended("awaiting_approval");
    expect(await newsOf(aBoard([aFlight("a")]), aBoard([], ["a"]), read)).toEqual([news]);
    expect(await newsOf(aBoard([], ["a"]), aBoard([], ["a@second"]), read)).toEqual([news]);
    expect(await newsOf(aBoard([], ["a"]), aBoard([], ["a"]), read)).toEqual([]);
  });

  it("tells once of a rollback that begins", async () => {
    const before = aBoard([aFlight("a", "monitoring")]);
    const now = aBoard([aFlight("a", "rolling_back")]);
    const read = ended("rolling_back");
    expect(await newsOf(before, now, read)).toEqual([
      { tone: "bad", title: "A fix is being rolled back", text: "issue a", href },
    ]);
    expect(await newsOf(now, now, read)).toEqual([]);
  });

  it.each([
    ["resolved", null, { tone: "good", title: "Resolved", text: "issue a", href }],
    ["failed", "errors rose", { tone: "bad", title: "Failed", text: "issue a: errors rose", href }],
    ["failed", null, { tone: "bad", title: "Failed", text: "issue a", href }],
    ["rejected", "no", undefined],
    ["dismissed", "no", undefined],
  ] as const)("tells how an issue ended: %s", async (status, reason, message) => {
    const news = await newsOf(aBoard([aFlight("a", "monitoring")]), aBoard(), ended(status, reason));
    expect(news).toEqual(message === undefined ? [] : [message]);
  });

  it("takes an issue that left a shortened list for nothing", async () => {
    expect(await newsOf(aBoard([aFlight("a")], [], 200), aBoard([aFlight("b")], [], 200), ended("resolved"))).toEqual(
      [],
    );
  });

  it("tells three things of a storm, and leaves out what cannot be read", async () => {
    const asked = ["a", "b", "c", "d", "e"];
    expect(await newsOf(aBoard(), aBoard([], asked), ended("awaiting_approval"))).toHaveLength(3);
    expect(await newsOf(aBoard(), aBoard([], asked), async () => undefined)).toEqual([]);
  });
});
