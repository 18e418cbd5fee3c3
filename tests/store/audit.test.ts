import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { auditHead, type ChainReport, compareHeads, type Head, verifyActions } from "#store/read/audit.ts";
import { createPostgresDatabase, databases, empty, templateName } from "#tests/support/databases.ts";

const noHash = "0".repeat(64);
const rowCount = 6;

async function append(connection: Connection, count: number): Promise<void> {
  await connection.script(async (run) => {
    for (let n = 1; n <= count; n++) {
      await run("SELECT append_agent_action($1, $2, $3, 'done', $4, $5)", [
        ...["agent", "status.changed", `issue ${n}`, `because ${n}`],
        JSON.stringify({ n }),
      ]);
    }
  });
}

/** Changes the trail as somebody who owns the server could: with the triggers off. */
function tamper(connection: Connection, text: string): Promise<unknown> {
  return connection.script((run) => run(`SET LOCAL session_replication_role = replica; ${text}`));
}

async function databaseSays(connection: Connection): Promise<{ seq: number; problem: string } | undefined> {
  const found = await connection.rows(
    z.object({ seq: z.number(), problem: z.string() }),
    sql`SELECT broken_seq AS seq, problem FROM verify_agent_actions()`,
  );
  return found[0];
}

/** The head after each row: what an export every few minutes would have kept. */
async function heads(connection: Connection): Promise<Head[]> {
  return connection.rows(
    z.object({ seq: z.number(), hash: z.string() }),
    sql`SELECT seq, hash FROM agent_actions ORDER BY seq`,
  );
}

const rewritten = `
  DO $$
  DECLARE a agent_actions%ROWTYPE; prev text := repeat('0', 64);
  BEGIN
    FOR a IN SELECT * FROM agent_actions ORDER BY seq LOOP
      a.because := 'nothing happened';
      a.prev_hash := prev;
      a.hash := agent_action_hash(a);
      UPDATE agent_actions SET because = a.because, prev_hash = a.prev_hash, hash = a.hash WHERE seq = a.seq;
      prev := a.hash;
    END LOOP;
  END $$`;

const tamperings: { what: string; text: string; broken: Extract<ChainReport, { kind: "broken" }> }[] = [
  {
    what: "a changed row",
    text: "UPDATE agent_actions SET because = 'something else' WHERE seq = 3",
    broken: { kind: "broken", seq: 3, problem: "was changed after it was written" },
  },
  {
    what: "a deleted row",
    text: "DELETE FROM agent_actions WHERE seq = 3",
    broken: { kind: "broken", seq: 3, problem: "is missing" },
  },
  {
    what: "two rows in another order",
    text: "UPDATE agent_actions SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE seq IN (3, 4); UPDATE agent_actions SET seq = -seq WHERE seq < 0",
    broken: { kind: "broken", seq: 3, problem: "does not follow the row before it" },
  },
  {
    what: "a forged row at the end",
    text: `INSERT INTO agent_actions (seq, actor, action, prev_hash, hash)
      SELECT ${rowCount + 1}, 'operator:eva', 'fix.approved', hash, encode(sha256('forged'), 'hex') FROM agent_actions WHERE seq = ${rowCount}`,
    broken: { kind: "broken", seq: rowCount + 1, problem: "was changed after it was written" },
  },
  {
    what: "a forged row in the middle, all later ones moved on",
    text: `UPDATE agent_actions SET seq = -(seq + 1) WHERE seq >= 3; UPDATE agent_actions SET seq = -seq WHERE seq < 0;
      INSERT INTO agent_actions (seq, actor, action, prev_hash, hash)
      SELECT 3, 'operator:eva', 'fix.approved', hash, '' FROM agent_actions WHERE seq = 2;
      UPDATE agent_actions SET hash = agent_action_hash(agent_actions) WHERE seq = 3`,
    broken: { kind: "broken", seq: 4, problem: "does not follow the row before it" },
  },
  {
    what: "a row before the first",
    text: "INSERT INTO agent_actions (seq, actor, action, prev_hash, hash) VALUES (0, 'a', 'b', repeat('0', 64), '')",
    broken: { kind: "broken", seq: 0, problem: "stands before the first row" },
  },
  {
    what: "a chain that begins later",
    text: "DELETE FROM agent_actions WHERE seq <= 2",
    broken: { kind: "broken", seq: 1, problem: "is missing" },
  },
];

describe.each(databases())("the audit trail on $name", ({ open, kind }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
  });
  beforeEach(() => empty(connection));
  afterAll(() => connection.close());

  test("is whole when nothing happened yet", async () => {
    expect(await verifyActions(connection.db)).toEqual({ kind: "whole", rows: 0, head: noHash });
    expect(await auditHead(connection.db)).toBeUndefined();
  });

  test("is whole as it was written, and names its head", async () => {
    await append(connection, rowCount);
    const head = await auditHead(connection.db);
    expect(head).toEqual({ seq: rowCount, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await verifyActions(connection.db)).toEqual({ kind: "whole", rows: rowCount, head: head?.hash });
    expect(await databaseSays(connection)).toBeUndefined();
  });

  test("is whole whatever the rows say", async () => {
    const hostile = [
      "",
      "-",
      "=",
      "3:abc\n4:",
      "𝔘𝔫𝔦 👩‍👩‍👧 \u202e",
      "'; DROP TABLE agent_actions; --",
      "\\n\t\r",
      "x".repeat(100_000),
    ];
    await connection.script(async (run) => {
      for (const text of hostile) {
        await run("SELECT append_agent_action($1, $1, $1, 'failed', $1, $2, NULL, NULL, $1)", [
          text,
          JSON.stringify({ [text.slice(0, 50)]: [text, 1e21, 0.1, null, { a: -0 }] }),
        ]);
      }
      const [issue] = await run(
        "INSERT INTO agent_issues (severity, issue_type, title, message) VALUES ('P3', 'typo', 't', 'm') RETURNING id",
      );
      await run("SELECT append_agent_action('a', 'b', issue => $1)", [issue?.id]);
    });
    expect(await databaseSays(connection)).toBeUndefined();
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: hostile.length + 1 });
  });

  test("ignores what a writer claims about position, time and hash", async () => {
    await connection.script((run) =>
      run(`INSERT INTO agent_actions (seq, at, actor, action, prev_hash, hash)
           VALUES (99, '1999-01-01', 'a', 'b', 'mine', 'mine'), (7, '2099-01-01', 'a', 'c', 'mine', 'mine')`),
    );
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: 2 });
  });

  test.each(tamperings)("shows $what", async ({ text, broken }) => {
    await append(connection, rowCount);
    await tamper(connection, text);
    expect(await verifyActions(connection.db)).toEqual(broken);
    expect(await databaseSays(connection)).toBeDefined();
  });

  test("shows a changed row even when the database's own check was replaced", async () => {
    const blind = await open();
    try {
      await append(blind, rowCount);
      await tamper(blind, "UPDATE agent_actions SET because = 'x' WHERE seq = 3");
      await blind.script((run) =>
        run(`CREATE OR REPLACE FUNCTION verify_agent_actions() RETURNS TABLE (broken_seq bigint, problem text)
             LANGUAGE sql AS 'SELECT 1::bigint, ''''::text WHERE false'`),
      );
      expect(await databaseSays(blind)).toBeUndefined();
      expect(await verifyActions(blind.db)).toMatchObject({ kind: "broken", seq: 3 });
    } finally {
      await blind.close();
    }
  });

  test("shows a cut tail to whoever kept a head", async () => {
    await append(connection, rowCount);
    const kept = await heads(connection);
    expect(await compareHeads(connection.db, kept)).toEqual({ kind: "whole", compared: rowCount });
    await tamper(connection, "DELETE FROM agent_actions WHERE seq > 4");
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: 4 });
    expect(await compareHeads(connection.db, kept)).toEqual({
      kind: "broken",
      seq: 5,
      problem: "was cut off: it is on record elsewhere",
    });
  });

  test("shows a tail that was cut and grew again to whoever kept a head", async () => {
    await append(connection, rowCount);
    const kept = await heads(connection);
    await tamper(connection, "DELETE FROM agent_actions WHERE seq > 4");
    await append(connection, 2);
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: rowCount });
    expect(await compareHeads(connection.db, kept.toReversed())).toMatchObject({ kind: "broken", seq: 5 });
  });

  test("shows a complete rewrite to whoever kept a head", async () => {
    await append(connection, rowCount);
    const kept = await heads(connection);
    await tamper(connection, rewritten);
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: rowCount });
    expect(await compareHeads(connection.db, kept.slice(-1))).toEqual({
      kind: "broken",
      seq: rowCount,
      problem: "was written anew: another hash is on record elsewhere",
    });
  });

  test("agrees with any number of kept heads, none included", async () => {
    await append(connection, 2_500);
    expect(await compareHeads(connection.db, [])).toEqual({ kind: "whole", compared: 0 });
    expect(await compareHeads(connection.db, await heads(connection))).toEqual({ kind: "whole", compared: 2_500 });
  });

  test("is read to its end over many pages", async () => {
    await connection.script((run) => run("SELECT append_agent_action('a', 'b') FROM generate_series(1, 5001)"));
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: 5_001 });
    await tamper(connection, "UPDATE agent_actions SET actor = 'c' WHERE seq = 5001");
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "broken", seq: 5_001 });
  });

  test("is one line when twenty write at the same time and some of them give up", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        connection
          .script(async (run) => {
            await run("SELECT append_agent_action('agent', $1)", [`first ${n}`]);
            await run("SELECT append_agent_action('agent', $1)", [`second ${n}`]);
            if (n % 4 === 0) throw new Error("this one is taken back");
          })
          .catch((error: unknown) => expect(error).toMatchObject({ message: "this one is taken back" })),
      ),
    );
    expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole", rows: 30 });
  });

  if (kind !== "postgres") return;
  test("is one line when two servers write at the same time", async () => {
    const database = await createPostgresDatabase(templateName);
    const servers = await Promise.all([connectPostgres({ url: database.url }), connectPostgres({ url: database.url })]);
    try {
      await Promise.all(
        servers.flatMap((server) =>
          Array.from({ length: 20 }, () => server.boss.executeSql("SELECT append_agent_action('a', 'b')")),
        ),
      );
      expect(await verifyActions(servers[0].db)).toMatchObject({ kind: "whole", rows: 40 });
    } finally {
      await Promise.all(servers.map((server) => server.close()));
      await database.drop();
    }
  });
});
