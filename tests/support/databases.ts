import { randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { inject } from "vitest";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { poolerUrl } from "./pgbouncer.ts";

declare module "vitest" {
  export interface ProvidedContext {
    databases: {
      pgliteDump: string;
      postgres: { major: number; socket: string } | null;
      pooler: { socket: string } | null;
    };
  }
}

/** The folder that `supabase db push` and our own migrator read. */
export const migrations = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));
export const templateName = "vigil_template";

export interface TestDatabase {
  name: string;
  kind: Connection["kind"];
  /** A migrated database of its own with the project `default` and nothing else; `close` throws it away. */
  open(): Promise<Connection>;
}

/** Every kind of database that is installed, for `describe.each(databases())`. */
export function databases(): TestDatabase[] {
  const { postgres } = inject("databases");
  if (postgres === null) return [pglite];
  return [pglite, { name: `Postgres ${postgres.major}`, kind: "postgres", open: () => openPostgres() }];
}

/** `databases()`, and the server behind a pooler in transaction mode: for what a hosted instance does with its database. */
export function databasesAndPooler(): TestDatabase[] {
  const { postgres, pooler } = inject("databases");
  if (postgres === null || pooler === null) return databases();
  const name = `Postgres ${postgres.major} behind a pooler`;
  return [...databases(), { name, kind: "postgres", open: () => openPostgres("pooler") }];
}

const pglite: TestDatabase = { name: "PGlite", kind: "pglite", open: openPglite };

/** A migrated PGlite in memory. */
export async function openPglite(): Promise<Connection> {
  return connectEmbedded({ directory: "memory", restoreFrom: await openAsBlob(inject("databases").pgliteDump) });
}

/** A fresh copy of the template on the real server. Fails where no server is installed: ask `databases()` first. */
export async function openPostgres(way: "direct" | "pooler" = "direct"): Promise<Connection> {
  const { url, poolerUrl, drop } = await createPostgresDatabase(templateName);
  const connection = await connectPostgres({ url: way === "pooler" ? poolerUrl : url });
  const close = async () => {
    await connection.close();
    await drop();
  };
  let closing: Promise<void> | undefined;
  return {
    ...connection,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

export interface PostgresDatabase {
  name: string;
  /** Straight to the server … */
  url: string;
  /** … and through the pooler; empty where none is installed. */
  poolerUrl: string;
  drop(): Promise<void>;
}

/** A database on the real server: a copy of `template`, or empty. */
export async function createPostgresDatabase(template: string = "template0"): Promise<PostgresDatabase> {
  const name = `t_${randomBytes(8).toString("hex")}`;
  await administer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const { pooler } = inject("databases");
  return {
    name,
    url: urlOf(name),
    poolerUrl: pooler === null ? "" : poolerUrl(pooler.socket, name),
    drop: () => administer(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf("postgres") });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  const { postgres } = inject("databases");
  if (postgres === null) throw new Error("no Postgres server is installed");
  return `postgres://postgres@localhost/${database}?host=${encodeURIComponent(postgres.socket)}`;
}

/** Between tests: as after the migration, with the project `default`, and no jobs. */
export async function empty(connection: Connection): Promise<void> {
  await connection.script(async (run) => {
    // The audit trail refuses TRUNCATE to everyone; as a replica, triggers do not fire.
    await run("SET LOCAL session_replication_role = replica");
    const tables = await run(`
      SELECT string_agg(quote_ident(tablename), ', ') AS list FROM pg_tables
      WHERE schemaname = 'public' AND tablename LIKE 'agent\\_%' AND tablename NOT IN ('agent_status_transitions', 'agent_migrations')`);
    await run(`TRUNCATE ${tables[0]?.list} RESTART IDENTITY`);
    await run("INSERT INTO agent_projects (id) VALUES ('default')");
    const [queue] = await run("SELECT to_regclass('vigil_queue.job') IS NOT NULL AS there");
    if (queue?.there === true) await run("DELETE FROM vigil_queue.job");
  });
}
