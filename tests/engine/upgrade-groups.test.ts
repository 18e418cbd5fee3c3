import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ingest } from "#engine/ingest.ts";
import { upgradeGroups } from "#engine/upgrade-groups.ts";
import type { Connection } from "#store/connect.ts";
import { anEvent } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { anEngine, type TestEngine } from "./an-engine.ts";

describe.each(databases())("a better algorithm on $name", ({ open }) => {
  let connection: Connection;
  let engine: TestEngine;
  let sent = 0;
  beforeAll(async () => {
    connection = await open();
    engine = await anEngine(connection);
  });
  afterAll(async () => {
    await engine.queue.stop();
    await connection.close();
  });
  beforeEach(() => empty(connection));

  const occur = (change: Parameters<typeof anEvent>[0] = {}) =>
    ingest(engine, { events: [anEvent({ id: `event-${sent++}`, at: new Date(), ...change })], traffic: [] });
  const Group = z.object({
    fingerprint: z.string(),
    algorithm: z.number(),
    events: z.number(),
    issue: z.string().nullable(),
  });
  const groups = () =>
    connection.rows(
      Group,
      sql`SELECT fingerprint, algorithm, event_count::int AS events, issue_id AS issue FROM agent_fingerprints ORDER BY fingerprint`,
    );
  /** As if an older algorithm had named the only group `name`. */
  async function renamedTo(name: string): Promise<void> {
    const tables = ["agent_fingerprints", "agent_event_minutes", "agent_issue_users", "agent_events"];
    for (const table of tables) {
      await connection.db.execute(
        sql`UPDATE ${sql.identifier(table)} SET fingerprint = ${name} WHERE fingerprint NOT LIKE 'old-%'`,
      );
    }
    await connection.db.execute(sql`UPDATE agent_fingerprints SET algorithm = 1 WHERE fingerprint = ${name}`);
  }
  const issueOf = async (fingerprint: string) => {
    const [row] = await connection.rows(
      z.object({ id: z.string() }),
      sql`INSERT INTO agent_issues (severity, issue_type, title, message, fingerprint) VALUES ('P2', 'a', 'b', 'c', ${fingerprint}) RETURNING id`,
    );
    const id = row?.id ?? "";
    await connection.db.execute(
      sql`UPDATE agent_fingerprints SET issue_id = ${id}, state = 'issue' WHERE fingerprint = ${fingerprint}`,
    );
    return id;
  };
  const minutes = async () => {
    const [row] = await connection.rows(
      z.object({ events: z.number(), names: z.number() }),
      sql`SELECT sum(events)::int AS events, count(DISTINCT fingerprint)::int AS names FROM agent_event_minutes`,
    );
    return row;
  };

  it("keeps issue, counts and users of what it names otherwise, and the next event finds them", async () => {
    await occur();
    await renamedTo("old-name");
    const id = await issueOf("old-name");
    expect(await upgradeGroups(engine)).toBe(1);
    await occur({ userHash: "u2" });
    const [group, ...others] = await groups();
    expect([group, others]).toEqual([expect.objectContaining({ algorithm: 2, events: 2, issue: id }), []]);
    expect(await minutes()).toEqual({ events: 2, names: 1 });
    const [issue] = await connection.rows(
      z.object({ fingerprint: z.string() }),
      sql`SELECT fingerprint FROM agent_issues WHERE id = ${id}`,
    );
    expect(issue?.fingerprint).toBe(group?.fingerprint);
    expect(await upgradeGroups(engine)).toBe(0);
  });

  it("makes one of two groups that it takes for one, whether or not events came meanwhile", async () => {
    await occur();
    await renamedTo("old-one");
    await occur();
    await renamedTo("old-two");
    const id = await issueOf("old-one");
    await occur({ userHash: "u1" });
    expect(await upgradeGroups(engine)).toBe(2);
    expect(await groups()).toEqual([expect.objectContaining({ algorithm: 2, events: 3, issue: id })]);
    expect(await minutes()).toEqual({ events: 3, names: 1 });
  });

  it("leaves alone what it names alike, and what it cannot read any more", async () => {
    await occur();
    await connection.db.execute(sql`UPDATE agent_fingerprints SET algorithm = 1`);
    const [before] = await groups();
    expect(await upgradeGroups(engine)).toBe(0);
    expect(await groups()).toEqual([{ ...before, algorithm: 2 }]);
    await connection.db.execute(sql`UPDATE agent_fingerprints SET algorithm = 1, sample = '{"a":1}'`);
    expect(await upgradeGroups(engine)).toBe(0);
    expect(await groups()).toEqual([{ ...before, algorithm: 2 }]);
  });

  it("takes the promise of a fix along, so that its watch looks for the right error", async () => {
    await occur();
    await renamedTo("old-name");
    const id = await issueOf("old-name");
    const claim = JSON.stringify({ kind: "error_stops", fingerprint: "old-name", operation: null, statement: "s" });
    await connection.db.execute(
      sql`INSERT INTO agent_fixes (issue_id, attempt, engineer, cause_class, diagnosis, claim, confidence, estimated_minutes)
          VALUES (${id}, 1, 'e', 'code_fault', '{}', ${claim}::jsonb, 90, 5)`,
    );
    await Promise.all([upgradeGroups(engine), upgradeGroups(engine)]);
    const [group] = await groups();
    const [fix] = await connection.rows(
      z.object({ fingerprint: z.string() }),
      sql`SELECT claim->>'fingerprint' AS fingerprint FROM agent_fixes`,
    );
    expect(fix?.fingerprint).toBe(group?.fingerprint);
  });
});
