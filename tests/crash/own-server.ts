import { connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { migrations } from "#tests/support/databases.ts";
import { findPostgres, type PostgresServer, startPostgres } from "#tests/support/postgres.ts";

export interface OwnServer extends PostgresServer {
  /** A migrated database that goes with the server. */
  database: { url: string; drop(): Promise<void> };
}

/** A server that a test may stop. What it said was committed survives that, as with any server that keeps money. */
export async function anOwnServer(): Promise<OwnServer> {
  const installed = await findPostgres();
  if (installed === undefined) throw new Error("no Postgres server is installed");
  const server = await startPostgres(installed);
  const url = server.url("postgres");
  const connection = await connectPostgres({ url });
  await migrate(connection, { directory: migrations });
  await connection.boss.executeSql("ALTER DATABASE postgres SET synchronous_commit = on");
  await connection.close();
  return { ...server, database: { url, drop: async () => undefined } };
}
