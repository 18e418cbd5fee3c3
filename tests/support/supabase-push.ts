import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";

/**
 * What `supabase db push` does (github.com/supabase/cli, pkg/migration): its record is made where it is missing, each
 * file that is not on it runs statement by statement in one transaction and is put on it. Refuses, as it does, a record
 * with versions that the folder does not have. Answers the files that ran.
 */
export async function supabasePush(url: string, directory: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("CREATE SCHEMA IF NOT EXISTS supabase_migrations");
    const table = "supabase_migrations.schema_migrations";
    await client.query(`CREATE TABLE IF NOT EXISTS ${table} (version text NOT NULL PRIMARY KEY)`);
    await client.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS statements text[]`);
    await client.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS name text`);
    const { rows } = await client.query<{ version: string }>(`SELECT version FROM ${table} ORDER BY version`);
    const known = rows.map(({ version }) => version);
    const files = (await readdir(directory)).filter((name) => /^[0-9]+_.*\.sql$/.test(name)).toSorted();
    const local = files.map((name) => name.split("_")[0] ?? "");
    if (known.some((version) => !local.includes(version)))
      throw new Error("Remote migration versions not found in local migrations directory.");
    const pending = files.slice(known.length);
    for (const name of pending) {
      const parts = splitStatements(await readFile(join(directory, name), "utf8"));
      await client.query("RESET ALL");
      await client.query("BEGIN");
      for (const text of parts) await client.query({ text, queryMode: "extended" } as pg.QueryConfig);
      await client.query(`INSERT INTO ${table} (version, name, statements) VALUES ($1, $2, $3)`, [
        name.split("_")[0],
        name.replace(/^[0-9]+_|\.sql$/g, ""),
        parts,
      ]);
      await client.query("COMMIT");
    }
    return pending;
  } finally {
    await client.end();
  }
}

/** Cuts at semicolons outside of quotes, dollar quotes and comments. */
export function splitStatements(text: string): string[] {
  const token = /--[^\n]*|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|;/g;
  const parts: string[] = [];
  let start = 0;
  for (const match of text.matchAll(token)) {
    if (match[0] !== ";") continue;
    parts.push(text.slice(start, match.index));
    start = match.index + 1;
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part.replaceAll(/--[^\n]*/g, "").trim() !== "");
}
