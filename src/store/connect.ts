import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { PGlite } from "@electric-sql/pglite";
import { type SQL, sql } from "drizzle-orm";
import { drizzle as drizzlePostgres } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type pg from "pg";
import { type Db, fromDrizzle, fromPglite } from "pg-boss";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { lockDirectory } from "./lock.ts";
import { asFailure } from "./outage.ts";
import { openPool, type Pool, type PostgresOptions } from "./pool.ts";
import * as schema from "./schema.ts";

export type { PostgresOptions } from "./pool.ts";

/** Queries, whichever of the two drivers carries them. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;
export type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/** Runs SQL text: several statements without values, or one with them. Answers the rows of the last one. */
export type RunScript = (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

export interface Connection {
  kind: "pglite" | "postgres";
  db: Database;
  /** Raw SQL, parsed row by row. Both drivers give the same: bigint and numeric are numbers, timestamps are `Date`. */
  rows<Row>(row: z.ZodType<Row>, query: SQL): Promise<Row[]>;
  /** One transaction for SQL as text, for migrations. */
  script<T>(work: (run: RunScript) => Promise<T>): Promise<T>;
  /** The same database for pg-boss, outside any transaction of ours … */
  boss: Db;
  /** … and inside one: a job becomes visible together with the rows that it is about. */
  inTransaction(tx: Transaction): Db;
  /** Ends what is open and gives the directory back. A second call does nothing. */
  close(): Promise<void>;
}

/** Connects to a Postgres server and makes sure that it answers and is recent enough. */
export async function connectPostgres(options: PostgresOptions): Promise<Connection> {
  return postgresConnection(await openPool(options));
}

function postgresConnection({ pool, prologue }: Pool): Connection {
  const db: Database = drizzlePostgres({ client: pool, schema });
  const perClient = new WeakMap<pg.PoolClient, Database>();
  // Drizzle's own transaction keeps a connection for ever when BEGIN fails on it, and a restart of the server makes it fail.
  db.transaction = async (work, config) =>
    withClient(pool, async (client) => {
      const own: Database = perClient.get(client) ?? drizzlePostgres({ client, schema });
      perClient.set(client, own);
      return own.transaction(async (tx) => {
        if (prologue !== null) await tx.execute(sql.raw(prologue));
        return work(tx);
      }, config);
    });
  let closing: Promise<void> | undefined;
  return {
    kind: "postgres",
    db,
    rows: rowsThrough(db),
    script: (work) =>
      withClient(pool, (client) =>
        inBeginAndCommit(
          prologue,
          async (text, values) => {
            // Without values it is the simple protocol, which takes several statements and answers a list of results.
            const results: unknown = values === undefined ? await client.query(text) : await client.query(text, values);
            return decode(Array.isArray(results) ? results.at(-1) : results);
          },
          work,
        ),
      ),
    boss: { executeSql: (text, values) => pool.query(text, values) },
    inTransaction: bossWithin,
    close: () => {
      closing ??= pool.end();
      return closing;
    },
  };
}

async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  try {
    const client = await pool.connect();
    let broken = true;
    try {
      const result = await work(client);
      broken = false;
      return result;
    } catch (error) {
      // Whatever the caller itself refused was rolled back; after a lost connection nobody knows, and it is thrown away.
      broken = asFailure(error) !== error && !(error instanceof Failure);
      throw error;
    } finally {
      client.release(broken);
    }
  } catch (error) {
    throw asFailure(error);
  }
}

async function inBeginAndCommit<T>(
  prologue: string | null,
  run: RunScript,
  work: (run: RunScript) => Promise<T>,
): Promise<T> {
  await run(prologue === null ? "BEGIN" : `BEGIN; ${prologue}`);
  try {
    const result = await work(run);
    await run("COMMIT");
    return result;
  } catch (error) {
    await run("ROLLBACK");
    throw error;
  }
}

export interface EmbeddedOptions {
  /** A folder, made when it is missing; `memory` keeps nothing. */
  directory: string | "memory";
  /** A dump to begin with, for a directory that is new. */
  restoreFrom?: Blob;
}

/** Opens PGlite, Postgres within this process. One process at a time may have a directory open. */
export async function connectEmbedded({ directory, restoreFrom }: EmbeddedOptions): Promise<Connection> {
  // Loaded here, so that a server with a real Postgres never loads it.
  const { PGlite } = await import("@electric-sql/pglite");
  const { drizzle } = await import("drizzle-orm/pglite");
  const inMemory = directory === "memory";
  const path = resolve(directory);
  if (!inMemory) await mkdir(dirname(path), { recursive: true });
  const lock = inMemory ? undefined : await lockDirectory(path);
  try {
    const client = await PGlite.create({
      ...(inMemory ? {} : { dataDir: path }),
      ...(restoreFrom === undefined ? {} : { loadDataDir: restoreFrom }),
    });
    giveOthersTheirTurn(client);
    const db: Database = drizzle({ client, schema });
    const transaction: Database["transaction"] = db.transaction.bind(db);
    db.transaction = (work, config) => transaction(work, config).catch(rethrow);
    let closing: Promise<void> | undefined;
    const close = async () => {
      await client.close();
      await lock?.release();
    };
    return {
      kind: "pglite",
      db,
      rows: rowsThrough(db),
      script: (work) =>
        client
          .transaction((tx) =>
            work(async (text, values) =>
              decode(values === undefined ? (await tx.exec(text)).at(-1) : await tx.query(text, values)),
            ),
          )
          .catch(rethrow),
      boss: fromPglite(client),
      inTransaction: bossWithin,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

function rethrow(error: unknown): never {
  throw asFailure(error);
}

function bossWithin(tx: Transaction): Db {
  return fromDrizzle({ execute: async (query) => ({ rows: decode(await tx.execute(sql`${query}`)) }) }, sql);
}

/** Statements may keep everything else waiting for so long together. */
const turnMs = 5;

/**
 * PGlite runs in this thread and answers without a turn of the event loop: a long transaction would keep every request waiting
 * to its end. Between two statements everything else gets its turn.
 */
function giveOthersTheirTurn(client: Pick<PGlite, "execProtocolRaw">): void {
  const execute = client.execProtocolRaw.bind(client);
  let turnAtMs = performance.now();
  client.execProtocolRaw = async (message, options) => {
    if (performance.now() - turnAtMs > turnMs) {
      await turn();
      turnAtMs = performance.now();
    }
    return execute(message, options);
  };
}

function rowsThrough(db: Database): Connection["rows"] {
  return async (row, query) => {
    try {
      const found = decode(await db.execute(query));
      return found.map((one) => row.parse(one));
    } catch (error) {
      throw asFailure(error);
    }
  };
}

const Result = z.object({
  rows: z.array(z.record(z.string(), z.unknown())),
  fields: z.array(z.object({ name: z.string(), dataTypeID: z.int() })),
});

/** Type numbers of `pg_type` whose values the two drivers give differently. */
const decoders: Record<number, (value: string | number) => unknown> = {
  20: Number,
  1700: Number,
  1114: (value) => new Date(`${value}Z`),
  1184: (value) => new Date(value),
};

function decode(result: unknown): Record<string, unknown>[] {
  const { rows, fields } = Result.parse(result);
  const different = fields.filter(({ dataTypeID }) => dataTypeID in decoders);
  if (different.length === 0) return rows;
  return rows.map((row) => {
    const decoded = { ...row };
    for (const { name, dataTypeID } of different) {
      const value = row[name];
      if (typeof value === "string" || typeof value === "number") decoded[name] = decoders[dataTypeID]?.(value);
    }
    return decoded;
  });
}
