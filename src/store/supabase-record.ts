import type { RunScript } from "./connect.ts";

/** What Supabase's own program makes on its first `db push`. */
const recordTable = `
  CREATE SCHEMA IF NOT EXISTS supabase_migrations;
  CREATE TABLE IF NOT EXISTS supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY);
  ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS statements text[];
  ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS name text`;

/** Whether Supabase's program ran the file `005_agent_system.sql`, or has it on record from us. */
export async function supabaseRan(run: RunScript, name: string): Promise<boolean> {
  if (!(await hasRecord(run))) return false;
  const rows = await run("SELECT 1 AS found FROM supabase_migrations.schema_migrations WHERE version = $1", [
    versionOf(name),
  ]);
  return rows.length > 0;
}

/**
 * Puts our files on the record of Supabase's program as well, so that `supabase db push` does not run them again. Only in a
 * project of Vigil's own: with another application's migrations on record, that application's next push would stop at
 * files that it does not know.
 */
export async function recordForSupabase(run: RunScript, names: string[]): Promise<void> {
  if (!(await isOwnProject(run, names))) return;
  if (!(await hasRecord(run))) await run(recordTable);
  await run(
    `INSERT INTO supabase_migrations.schema_migrations (version, name, statements)
     SELECT split_part(file, '_', 1), substr(file, strpos(file, '_') + 1), '{}' FROM unnest($1::text[]) AS file
     ON CONFLICT (version) DO NOTHING`,
    [names.map((name) => name.replace(/\.sql$/, ""))],
  );
}

async function isOwnProject(run: RunScript, names: string[]): Promise<boolean> {
  if (await hasRecord(run)) {
    const [row] = await run(
      `SELECT bool_and(version = ANY ($1::text[])) AS own,
         bool_and(has_table_privilege('supabase_migrations.schema_migrations', 'INSERT')) AS allowed
       FROM supabase_migrations.schema_migrations`,
      [names.map(versionOf)],
    );
    return row?.own === true && row.allowed === true;
  }
  const [row] = await run(
    // That program works as postgres: what another role made here, it could not use.
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin') AND current_user = 'postgres'
       AND has_database_privilege(current_database(), 'CREATE')
       AND NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'agent\\_%') AS own`,
  );
  return row?.own === true;
}

async function hasRecord(run: RunScript): Promise<boolean> {
  const [row] = await run("SELECT to_regclass('supabase_migrations.schema_migrations') IS NOT NULL AS found");
  return row?.found === true;
}

function versionOf(name: string): string {
  return name.split("_")[0] ?? "";
}
