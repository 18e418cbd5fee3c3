import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { TestProject } from "vitest/node";
import { connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { migrations, templateName } from "./databases.ts";
import { whenThisProcessEnds } from "./guard.ts";
import { hasPooler, howToInstallPooler, type Pooler, startPooler } from "./pgbouncer.ts";
import { findPostgres, howToInstall, type PostgresServer, startPostgres } from "./postgres.ts";

/**
 * Once per run: a migrated PGlite as a file to start from, and a Postgres server with a migrated template database, with a
 * pooler in front of it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-template-"));
  const deleteFolder = whenThisProcessEnds('rm -rf "$1"', [folder]);
  const [pgliteDump, server] = await Promise.all([dumpPglite(folder), postgresWithTemplate()]);
  const pooler = server === undefined ? undefined : await poolerOf(server);
  project.provide("databases", {
    pgliteDump,
    postgres: server === undefined ? null : { major: server.major, socket: server.socket },
    pooler: pooler === undefined ? null : { socket: pooler.socket },
  });
  return async () => {
    await pooler?.stop();
    await server?.remove();
    await deleteFolder();
  };
}

async function dumpPglite(folder: string): Promise<string> {
  const directory = join(folder, "db");
  const connection = await connectEmbedded({ directory });
  await migrate(connection, { directory: migrations });
  await connection.close();
  const client = await PGlite.create({ dataDir: directory });
  const dump = await client.dumpDataDir("none");
  await client.close();
  const file = join(folder, "pglite.tar");
  await writeFile(file, Buffer.from(await dump.arrayBuffer()));
  return file;
}

async function postgresWithTemplate(): Promise<PostgresServer | undefined> {
  const installed = await findPostgres();
  if (installed === undefined) {
    if (process.env.CI) throw new Error(howToInstall);
    console.warn(`Only PGlite is tested. ${howToInstall}`);
    return undefined;
  }
  const server = await startPostgres(installed);
  const admin = await connectPostgres({ url: server.url("postgres") });
  await admin.boss.executeSql(`CREATE DATABASE ${templateName}`);
  await admin.close();
  const template = await connectPostgres({ url: server.url(templateName) });
  await migrate(template, { directory: migrations });
  await template.close();
  return server;
}

async function poolerOf({ socket }: PostgresServer): Promise<Pooler | undefined> {
  if (await hasPooler()) return startPooler({ socket });
  if (process.env.CI) throw new Error(howToInstallPooler);
  console.warn(`Nothing is tested through a pooler. ${howToInstallPooler}`);
  return undefined;
}
