import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startQueue } from "#engine/queue.ts";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { databases, migrations } from "#tests/support/databases.ts";
import { type Pooler, startPooler } from "#tests/support/pgbouncer.ts";
import { type SupabaseServer, startSupabase, statements } from "#tests/support/supabase.ts";
import { splitStatements, supabasePush } from "#tests/support/supabase-push.ts";

const hasPostgres = databases().some(({ kind }) => kind === "postgres");
const nothing = { applied: [], adopted: [] };
const refused = { code: "42501" };

/** Empties the database, so that each test begins with a new project. */
async function startOver(server: SupabaseServer): Promise<void> {
  const ours = `DO $$
    DECLARE t text;
    BEGIN
      FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', t);
      END LOOP;
      FOR t IN SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%agent%' LOOP
        EXECUTE 'DROP FUNCTION ' || t || ' CASCADE';
      END LOOP;
    END $$`;
  await statements(server.url, [
    ours,
    "DROP SCHEMA IF EXISTS vigil_queue CASCADE",
    "DROP SCHEMA IF EXISTS supabase_migrations CASCADE",
  ]);
}

describe.runIf(hasPostgres).each(["everything", "nothing"] as const)(
  "a Supabase project that grants %s on what is new",
  (grants) => {
    let server: SupabaseServer;
    let pooler: Pooler;
    const open: Connection[] = [];
    beforeAll(async () => {
      server = await startSupabase(grants);
      pooler = await startPooler({ socket: server.socket, users: ["postgres", "vigil"] });
    });
    afterAll(async () => {
      for (const connection of open) await connection.close();
      await pooler?.stop();
      await server?.remove();
    });
    const connect = async (): Promise<Connection> => {
      const connection = await connectPostgres({ url: pooler.url("postgres") });
      open.push(connection);
      return connection;
    };

    test("is set up through the pooler by a user who is no superuser, by many at once, queue included", async () => {
      await startOver(server);
      const connection = await connect();
      const [me] = await connection.script((run) => run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"));
      expect(me).toEqual({ rolsuper: false });
      const many = Array.from({ length: 6 }, () => migrate(connection, { directory: migrations }));
      const applied = (await Promise.all(many)).flatMap((report) => report.applied);
      expect(applied.length).toBeGreaterThan(0);
      expect(new Set(applied).size).toBe(applied.length);
      expect(await migrate(connection, { directory: migrations })).toEqual(nothing);
      const queue = await startQueue(connection, (error) => expect(error).toBeUndefined());
      await queue.sendDetect(null);
      expect(await queue.next("detect")).toMatchObject({ queue: "detect" });
      await queue.stop();
    });

    test.each(["anon", "authenticated"])(
      "gives %s nothing: no table, no function, no sequence, no queue",
      async (role) => {
        const connection = await connect();
        const rights = await connection.script((run) =>
          run(
            `SELECT 'table ' || c.relname AS thing FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relname LIKE 'agent\\_%' AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
               AND (has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                 OR has_any_column_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
           UNION ALL SELECT 'sequence ' || c.relname FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relname LIKE 'agent\\_%' 
               AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege($1, c.oid, 'USAGE, SELECT, UPDATE') END
           UNION ALL SELECT 'function ' || p.proname FROM pg_proc p
             WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE '%agent%' AND has_function_privilege($1, p.oid, 'EXECUTE')
           UNION ALL SELECT 'schema ' || n.nspname FROM pg_namespace n
             WHERE n.nspname IN ('vigil_queue', 'supabase_migrations') AND has_schema_privilege($1, n.oid, 'USAGE, CREATE')`,
            [role],
          ),
        );
        expect(rights).toEqual([]);
      },
    );

    test("closes every table with row level security, and has no view that looks past it", async () => {
      const connection = await connect();
      const open = await connection.script((run) =>
        run(`SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname LIKE 'agent\\_%'
             AND ((relkind = 'r' AND NOT relrowsecurity)
               OR (relkind IN ('v', 'm') AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)))`),
      );
      expect(open).toEqual([]);
      const policies = await connection.script((run) =>
        run("SELECT policyname, roles::text[] AS roles FROM pg_policies WHERE schemaname = 'public'"),
      );
      expect(policies).toEqual([{ policyname: "service_reads", roles: ["service_role"] }]);
    });

    test("answers the Data API as it does each role: nobody but the service key, and that one cannot forge", async () => {
      const client = new pg.Client({ connectionString: server.url.replace("postgres@", "authenticator@") });
      await client.connect();
      const as = async (role: string, text: string) => {
        await client.query("BEGIN");
        try {
          await client.query(`SET LOCAL ROLE ${role}`);
          return (await client.query(text)).rows;
        } finally {
          await client.query("ROLLBACK");
        }
      };
      const issue = "INSERT INTO agent_issues (severity, issue_type, title, message) VALUES ('P0', 'x', 't', 'm')";
      try {
        for (const role of ["anon", "authenticated"]) {
          for (const text of [
            "SELECT * FROM agent_issues",
            issue,
            "UPDATE agent_projects SET autonomy_level = 3",
            "DELETE FROM agent_approvals",
            "SELECT * FROM agent_migrations",
            "SELECT append_agent_action('a', 'b')",
            "SELECT * FROM verify_agent_actions()",
            "SELECT agent_action_hash(NULL)",
            "SELECT nextval('agent_model_calls_id_seq')",
            "SELECT * FROM vigil_queue.job",
            "CREATE TABLE mine (n int)",
          ]) {
            await expect(as(role, text), `${role}: ${text}`).rejects.toMatchObject(refused);
          }
        }
        expect(await as("service_role", "SELECT id FROM agent_projects")).toEqual([{ id: "default" }]);
        expect(await as("service_role", "SELECT append_agent_action('cli', 'doctor.ran') > 0 AS yes")).toEqual([
          { yes: true },
        ]);
        expect(await as("service_role", "SELECT * FROM verify_agent_actions()")).toEqual([]);
        for (const text of [
          issue,
          "UPDATE agent_actions SET actor = 'x'",
          "DELETE FROM agent_actions",
          "SELECT * FROM vigil_queue.job",
        ])
          await expect(as("service_role", text), text).rejects.toMatchObject(refused);
      } finally {
        await client.end();
      }
    });

    test("may be set up by Supabase's own program first, by Vigil first, or by both", async () => {
      await startOver(server);
      const pushed = await supabasePush(server.url, migrations);
      const connection = await connect();
      expect(await migrate(connection, { directory: migrations })).toEqual({ applied: [], adopted: pushed });
      expect(await supabasePush(server.url, migrations)).toEqual([]);
      const [record] = await connection.script((run) =>
        run(`SELECT has_table_privilege('anon', 'agent_migrations', 'SELECT, INSERT, UPDATE, DELETE') AS anon,
               has_table_privilege('service_role', 'agent_migrations', 'INSERT, UPDATE, DELETE') AS service`),
      );
      expect(record).toEqual({ anon: false, service: false });
      await startOver(server);
      expect((await migrate(connection, { directory: migrations })).applied).toEqual(pushed);
      expect(await supabasePush(server.url, migrations)).toEqual([]);
      expect(await migrate(connection, { directory: migrations })).toEqual(nothing);
    });

    test("may give Vigil a role of its own, which reaches nothing of the application's", async () => {
      await startOver(server);
      await statements(server.url, [
        "CREATE ROLE vigil LOGIN",
        "GRANT vigil TO postgres",
        "GRANT USAGE, CREATE ON SCHEMA public TO vigil",
        "CREATE SCHEMA vigil_queue AUTHORIZATION vigil",
        "CREATE TABLE customers (name text)",
      ]);
      const connection = await connectPostgres({ url: pooler.url("postgres", "vigil") });
      try {
        expect((await migrate(connection, { directory: migrations })).applied).not.toEqual([]);
        expect(await migrate(connection, { directory: migrations })).toEqual(nothing);
        const queue = await startQueue(connection, (error) => expect(error).toBeUndefined());
        await queue.sendDetect(null);
        expect(await queue.next("detect")).toMatchObject({ queue: "detect" });
        await queue.stop();
        await connection.script((run) => run("SELECT append_agent_action('agent', 'x')"));
        expect(await connection.script((run) => run("SELECT id FROM agent_projects"))).toEqual([{ id: "default" }]);
        for (const text of [
          "SELECT * FROM customers",
          "DROP TABLE customers",
          "CREATE TABLE auth.users (id int)",
          "CREATE SCHEMA elsewhere",
          "CREATE ROLE another",
          "SET LOCAL ROLE postgres",
        ])
          await expect(
            connection.script((run) => run(text)),
            text,
          ).rejects.toMatchObject(refused);
      } finally {
        await connection.close();
        await statements(server.url, ["DROP OWNED BY vigil CASCADE", "DROP ROLE vigil"]);
      }
    });

    test("keeps another application's record as it is", async () => {
      await startOver(server);
      await statements(server.url, [
        "CREATE SCHEMA supabase_migrations",
        "CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text)",
        "INSERT INTO supabase_migrations.schema_migrations VALUES ('20260101000000', '{}', 'shop')",
      ]);
      const connection = await connect();
      await migrate(connection, { directory: migrations });
      expect(
        await connection.script((run) => run("SELECT version FROM supabase_migrations.schema_migrations")),
      ).toEqual([{ version: "20260101000000" }]);
      await startOver(server);
      await statements(server.url, ["CREATE TABLE customers (id int)"]);
      await migrate(connection, { directory: migrations });
      expect(
        await connection.script((run) => run("SELECT to_regclass('supabase_migrations.schema_migrations') AS t")),
      ).toEqual([{ t: null }]);
    });
  },
);

test("statements are cut apart as Supabase's program cuts them", async () => {
  const text = "-- a; b\nSELECT ';'; DO $x$ BEGIN NULL; END $x$;\n-- last; word\n";
  expect(splitStatements(text)).toEqual(["-- a; b\nSELECT ';'", "DO $x$ BEGIN NULL; END $x$"]);
  expect(splitStatements(await readFile(`${migrations}/006_model_ledger.sql`, "utf8"))).toHaveLength(5);
});
