import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import type { Connection, RunScript } from "./connect.ts";
import { asFailure } from "./outage.ts";
import { recordForSupabase, supabaseRan } from "./supabase-record.ts";

/** One file of the folder: `005_agent_system.sql` is version 5. */
interface Migration {
  version: number;
  name: string;
  text: string;
  /** sha256 of the text, in hexadecimal; line ends do not count, because Git may change them. */
  checksum: string;
}

export interface MigrationReport {
  /** Files that this call ran, in order. */
  applied: string[];
  /** Files that another tool had run before and that are on record from now on. */
  adopted: string[];
}

/** How long a start waits for another one that is migrating. */
const waitMs = 60_000;

/**
 * Brings the database up to the folder's last file. Any number of processes may call it at once: each file runs in its
 * own transaction, once. Refuses a database that knows more than this program, and a file that changed after it ran.
 */
export async function migrate(connection: Connection, { directory }: { directory: string }): Promise<MigrationReport> {
  const migrations = await readMigrations(directory);
  const report: MigrationReport = { applied: [], adopted: [] };
  try {
    // One more than there are files: the last finds nothing left.
    for (const _ of [...migrations, null]) {
      const step = await connection.script((run) => applyNext(run, migrations));
      if (step === undefined) break;
      report[step.how].push(step.name);
    }
  } catch (error) {
    throw asFailure(error);
  }
  return report;
}

/** The folder's files that have not run on this database. Changes nothing; refuses what `migrate` would refuse. */
export async function missingMigrations(
  connection: Connection,
  { directory }: { directory: string },
): Promise<string[]> {
  const migrations = await readMigrations(directory);
  return connection.script(async (run) => {
    if (!(await exists(run, "agent_migrations"))) return migrations.map(({ name }) => name);
    const applied = await recorded(run);
    firstMissing(migrations, applied);
    return migrations.filter(({ version }) => !applied.has(version)).map(({ name }) => name);
  });
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new Failure("misconfigured", "The folder with the database migrations is missing.", { cause });
  });
  const migrations = await Promise.all(
    names.filter((name) => name.endsWith(".sql")).map((name) => readMigration(directory, name)),
  );
  migrations.sort((a, b) => a.version - b.version);
  const twice = migrations.find(({ version }, index) => migrations[index + 1]?.version === version);
  if (twice) throw new Failure("misconfigured", `Two migrations have the number of ${twice.name}.`);
  if (migrations.length === 0) throw new Failure("misconfigured", "The folder with the database migrations is empty.");
  return migrations;
}

async function readMigration(directory: string, name: string): Promise<Migration> {
  const number = /^(\d+)_/.exec(name)?.[1];
  if (number === undefined) throw new Failure("misconfigured", `The migration ${name} does not begin with a number.`);
  const text = (await readFile(join(directory, name), "utf8")).replaceAll("\r\n", "\n");
  return { version: Number(number), name, text, checksum: createHash("sha256").update(text).digest("hex") };
}

/** Runs or adopts the first file that is not on record; `undefined`: there is none. */
async function applyNext(
  run: RunScript,
  migrations: Migration[],
): Promise<{ how: keyof MigrationReport; name: string } | undefined> {
  await run(`SET LOCAL lock_timeout = ${waitMs}; SET LOCAL statement_timeout = ${2 * waitMs}`);
  await run("SELECT pg_advisory_xact_lock(4711, 1)");
  await ensureRecord(run);
  const next = firstMissing(migrations, await recorded(run));
  if (next === undefined) {
    await recordForSupabase(
      run,
      migrations.map(({ name }) => name),
    );
    return undefined;
  }
  const how = (await ranElsewhere(run, next, migrations)) ? "adopted" : "applied";
  if (how === "applied") await run(next.text);
  await run("INSERT INTO agent_migrations (version, checksum) VALUES ($1, $2)", [next.version, next.checksum]);
  return { how, name: next.name };
}

/** The migrator's own table cannot come from a migration. */
async function ensureRecord(run: RunScript): Promise<void> {
  if (await exists(run, "agent_migrations")) return;
  await run(`
    CREATE TABLE agent_migrations (
      version     integer PRIMARY KEY,
      checksum    text NOT NULL,
      applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    ALTER TABLE agent_migrations ENABLE ROW LEVEL SECURITY;
    REVOKE ALL ON agent_migrations FROM PUBLIC;
    DO $$
    DECLARE role_name text;
    BEGIN
      FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated', 'service_role') LOOP
        EXECUTE format('REVOKE ALL ON agent_migrations FROM %I', role_name);
      END LOOP;
      IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'service_role') THEN
        GRANT SELECT ON agent_migrations TO service_role;
      END IF;
    END $$`);
}

async function recorded(run: RunScript): Promise<Map<number, string>> {
  const rows = await run("SELECT version, checksum FROM agent_migrations ORDER BY version");
  const parsed = z.array(z.object({ version: z.int(), checksum: z.string() })).parse(rows);
  return new Map(parsed.map(({ version, checksum }) => [version, checksum]));
}

function firstMissing(migrations: Migration[], applied: Map<number, string>): Migration | undefined {
  const newest = Math.max(0, ...applied.keys());
  const known = new Set(migrations.map(({ version }) => version));
  const unknown = [...applied.keys()].find((version) => !known.has(version));
  if (unknown !== undefined) {
    throw new Failure("misconfigured", `The database was set up by a newer Vigil (it has migration ${unknown}).`, {
      hint: "Start that version again; this one does not know what changed.",
    });
  }
  const changed = migrations.find(({ version, checksum }) => (applied.get(version) ?? checksum) !== checksum);
  if (changed !== undefined) {
    throw new Failure("misconfigured", `The migration ${changed.name} was changed after it ran.`, {
      hint: "Restore the file; a change of the database is a new file with the next number.",
    });
  }
  const next = migrations.find(({ version }) => !applied.has(version));
  if (next !== undefined && next.version < newest) {
    throw new Failure("misconfigured", `The migration ${next.name} comes before one that ran already.`, {
      hint: `Give it a number above ${newest}.`,
    });
  }
  return next;
}

/** Whether the Supabase CLI or a person in an SQL console ran the file before there was a record of ours. */
async function ranElsewhere(run: RunScript, next: Migration, migrations: Migration[]): Promise<boolean> {
  const byHand = next === migrations[0] && (await exists(run, "agent_projects"));
  if (!byHand && !(await supabaseRan(run, next.name))) return false;
  const missing: string[] = [];
  for (const [, table] of next.text.matchAll(/^CREATE TABLE (?:IF NOT EXISTS )?(?:public\.)?(\w+)/gm)) {
    if (table !== undefined && !(await exists(run, table))) missing.push(table);
  }
  if (missing.length === 0) return true;
  throw new Failure("misconfigured", `The database holds only a part of ${next.name}: ${missing.join(", ")} missing.`, {
    hint: "Let the tool that began it finish, or start with an empty database.",
  });
}

async function exists(run: RunScript, table: string): Promise<boolean> {
  const [row] = await run("SELECT to_regclass($1) IS NOT NULL AS found", [table]);
  return row?.found === true;
}
