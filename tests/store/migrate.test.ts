import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Failure } from "#domain/failure.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { createPostgresDatabase, databases, migrations } from "#tests/support/databases.ts";

const first = "005_agent_system.sql";

const released = readdirSync(migrations).toSorted();
const numbers = released.map((name) => Number(name.slice(0, 3)));

/** A folder with the released migrations and others beside them. */
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vigil-migrations-"));
  for (const name of released) await copyFile(join(migrations, name), join(directory, name));
});
/** For what only the first file is about. */
async function keepFirst(): Promise<void> {
  for (const name of released.filter((one) => one !== first)) await rm(join(directory, name));
}
afterEach(() => rm(directory, { recursive: true, force: true }));

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => new Error("it was not refused"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Failure)) throw error;
  return { code: error.code, message: error.message };
}

describe.each(databases())("migrating $name", ({ open }) => {
  let connection: Connection;
  beforeEach(async () => {
    connection = await open();
  });
  afterEach(() => connection.close());

  const rows = (text: string) => connection.script((run) => run(text));
  const versions = async () =>
    (await rows("SELECT version FROM agent_migrations ORDER BY version")).map(({ version }) => version);

  test("does nothing where everything is on record", async () => {
    expect(await migrate(connection, { directory })).toEqual({ applied: [], adopted: [] });
    expect(await versions()).toEqual(numbers);
  });

  test("runs what is new, in the order of the numbers, each once", async () => {
    await writeFile(join(directory, "110_b.sql"), "CREATE TABLE b AS SELECT n FROM a;");
    await writeFile(join(directory, "100_a.sql"), "CREATE TABLE a (n int); INSERT INTO a VALUES (1), (2);");
    expect(await migrate(connection, { directory })).toEqual({ applied: ["100_a.sql", "110_b.sql"], adopted: [] });
    expect(await migrate(connection, { directory })).toEqual({ applied: [], adopted: [] });
    expect(await versions()).toEqual([...numbers, 100, 110]);
    expect(await rows("SELECT count(*) FROM b")).toEqual([{ count: 2 }]);
  });

  test("leaves nothing of a file that fails half-way, and keeps what came before it", async () => {
    await writeFile(join(directory, "100_a.sql"), "CREATE TABLE a (n int);");
    await writeFile(join(directory, "101_b.sql"), "CREATE TABLE b (n int); SELECT 1 / 0;");
    await expect(migrate(connection, { directory })).rejects.toMatchObject({ code: "22012" });
    expect(await versions()).toEqual([...numbers, 100]);
    expect(await rows("SELECT to_regclass('a')::text AS a, to_regclass('b')::text AS b")).toEqual([
      { a: "a", b: null },
    ]);
  });

  test("refuses a file that was changed after it ran, and not for its line ends", async () => {
    const text = await readFile(join(directory, first), "utf8");
    await writeFile(join(directory, first), text.replaceAll("\n", "\r\n"));
    expect(await migrate(connection, { directory })).toEqual({ applied: [], adopted: [] });
    await writeFile(join(directory, first), `${text}\n-- one more line`);
    expect(await refusal(migrate(connection, { directory }))).toEqual({
      code: "misconfigured",
      message: "The migration 005_agent_system.sql was changed after it ran.",
    });
  });

  test("refuses a database that a newer Vigil set up", async () => {
    await rows("INSERT INTO agent_migrations (version, checksum) VALUES (900, 'x')");
    expect(await refusal(migrate(connection, { directory }))).toEqual({
      code: "misconfigured",
      message: "The database was set up by a newer Vigil (it has migration 900).",
    });
  });

  test("refuses a file that slips in before one that ran", async () => {
    await writeFile(join(directory, "004_late.sql"), "CREATE TABLE late (n int);");
    expect(await refusal(migrate(connection, { directory }))).toEqual({
      code: "misconfigured",
      message: "The migration 004_late.sql comes before one that ran already.",
    });
  });

  test("adopts what `supabase db push` ran, and goes on from there", async () => {
    await keepFirst();
    const afterwards = "CREATE TABLE pushed (n int);";
    await rows(`DROP TABLE agent_migrations; ${afterwards}
      CREATE SCHEMA supabase_migrations;
      CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
      INSERT INTO supabase_migrations.schema_migrations VALUES ('005', '{}', 'agent_system'), ('006', '{}', 'pushed')`);
    await writeFile(join(directory, "006_pushed.sql"), afterwards);
    await writeFile(join(directory, "007_ours.sql"), "CREATE TABLE ours (n int);");
    expect(await migrate(connection, { directory })).toEqual({
      applied: ["007_ours.sql"],
      adopted: [first, "006_pushed.sql"],
    });
    expect(await migrate(connection, { directory })).toEqual({ applied: [], adopted: [] });
  });

  test("adopts the file that a person ran in an SQL console, with what is in the tables", async () => {
    await keepFirst();
    await rows("DROP TABLE agent_migrations; UPDATE agent_projects SET paused = true");
    expect(await migrate(connection, { directory })).toEqual({ applied: [], adopted: [first] });
    expect(await rows("SELECT paused FROM agent_projects")).toEqual([{ paused: true }]);
  });

  test("refuses to adopt a part of the file", async () => {
    await keepFirst();
    await rows("DROP TABLE agent_migrations; DROP TABLE agent_health_checks; DROP TABLE agent_events");
    expect(await refusal(migrate(connection, { directory }))).toEqual({
      code: "misconfigured",
      message: "The database holds only a part of 005_agent_system.sql: agent_health_checks, agent_events missing.",
    });
    expect(await rows("SELECT to_regclass('agent_migrations')::text AS record")).toEqual([{ record: null }]);
  });

  test("refuses a folder that is missing, empty, unnumbered or numbered twice", async () => {
    expect(await refusal(migrate(connection, { directory: join(directory, randomUUID()) }))).toMatchObject({
      message: "The folder with the database migrations is missing.",
    });
    await keepFirst();
    await writeFile(join(directory, "005_again.sql"), "");
    expect((await refusal(migrate(connection, { directory }))).message).toMatch(
      /^Two migrations have the number of 005_/,
    );
    await writeFile(join(directory, "fix.sql"), "");
    expect((await refusal(migrate(connection, { directory }))).message).toBe(
      "The migration fix.sql does not begin with a number.",
    );
    await Promise.all([first, "005_again.sql", "fix.sql"].map((name) => rm(join(directory, name))));
    expect((await refusal(migrate(connection, { directory }))).message).toBe(
      "The folder with the database migrations is empty.",
    );
  });
});

describe("twenty starts at the same time", () => {
  const parallelStarts = 20;
  const counting = "CREATE TABLE IF NOT EXISTS runs (at timestamptz); INSERT INTO runs VALUES (clock_timestamp());";

  test.each(databases())("migrate $name once", async ({ kind }) => {
    await writeFile(join(directory, "100_runs.sql"), counting);
    const database = kind === "postgres" ? await createPostgresDatabase() : undefined;
    const start = () =>
      database === undefined
        ? connectEmbedded({ directory: "memory" })
        : connectPostgres({ url: database.url, poolMax: 1 });
    const one = await start();
    // PGlite belongs to one process; there the twenty are calls on one connection.
    const connections =
      database === undefined ? [one] : [one, ...(await Promise.all(Array.from({ length: parallelStarts - 1 }, start)))];
    try {
      const reports = await Promise.all(
        Array.from({ length: parallelStarts }, (_, n) =>
          migrate(connections[n % connections.length] ?? one, { directory }),
        ),
      );
      expect(reports.flatMap(({ applied }) => applied).toSorted()).toEqual([...released, "100_runs.sql"]);
      expect(await one.script((run) => run("SELECT count(*) FROM runs"))).toEqual([{ count: 1 }]);
    } finally {
      await Promise.all(connections.map((connection) => connection.close()));
      await database?.drop();
    }
  });
});
