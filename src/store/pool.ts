import { Socket } from "node:net";
import pg from "pg";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { asFailure } from "./outage.ts";
import { tlsOf } from "./tls.ts";

/** Reliability B12: no call hangs on a database that stopped answering. */
const defaultLimits = {
  connectMs: 5_000,
  statementMs: 15_000,
  lockMs: 3_000,
  idleInTransactionMs: 10_000,
  /** A connection on which nothing moves for longer than any statement may take leads to a dead peer. */
  silenceMs: 18_000,
};
type Limits = typeof defaultLimits;
const serverVersionMin = 150_000;

export interface PostgresOptions {
  /** To a server or to a pooler in front of it, in transaction mode too: nothing of ours outlives a transaction. */
  url: string;
  /** The authority that signed the server's certificate, as PEM. Supabase shows its own under Database Settings. */
  certificate?: string | null;
  /** Connections at most (10); pg-boss shares them. */
  poolMax?: number;
  /** What `pg_stat_activity` shows. */
  applicationName?: string;
  /** Hears of connections that were lost while nobody used them; the next query opens a new one. */
  onError?: (error: Error) => void;
  limits?: Partial<Limits>;
}

export interface Pool {
  pool: pg.Pool;
  /** What each transaction must begin with, because the sessions are a pooler's and do not keep our limits; `null`: they do. */
  prologue: string | null;
}

/** Connects to a Postgres server and makes sure that it answers and is recent enough. */
export async function openPool(options: PostgresOptions): Promise<Pool> {
  try {
    return await connect(options, true);
  } catch (error) {
    if (!refusesParameters(error)) throw asFailure(error);
    // PgBouncer knows no such parameters.
    return connect(options, false).catch((failed: unknown) => {
      throw asFailure(failed);
    });
  }
}

async function connect(options: PostgresOptions, withParameters: boolean): Promise<Pool> {
  const limits = { ...defaultLimits, ...options.limits };
  const pool = new pg.Pool(poolConfig(options, limits, withParameters));
  pool.on("error", (error) => options.onError?.(error));
  // A connection that breaks while a transaction is open and no statement runs has no listener but this one; the
  // transaction's next statement fails with the same error.
  pool.on("connect", (client) => client.on("error", () => {}));
  try {
    const keepsLimits = await greet(pool, limits);
    return { pool, prologue: keepsLimits ? null : prologueOf(limits) };
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function poolConfig(options: PostgresOptions, limits: Limits, withParameters: boolean): pg.PoolConfig {
  const { poolMax = 10, applicationName = "vigil", certificate = null } = options;
  const { url, tls } = tlsOf(options.url, certificate);
  return {
    connectionString: url,
    ...(tls === undefined ? {} : { ssl: tls }),
    max: poolMax,
    application_name: applicationName,
    connectionTimeoutMillis: limits.connectMs,
    keepAlive: true,
    stream: () => {
      const socket = new Socket();
      return socket.setTimeout(limits.silenceMs, () => socket.destroy());
    },
    ...(withParameters
      ? {
          statement_timeout: limits.statementMs,
          lock_timeout: limits.lockMs,
          idle_in_transaction_session_timeout: limits.idleInTransactionMs,
        }
      : {}),
  };
}

const Greeting = z.array(z.object({ version: z.int(), lock_ms: z.string() }));

/** Whether the session has the limits that we asked for: Supabase's pooler takes such parameters and forgets them. */
async function greet(pool: pg.Pool, limits: Limits): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT current_setting('server_version_num')::int AS version, setting AS lock_ms
     FROM pg_settings WHERE name = 'lock_timeout'`,
  );
  const [row] = Greeting.parse(rows);
  if (row === undefined || row.version < serverVersionMin) {
    throw new Failure("misconfigured", "The database server is older than PostgreSQL 15.", {
      hint: "Point DATABASE_URL to PostgreSQL 15 or newer.",
    });
  }
  return row.lock_ms === String(limits.lockMs);
}

function prologueOf({ statementMs, lockMs, idleInTransactionMs }: Limits): string {
  return [
    `SET LOCAL statement_timeout = ${statementMs}`,
    `SET LOCAL lock_timeout = ${lockMs}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
  ].join("; ");
}

function refusesParameters(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "08P01" && /startup parameter/.test(error.message);
}
