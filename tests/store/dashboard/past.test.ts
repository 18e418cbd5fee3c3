import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Connection } from "#store/connect.ts";
import { verifyActions } from "#store/read/audit.ts";
import { type HistoryFilter, type Views, viewsOf } from "#store/read/dashboard/views.ts";
import { databases } from "#tests/support/databases.ts";
import { pastEnd, pastId, seedPast } from "#tests/support/seed-past.ts";

const past = { issues: 240, actions: 2_500, asked: 25, atWork: 110 };
const inAll = past.issues + past.asked + past.atWork;
const nothing = "00000000-0000-4000-8000-000000000000";

describe.each(databases())("the dashboard's readings of a long past on $name", ({ open }) => {
  let connection: Connection;
  let views: Views;
  beforeAll(async () => {
    connection = await open();
    await seedPast(connection, past);
    views = viewsOf(connection, "default", "https://github.com/acme/clinic");
  });
  afterAll(() => connection?.close());
  const change = (text: string) => connection.script((run) => run(text));
  async function allPages(filter: HistoryFilter) {
    const pages = [await views.history(filter)];
    for (let next = pages[0]?.next; next; next = pages.at(-1)?.next) {
      pages.push(await views.history({ ...filter, after: next }));
    }
    return pages.flatMap(({ rows }) => rows);
  }
  async function allActions(filter: Omit<Parameters<Views["audit"]>[0], "limit">) {
    const rows = await views.audit({ ...filter, limit: 400 });
    for (let page = rows; page.length > 0; rows.push(...page)) {
      page = await views.audit({ ...filter, before: rows.at(-1)?.seq, limit: 400 });
    }
    return rows;
  }

  it("stand on a trail whose chain is whole, and told to be so by the database as well", async () => {
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: past.actions });
    expect(await change("SELECT * FROM verify_agent_actions()")).toEqual([]);
  });

  it("show a bounded board, and say how much there is", async () => {
    const board = await views.board();
    expect(board).toMatchObject({ seq: past.actions, flightsInAll: past.atWork, paused: null, autonomyLevel: 1 });
    expect(board.flights).toHaveLength(100);
    expect(board.waiting).toHaveLength(past.asked);
    // Oldest first.
    expect(board.waiting[0]?.issueId).toBe(pastId("asked", past.asked));
    expect(board.flights[0]).toMatchObject({ status: "monitoring", watch: { environment: "production" } });
    expect(board.flights[0]?.watch?.checks.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("give approvals with everything to decide by, gravest first, and no more than a page", async () => {
    const approvals = await views.approvals();
    expect(approvals).toHaveLength(20);
    expect(approvals.map(({ severity }) => severity)).toEqual(approvals.map(({ severity }) => severity).toSorted());
    expect(approvals[0]).toMatchObject({
      issueId: pastId("asked", 25),
      severity: "P0",
      reasons: ["P0 needs a person."],
    });
    expect(approvals[0]?.fix).toMatchObject({ attempt: 1, redBeforeGreen: true, files: ["src/things.ts"] });
    expect(approvals[0]?.staging).toMatchObject({ environment: "staging", verdict: "passed" });
    expect(approvals[0]?.staging?.checks).toHaveLength(10);
    const waiting = (await views.board()).waiting.find(({ issueId }) => issueId === approvals[0]?.issueId);
    expect(approvals[0]?.fix.diffHash).toBe(waiting?.diffHash);
  });

  it("go through history page by page: each issue once, newest first", async () => {
    const rows = await allPages({ limit: 50 });
    expect(rows).toHaveLength(inAll);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(inAll);
    expect(rows.map(({ createdAt }) => createdAt)).toEqual(
      rows
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .reverse(),
    );
  });

  it.each(["resolved", "failed", "rejected", "dismissed"] as const)(
    "filter history by the status %s",
    async (status) => {
      const { rows, inAll: found } = await views.history({ limit: 500, status });
      expect(found).toBe(past.issues / 4);
      expect(rows.every((row) => row.status === status)).toBe(true);
      expect(rows[0]).toMatchObject({ durationMs: 540_000, costUsd: expect.closeTo(0.15) });
      expect(rows.map(({ id }) => id)).toContain(pastId("past", [1, 2, 3, 4].find((n) => pastEnd(n) === status) ?? 0));
    },
  );

  it("filter by severity, type and time, together", async () => {
    const filter = { severity: "P1", issueType: "typo", days: 2, limit: 500 } as const;
    const { rows } = await views.history(filter);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ severity, issueType }) => severity === "P1" && issueType === "typo")).toBe(true);
    expect(rows.every(({ createdAt }) => Date.parse(createdAt) > Date.now() - 3 * 86_400_000)).toBe(true);
    expect((await views.history({ days: 1, status: "resolved", limit: 5 })).inAll).toBe(0);
  });

  it("search titles, messages, operations, ids and commits, and take signs of patterns as they are", async () => {
    const id = pastId("past", 77);
    const found = async (text: string) => (await views.history({ limit: 500, text })).rows.map((row) => row.id);
    expect(await found("past PROBLEM 77")).toEqual([id]);
    expect(await found(id.slice(0, 13))).toEqual([id]);
    const commit = (await views.history({ limit: 1, text: id })).rows[0]?.commit ?? "";
    expect(await found(commit.slice(0, 12))).toEqual([id]);
    expect((await found("/api/things/7")).length).toBeGreaterThan(1);
    for (const text of ["%", "_", "\\", "100%", "'; DROP TABLE agent_issues; --"])
      expect(await found(text)).toEqual([]);
  });

  it("answer a position that nobody gave out like the first page", async () => {
    const first = await views.history({ limit: 3 });
    const far = `9999999999999999999.${nothing}`;
    for (const after of ["", "x", "1", `1.${nothing} OR true`, far, `1.${"-".repeat(36)}`, `1.${"a".repeat(36)}`]) {
      expect((await views.history({ limit: 3, after })).rows, after).toEqual(first.rows);
    }
    expect((await views.history({ limit: 3, after: `0.${nothing}` })).rows).toEqual([]);
    expect((await views.history({ limit: 3, after: `999999999999999999.${nothing}` })).rows).toEqual(first.rows);
  });

  it("count what the figures say", async () => {
    const figures = await views.figures(30);
    const ended = past.issues / 4;
    expect(figures).toMatchObject({ created: inAll, resolved: ended, failed: 2 * ended, dismissed: ended, days: 30 });
    expect(figures.successPct).toBeCloseTo(100 / 3);
    expect(figures.falsePositivePct).toBeCloseTo((100 * ended) / inAll);
    expect(figures.spendUsd).toBeCloseTo(0.15 * inAll);
    expect([figures.meanFixMs, figures.medianFixMs]).toEqual([540_000, 540_000]);
    const [counted] = await connection.rows(
      z.object({ rolled: z.number() }),
      sql`SELECT count(*)::int AS rolled FROM agent_fixes WHERE outcome = 'rolled_back'`,
    );
    expect(figures.rolledBack).toBe(counted?.rolled);
    const sum = (name: "created" | "resolved" | "failed" | "rolledBack" | "spendUsd") =>
      figures.perDay.reduce((total, day) => total + day[name], 0);
    expect(figures.perDay).toHaveLength(30);
    expect([sum("created"), sum("resolved"), sum("failed")]).toEqual([inAll, ended, 2 * ended]);
    expect(sum("rolledBack")).toBe(counted?.rolled);
    expect(sum("spendUsd")).toBeCloseTo(0.15 * inAll);
    expect(figures.perDay.map(({ day }) => day)).toEqual(figures.perDay.map(({ day }) => day).toSorted());
  });

  it("have no share of nothing", async () => {
    const other = viewsOf(connection, "another-project");
    expect(await other.figures(7)).toMatchObject({
      created: 0,
      successPct: null,
      keptPct: null,
      medianFixMs: null,
      spendUsd: 0,
    });
    expect(await other.history({ limit: 5 })).toEqual({ rows: [], inAll: 0, next: null, repositoryUrl: null });
    expect(await other.audit({ limit: 5 })).toEqual([]);
    expect(await other.approvals()).toEqual([]);
  });

  it("show one issue in full, and nothing for what is no issue", async () => {
    const issue = await views.issue(pastId("past", 4));
    expect(issue).toMatchObject({ title: "Past problem 4", status: "resolved", cost: { calls: 3 }, approval: null });
    expect(issue?.attempts).toHaveLength(1);
    expect(issue?.releases.map(({ environment }) => environment).toSorted()).toEqual(["production", "staging"]);
    expect(issue?.releases[0]?.checks).toHaveLength(10);
    expect(issue?.hours.reduce((total, { events }) => total + events, 0)).toBe(15);
    const hours = issue?.hours.map(({ at }) => Date.parse(at)) ?? [];
    expect(hours.slice(1).map((at, n) => at - (hours[n] ?? 0))).toEqual(hours.slice(1).map(() => 3_600_000));
    expect(Date.now() - (hours.at(-1) ?? 0)).toBeLessThan(2 * 3_600_000);
    expect(issue?.seenIn).toMatchObject([{ release: "b".repeat(40), events: 15 }]);
    expect(issue?.timeline.length).toBeGreaterThan(5);
    const seqs = issue?.timeline.map(({ seq }) => seq) ?? [];
    expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
    expect((await views.issue(pastId("asked", 1)))?.approval).toMatchObject({ issueId: pastId("asked", 1) });
    for (const id of [nothing, "", "x", "1 OR 1=1", pastId("past", 9_999)])
      expect(await views.issue(id)).toBeUndefined();
  });

  it("go through the audit trail: each row once, newest first", async () => {
    const rows = await allActions({});
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: past.actions }, (_, n) => past.actions - n));
  });

  it("filter the audit trail", async () => {
    expect(await allActions({ actor: "people" })).toHaveLength(past.actions / 50);
    expect(await allActions({ outcome: "failed" })).toHaveLength(past.actions / 100);
    expect(await allActions({ outcome: "failed", actor: "people" })).toEqual([]);
    expect((await allActions({ text: "ACTION 77" })).map(({ seq }) => seq)).toEqual([
      ...[779, 778, 777, 776, 775, 774, 773, 772, 771, 770, 77],
    ]);
    expect(await allActions({ text: "%" })).toEqual([]);
    expect(await allActions({ text: "Olga", outcome: "done" })).toHaveLength(past.actions / 50);
    const ofOne = await allActions({ issueId: pastId("past", 3) });
    expect(ofOne.map(({ issueId }) => issueId)).toEqual(ofOne.map(() => pastId("past", 3)));
    expect(ofOne.length).toBeGreaterThan(5);
  });

  it("leave nothing out between pages where many issues were made at the same moment", async () => {
    await change(`UPDATE agent_issues SET created_at = date_trunc('second', now()) - interval '2 days' + interval '123456 microseconds'
      WHERE title LIKE 'Past problem 1%'`);
    const rows = await allPages({ limit: 7, text: "past problem 1" });
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(rows).toHaveLength((await views.history({ limit: 1, text: "past problem 1" })).inAll);
    expect(rows.length).toBeGreaterThan(100);
  });
});
