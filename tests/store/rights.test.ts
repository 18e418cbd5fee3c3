import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { createPostgresDatabase, databases, empty, migrations } from "#tests/support/databases.ts";

const refused = { code: "42501" };
const oneIssue = `INSERT INTO agent_issues (severity, issue_type, title, message) VALUES ('P2', 'api_error', 't', 'm')`;

/** Runs one statement as `role`, whatever it does is undone when it fails. */
function as(connection: Connection, role: string, statement: string) {
  return connection.script(async (run) => {
    await run(`SET LOCAL ROLE ${role}`);
    return run(statement);
  });
}

/** What each role may do with each table, as the grants say. */
async function tableRights(connection: Connection): Promise<Record<string, string[]>> {
  const rows = await connection.rows(
    z.object({ role: z.string(), rights: z.array(z.string()) }),
    sql`SELECT r.rolname AS role, array(
          SELECT DISTINCT p.privilege FROM pg_tables t,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
          WHERE t.schemaname = 'public' AND t.tablename LIKE 'agent\_%'
            AND has_table_privilege(r.rolname, format('public.%I', t.tablename), p.privilege) ORDER BY 1) AS rights
        FROM pg_roles r WHERE r.rolname IN ('anon', 'authenticated', 'service_role')`,
  );
  return Object.fromEntries(rows.map(({ role, rights }) => [role, rights]));
}

describe.each(databases())("rights on $name", ({ open, kind }) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await open();
  });
  beforeEach(async () => {
    await empty(connection);
    await connection.script(async (run) => {
      await run(oneIssue);
      await run("SELECT append_agent_action('operator:eva', 'settings.changed', 'autonomy')");
    });
  });
  afterAll(() => connection.close());

  test.each(["anon", "authenticated"])("%s sees and changes nothing", async (role) => {
    const tables = await connection.script((run) =>
      run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'agent\\_%'"),
    );
    for (const { tablename } of tables) {
      for (const statement of [`SELECT * FROM ${tablename}`, `DELETE FROM ${tablename}`, `TRUNCATE ${tablename}`]) {
        await expect(as(connection, role, statement), statement).rejects.toMatchObject(refused);
      }
    }
    await expect(as(connection, role, oneIssue)).rejects.toMatchObject(refused);
    await expect(as(connection, role, "UPDATE agent_projects SET paused = true")).rejects.toMatchObject(refused);
    await expect(as(connection, role, "SELECT append_agent_action('a', 'b')")).rejects.toMatchObject(refused);
    await expect(as(connection, role, "SELECT * FROM verify_agent_actions()")).rejects.toMatchObject(refused);
  });

  test("service_role reads the trail and appends to it, and changes it in no other way", async () => {
    expect(await as(connection, "service_role", "SELECT count(*) FROM agent_actions")).toEqual([{ count: 1 }]);
    expect(await as(connection, "service_role", "SELECT append_agent_action('cli', 'doctor.ran') AS seq")).toEqual([
      { seq: 2 },
    ]);
    expect(await as(connection, "service_role", "SELECT * FROM verify_agent_actions()")).toEqual([]);
    for (const statement of [
      "INSERT INTO agent_actions (seq, actor, action, prev_hash, hash) VALUES (0, 'a', 'b', '', '')",
      "UPDATE agent_actions SET because = 'forged'",
      "DELETE FROM agent_actions",
      "TRUNCATE agent_actions",
    ]) {
      await expect(as(connection, "service_role", statement), statement).rejects.toMatchObject(refused);
    }
  });

  test("a temporary table of the same name cannot catch what is appended", async () => {
    await connection.script(async (run) => {
      await run("SET LOCAL ROLE service_role");
      await run("CREATE TEMP TABLE agent_actions (LIKE public.agent_actions INCLUDING DEFAULTS) ON COMMIT DROP");
      await run("GRANT ALL ON pg_temp.agent_actions TO PUBLIC");
      await run("SELECT append_agent_action('cli', 'doctor.ran')");
    });
    expect(await connection.script((run) => run("SELECT seq, action FROM agent_actions ORDER BY seq"))).toEqual([
      { seq: 1, action: "settings.changed" },
      { seq: 2, action: "doctor.ran" },
    ]);
  });

  test.each([
    ["changed", "UPDATE agent_actions SET because = 'forged'"],
    ["deleted", "DELETE FROM agent_actions"],
    ["truncated", "TRUNCATE agent_actions"],
    ["truncated with others", "TRUNCATE agent_projects CASCADE"],
  ])("the trail cannot be %s by the owner either", async (_, statement) => {
    await expect(connection.script((run) => run(statement))).rejects.toMatchObject({ code: "23001" });
    expect(await connection.script((run) => run("SELECT count(*) FROM agent_actions"))).toEqual([{ count: 1 }]);
  });

  test("row level security is on for every table", async () => {
    const open = await connection.script((run) =>
      run(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
           AND relname LIKE 'agent\\_%' AND NOT relrowsecurity`),
    );
    expect(open).toEqual([]);
  });

  test("nothing more is granted where the host grants everything on new tables by default, as Supabase does", async () => {
    const database = kind === "postgres" ? await createPostgresDatabase() : undefined;
    const hosted = await (database === undefined
      ? connectEmbedded({ directory: "memory" })
      : connectPostgres({ url: database.url }));
    try {
      await hosted.script(async (run) => {
        const schema = await readFile(join(migrations, "005_agent_system.sql"), "utf8");
        // The roles come first, as on Supabase: the file's own beginning makes them where they are missing.
        await run(schema.slice(schema.indexOf("DO $$"), schema.indexOf("END $$;") + "END $$;".length));
        await run("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role");
        await run(
          "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role",
        );
      });
      await migrate(hosted, { directory: migrations });
      expect(await tableRights(hosted)).toEqual({ anon: [], authenticated: [], service_role: ["SELECT"] });
      await expect(as(hosted, "anon", "SELECT append_agent_action('a', 'b')")).rejects.toMatchObject(refused);
    } finally {
      await hosted.close();
      await database?.drop();
    }
  });
});
