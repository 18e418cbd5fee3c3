import { sql } from "drizzle-orm";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { connectPostgres } from "#store/connect.ts";
import { createPostgresDatabase, databasesAndPooler } from "#tests/support/databases.ts";
import { startPooler } from "#tests/support/pgbouncer.ts";

const pooled = databasesAndPooler().some(({ name }) => name.endsWith("behind a pooler"));

/** What all tests behind the pooler rely on: it lends a connection for one transaction, and never cleans it. */
test.runIf(pooled)("what one client leaves behind in a pooled connection, another finds there", async () => {
  const database = await createPostgresDatabase();
  const clients = Array.from({ length: 8 }, () => new pg.Client({ connectionString: database.poolerUrl }));
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const pids = await Promise.all(
      clients.map(async (client) => (await client.query("SELECT pg_backend_pid() AS pid, pg_sleep(0.05)")).rows[0].pid),
    );
    expect(new Set(pids).size).toBeLessThan(clients.length);
    const [one, ...others] = clients;
    await one?.query("SET lock_timeout = 1234");
    const seen: string[] = [];
    for (const client of [...others, ...others])
      seen.push((await client.query("SHOW lock_timeout")).rows[0].lock_timeout);
    expect(seen).toContain("1234ms");
  } finally {
    for (const client of clients) await client.end();
    await database.drop();
  }
});

test.runIf(pooled)("our limits hold in every transaction, and stay with nobody else", async () => {
  const database = await createPostgresDatabase();
  const connection = await connectPostgres({ url: database.poolerUrl, limits: { statementMs: 12_345, lockMs: 2_345 } });
  const stranger = new pg.Client({ connectionString: database.poolerUrl });
  try {
    await stranger.connect();
    const ours = { statement_timeout: "12345ms", lock_timeout: "2345ms" };
    const shown = sql`SELECT current_setting('statement_timeout') AS statement_timeout, current_setting('lock_timeout') AS lock_timeout`;
    const Shown = z.array(z.object({ statement_timeout: z.string(), lock_timeout: z.string() }));
    await Promise.all(
      Array.from({ length: 6 }, () =>
        connection.db.transaction(async (tx) => {
          const { rows } = z.object({ rows: Shown }).parse(await tx.execute(shown));
          expect(rows).toEqual([ours]);
        }),
      ),
    );
    const inScript = await connection.script((run) => run("SHOW lock_timeout"));
    expect(inScript).toEqual([{ lock_timeout: ours.lock_timeout }]);
    for (let n = 0; n < 6; n++)
      expect((await stranger.query("SHOW lock_timeout")).rows).toEqual([{ lock_timeout: "0" }]);
    const slow = connection.script((run) => run("SET LOCAL statement_timeout = 100; SELECT pg_sleep(30)"));
    await expect(slow).rejects.toMatchObject({ code: "unavailable" });
  } finally {
    await stranger.end();
    await connection.close();
    await database.drop();
  }
});

test.runIf(pooled)("a pooler that takes our limits and forgets them, as Supabase's does, changes nothing", async () => {
  const { postgres } = inject("databases");
  const ignored = "statement_timeout, lock_timeout, idle_in_transaction_session_timeout";
  const pooler = await startPooler({
    socket: postgres?.socket ?? "",
    settings: [`ignore_startup_parameters = ${ignored}`],
  });
  const connection = await connectPostgres({ url: pooler.url("postgres") });
  try {
    expect(await connection.script((run) => run("SHOW lock_timeout"))).toEqual([{ lock_timeout: "3s" }]);
  } finally {
    await connection.close();
    await pooler.stop();
  }
});

test.runIf(pooled)("a pooler that is full is not there for now, and is used again once there is room", async () => {
  const { postgres } = inject("databases");
  const pooler = await startPooler({ socket: postgres?.socket ?? "", settings: ["max_client_conn = 1"] });
  const one = sql`SELECT 1 AS n`;
  const One = z.object({ n: z.int() });
  const first = await connectPostgres({ url: pooler.url("postgres"), poolMax: 1 });
  try {
    await first.rows(One, one);
    await expect(connectPostgres({ url: pooler.url("postgres") })).rejects.toMatchObject({ code: "unavailable" });
  } finally {
    await first.close();
  }
  try {
    await expect
      .poll(
        async () => {
          const second = await connectPostgres({ url: pooler.url("postgres"), poolMax: 1 });
          const rows = await second.rows(One, one);
          await second.close();
          return rows;
        },
        { timeout: 20_000 },
      )
      .toEqual([{ n: 1 }]);
  } finally {
    await pooler.stop();
  }
});
