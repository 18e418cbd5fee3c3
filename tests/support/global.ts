import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { TestProject } from "vitest/node";
import { connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { migrations, templateName } from "./databases.ts";
import { findPostgres, howToInstall, type PostgresServer, startPostgres } from "./postgres.ts";

/** Once per run: a migrated PGlite as a file to start from, and a Postgres server with a migrated template database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-template-"));
  const [pgliteDump, server] = await Promise.all([dumpPglite(join(folder, "pglite.tar")), postgresWithTemplate()]);
  project.provide("databases", {
    pgliteDump,
    postgres: server === undefined ? null : { major: server.major, socket: server.socket },
  });
  return async () => {
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  };
}

async function dumpPglite(file: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-pglite-"));
  try {
    const connection = await connectEmbedded({ directory: join(folder, "db") });
    await migrate(connection, { directory: migrations });
    await connection.close();
    const client = await PGlite.create({ dataDir: join(folder, "db") });
    const dump = await client.dumpDataDir("none");
    await client.close();
    await writeFile(file, Buffer.from(await dump.arrayBuffer()));
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
