import pg from "pg";
import { expect, test } from "vitest";
import { createPostgresDatabase, databasesAndPooler } from "#tests/support/databases.ts";

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
