import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { detect } from "#engine/detect.ts";
import { ingest } from "#engine/ingest.ts";
import { merge, split } from "#engine/regroup.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Connection } from "#store/connect.ts";
import { anEvent } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { anEngine, auditOf, type TestEngine } from "./an-engine.ts";

const ann = "operator:ann";

describe.each(databases())("merging and splitting on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  let sent = 0;

  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection, { findProblems });
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(() => empty(connection));

  /** `count` events of one kind, and what detection makes of them. */
  async function occur(property: string, count = 1, change: Parameters<typeof anEvent>[0] = {}): Promise<void> {
    const message = `Cannot read properties of undefined (reading '${property}')`;
    const events = Array.from({ length: count }, () =>
      anEvent({ id: `event-${sent++}`, at: new Date(), message, ...change }),
    );
    await ingest(engine, { events, traffic: [] });
    await detect(engine);
  }
  const Issue = z.object({
    id: z.string(),
    status: z.string(),
    events: z.number(),
    users: z.number(),
    merged: z.string().nullable(),
    fingerprint: z.string(),
  });
  async function issueOf(property: string) {
    const [issue] = await connection.rows(
      Issue,
      sql`SELECT id, status, event_count AS events, affected_users AS users, merged_into AS merged, fingerprint
          FROM agent_issues WHERE message LIKE ${`%'${property}')`}`,
    );
    if (issue === undefined) throw new Error(`no issue about ${property}`);
    return issue;
  }
  const count = async () => (await connection.rows(z.unknown(), sql`SELECT 1 FROM agent_issues`)).length;
  async function refusal(of: Promise<unknown>): Promise<string> {
    try {
      await of;
      return "accepted";
    } catch (error) {
      if (error instanceof Failure) return `${error.code}: ${error.message}`;
      throw error;
    }
  }

  it("keeps two issues one, also for events that come later, and counts them together", async () => {
    await occur("id", 2, { userHash: "u1" });
    await occur("name", 3, { userHash: "u1" });
    const [id, name] = [await issueOf("id"), await issueOf("name")];
    await merge(engine, { issueId: name.id, into: id.id, actor: ann, reason: "one cause" });
    expect(await issueOf("name")).toMatchObject({ status: "dismissed", merged: id.id });
    expect(await issueOf("id")).toMatchObject({ status: "detected", events: 5, users: 1 });
    await occur("name", 4, { userHash: "u2" });
    expect(await issueOf("id")).toMatchObject({ events: 9, users: 2 });
    expect(await issueOf("name")).toMatchObject({ status: "dismissed" });
    expect(await count()).toBe(2);
    const audit = (await auditOf(connection)).map((line) => line.split(" ")[0]);
    expect(audit).toEqual(expect.arrayContaining(["issue.merged", "issue.absorbed", "status.changed"]));
  });

  it("done twice, or by two people at the same moment, is done once", async () => {
    await occur("id");
    await occur("name");
    const [id, name] = [await issueOf("id"), await issueOf("name")];
    const request = { issueId: name.id, into: id.id, actor: ann };
    await Promise.all([merge(engine, request), merge(engine, { ...request, actor: "operator:ben" })]);
    await merge(engine, request);
    const merged = (await auditOf(connection)).filter((line) => line.startsWith("issue.merged "));
    expect(merged).toHaveLength(1);
    const crosswise = await Promise.all([
      refusal(merge(engine, request)),
      refusal(merge(engine, { ...request, issueId: id.id, into: name.id })),
    ]);
    expect(crosswise).toEqual(["accepted", expect.stringMatching(/^conflict: The other issue was merged itself/)]);
  });

  it("is refused where it makes no sense, and then changes nothing", async () => {
    await occur("id");
    await occur("name");
    const [id, name] = [await issueOf("id"), await issueOf("name")];
    const unknown = "00000000-0000-4000-8000-000000000000";
    const to = (issueId: string, into: string) => refusal(merge(engine, { issueId, into, actor: ann }));
    expect(await to(id.id, id.id)).toBe("conflict: An issue cannot be merged into itself.");
    expect(await to(id.id, unknown)).toBe("not_found: There is no such issue.");
    expect(await to("no id", id.id)).toBe("not_found: There is no such issue.");
    await connection.db.execute(sql`UPDATE agent_issues SET status = 'dismissed' WHERE id = ${name.id}`);
    expect(await to(id.id, name.id)).toBe("conflict: The other issue is dismissed.");
    const out = (issueId: string, fingerprint: string) => refusal(split(engine, { issueId, fingerprint, actor: ann }));
    expect(await out(id.id, "f".repeat(32))).toBe("conflict: This issue has no such group (any more).");
    expect(await out(id.id, id.fingerprint)).toBe("conflict: This is the issue's only group.");
    expect((await auditOf(connection)).filter((line) => !line.startsWith("issue.detected "))).toEqual([]);
  });

  it("is taken back by a split: the former issue goes on, and later events follow", async () => {
    await occur("id");
    await occur("name", 2);
    const [id, name] = [await issueOf("id"), await issueOf("name")];
    await merge(engine, { issueId: name.id, into: id.id, actor: ann });
    const own = { issueId: id.id, fingerprint: id.fingerprint, actor: ann };
    expect(await refusal(split(engine, own))).toMatch(/^conflict: The issue was opened by this group/);
    expect(await split(engine, { ...own, fingerprint: name.fingerprint })).toBe(name.id);
    await occur("name");
    expect(await issueOf("name")).toMatchObject({ status: "detected", merged: null, events: 3 });
    expect(await issueOf("id")).toMatchObject({ events: 1 });
    expect(await refusal(split(engine, { ...own, fingerprint: name.fingerprint }))).toMatch(/no such group/);
  });

  it("opens an issue for a group that never had one of its own", async () => {
    await occur("id");
    const id = await issueOf("id");
    await ingest(engine, { events: [anEvent({ id: "other", at: new Date(), message: "lost" })], traffic: [] });
    await connection.db.execute(sql`UPDATE agent_fingerprints SET issue_id = ${id.id}, state = 'issue'`);
    const [other] = await connection.rows(
      z.object({ fingerprint: z.string() }),
      sql`SELECT fingerprint FROM agent_fingerprints WHERE title LIKE '%lost%'`,
    );
    const fingerprint = other?.fingerprint ?? "";
    const opened = await split(engine, { issueId: id.id, fingerprint, actor: ann });
    await detect(engine);
    const [issue] = await connection.rows(
      Issue.pick({ id: true, status: true, events: true, fingerprint: true }),
      sql`SELECT id, status, event_count AS events, fingerprint FROM agent_issues WHERE id = ${opened}`,
    );
    expect(issue).toEqual({ id: opened, status: "detected", events: 1, fingerprint });
  });

  it("lets the issue that goes on come back when a merged group returns after its fix", async () => {
    await occur("id");
    await occur("name");
    const [id, name] = [await issueOf("id"), await issueOf("name")];
    await merge(engine, { issueId: name.id, into: id.id, actor: ann });
    for (const status of ["diagnosing", "fixing", "testing", "staging", "deploying", "monitoring", "resolved"]) {
      await connection.db.execute(
        sql`UPDATE agent_issues SET status = ${status}, resolved_at = now() - interval '1 hour' WHERE id = ${id.id}`,
      );
    }
    await occur("name", 1, { release: "another-release" });
    const after = await connection.rows(
      Issue.pick({ id: true, status: true, events: true }),
      sql`SELECT id, status, event_count AS events FROM agent_issues ORDER BY status`,
    );
    expect(after).toEqual([
      { id: id.id, status: "detected", events: 3 },
      { id: name.id, status: "dismissed", events: 1 },
    ]);
  });
});
