import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Connection, connectPostgres, type PostgresOptions } from "#store/connect.ts";
import { asFailure } from "#store/outage.ts";
import { databases } from "#tests/support/databases.ts";
import { findPostgres, howToInstall, type PostgresServer, startPostgres } from "#tests/support/postgres.ts";
import { startProxy, type TcpProxy } from "#tests/support/proxy.ts";

const unavailable = { name: "Failure", code: "unavailable", message: "The database did not answer." };
const one = sql`SELECT 1 AS n`;
const One = z.object({ n: z.number() });

// Without a server the run's setup has said how to install one, or failed.
if (databases().some(({ kind }) => kind === "postgres")) describe("a Postgres server that fails", outages);
else describe("PGlite", () => test("has no server that could fail", () => expect(databases()).toHaveLength(1)));

function outages() {
  let server: PostgresServer;
  const opened: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    const installed = await findPostgres();
    if (installed === undefined) throw new Error(howToInstall);
    server = await startPostgres(installed);
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  afterAll(() => server?.remove());

  const connect = async (options: Partial<PostgresOptions> = {}): Promise<Connection> => {
    const connection = await connectPostgres({ url: server.url("postgres"), ...options });
    opened.push(connection);
    return connection;
  };
  const proxy = async (refuse?: Parameters<typeof startProxy>[1]): Promise<TcpProxy & { url: string }> => {
    const started = await startProxy(join(server.socket, ".s.PGSQL.5432"), refuse);
    opened.push(started);
    return { ...started, url: `postgres://postgres@127.0.0.1:${started.port}/postgres` };
  };

  test("is reported as unavailable by every way to ask, and works again after its restart", async () => {
    const connection = await connect();
    await server.stop();
    try {
      await expect(connection.rows(One, one)).rejects.toMatchObject(unavailable);
      await expect(connection.db.transaction((tx) => tx.execute(one))).rejects.toMatchObject(unavailable);
      await expect(connection.script((run) => run("SELECT 1"))).rejects.toMatchObject(unavailable);
      const bare = await connection.db.execute(one).catch((error: unknown) => error);
      expect(asFailure(bare)).toMatchObject(unavailable);
      await expect(connectPostgres({ url: server.url("postgres") })).rejects.toMatchObject(unavailable);
    } finally {
      await server.start();
    }
    expect(await connection.rows(One, one)).toEqual([{ n: 1 }]);
  });

  test("costs a transaction that was open, and no connection of the pool", async () => {
    const connection = await connect({ poolMax: 1 });
    for (let round = 0; round < 3; round++) {
      const work = connection.db.transaction(async (tx) => {
        await tx.execute(one);
        await server.stop();
        await server.start();
        await tx.execute(one);
      });
      await expect(work).rejects.toMatchObject(unavailable);
    }
    expect(await connection.rows(One, one)).toEqual([{ n: 1 }]);
  });

  test("costs no connection of the pool when a transaction cannot even begin", async () => {
    const connection = await connect({ poolMax: 1 });
    const killer = await connect({ applicationName: "killer" });
    for (let round = 0; round < 5; round++) {
      await connection.rows(One, one);
      await killer.rows(
        z.object({}),
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vigil'`,
      );
      // Whether the client has noticed yet is chance; either way it must be able to go on.
      await connection.db
        .transaction((tx) => tx.execute(one))
        .catch((error: unknown) => {
          expect(error).toMatchObject(unavailable);
        });
    }
    expect(await connection.db.transaction(async () => "began")).toBe("began");
  });

  test("that no longer answers is given up: at the first connection, in a query, in a transaction", async () => {
    const dead = await proxy();
    const connection = await connect({ url: dead.url, limits: { silenceMs: 1_000 } });
    await connection.rows(One, one);
    dead.goSilent();
    await expect(connection.rows(One, one)).rejects.toMatchObject(unavailable);
    await expect(connection.db.transaction((tx) => tx.execute(one))).rejects.toMatchObject(unavailable);
    await expect(connectPostgres({ url: dead.url, limits: { connectMs: 500 } })).rejects.toMatchObject(unavailable);
  });

  test("ends statements, waits for locks and idle transactions that take too long", async () => {
    const hasty = await connect({ limits: { statementMs: 200 } });
    await expect(hasty.rows(z.object({}), sql`SELECT pg_sleep(30)`)).rejects.toMatchObject(unavailable);
    const impatient = await connect({ limits: { lockMs: 100 } });
    await impatient.script((run) => run("CREATE TABLE locked (n int)"));
    await impatient.db.transaction(async (tx) => {
      await tx.execute(sql`LOCK TABLE locked`);
      await expect(impatient.rows(z.object({}), sql`SELECT * FROM locked`)).rejects.toMatchObject(unavailable);
    });
    const dreamy = await connect({ limits: { idleInTransactionMs: 200 } });
    const ended = dreamy.db.transaction(async (tx) => {
      await tx.execute(one);
      await noneLeft(dreamy, sql`state = 'idle in transaction'`);
      await tx.execute(one);
    });
    await expect(ended).rejects.toMatchObject(unavailable);
  });

  test("keeps the limits of reliability B12 when none are given", async () => {
    const connection = await connect();
    const limit = (name: string) => connection.script(async (run) => (await run(`SHOW ${name}`))[0]);
    expect(await limit("statement_timeout")).toEqual({ statement_timeout: "15s" });
    expect(await limit("lock_timeout")).toEqual({ lock_timeout: "3s" });
    expect(await limit("idle_in_transaction_session_timeout")).toEqual({ idle_in_transaction_session_timeout: "10s" });
    expect(await limit("application_name")).toEqual({ application_name: "vigil" });
  });

  test("with no connection left is unavailable, and works once one is free", async () => {
    const admin = await connect();
    await admin.script((run) => run("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1"));
    const url = server.url("postgres").replace("postgres@", "narrow@");
    const first = await connectPostgres({ url, poolMax: 1 });
    await first.rows(One, one);
    await expect(connectPostgres({ url })).rejects.toMatchObject(unavailable);
    await first.close();
    await noneLeft(admin, sql`usename = 'narrow'`);
    const second = await connect({ url });
    expect(await second.rows(One, one)).toEqual([{ n: 1 }]);
  });

  test("that does not know the database is a mistake in the configuration", async () => {
    await expect(connectPostgres({ url: server.url("nowhere") })).rejects.toMatchObject({
      code: "misconfigured",
      message: "The database refused the connection.",
      hint: "Check user, password and database name in DATABASE_URL.",
    });
  });

  test("is used through a pooler that knows no limits", async () => {
    let refusals = 0;
    const pooler = await proxy((first) => {
      if (!first.includes("statement_timeout")) return undefined;
      refusals++;
      return errorResponse("08P01", "unsupported startup parameter: statement_timeout");
    });
    const connection = await connect({ url: pooler.url });
    expect(await connection.rows(One, one)).toEqual([{ n: 1 }]);
    expect(refusals).toBe(1);
  });
}

/** Resolves when the server has let go of all sessions of this kind. */
async function noneLeft(connection: Connection, kind: SQL): Promise<void> {
  const count = sql`SELECT count(*) AS n FROM pg_stat_activity WHERE ${kind}`;
  while ((await connection.rows(One, count))[0]?.n !== 0);
}

function errorResponse(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
