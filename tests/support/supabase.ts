import pg from "pg";
import { findPostgres, howToInstall, startPostgres } from "./postgres.ts";

/** A server that is set up as Supabase sets up a project's. */
export interface SupabaseServer {
  /** As `postgres`, who is no superuser there and owns nothing but what it makes. */
  url: string;
  /** As `supabase_admin`, the superuser that only Supabase itself has. */
  adminUrl: string;
  socket: string;
  remove(): Promise<void>;
}

/**
 * Roles and schemas as in Supabase's own image (github.com/supabase/postgres, migrations/db); `grants` is what a project
 * grants on everything new in `public`: everything, as until 2026, or nothing, as since then.
 */
export async function startSupabase(grants: "everything" | "nothing"): Promise<SupabaseServer> {
  const installed = await findPostgres();
  if (installed === undefined) throw new Error(howToInstall);
  const server = await startPostgres(installed);
  const url = server.url("postgres");
  const adminUrl = url.replace("postgres@", "supabase_admin@");
  await statements(url, ["CREATE ROLE supabase_admin LOGIN SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS"]);
  await statements(adminUrl, [...roles, ...schemas, ...(grants === "everything" ? defaultGrants : []), ...triggers]);
  return { url, adminUrl, socket: server.socket, remove: server.remove };
}

/** Runs each statement on its own, as one user. */
export async function statements(url: string, texts: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const text of texts) await client.query(text);
  } finally {
    await client.end();
  }
}

const roles = [
  "CREATE ROLE anon NOLOGIN INHERIT",
  "CREATE ROLE authenticated NOLOGIN INHERIT",
  "CREATE ROLE service_role NOLOGIN INHERIT BYPASSRLS",
  "CREATE ROLE authenticator LOGIN NOINHERIT",
  "GRANT anon, authenticated, service_role TO authenticator",
  "GRANT anon, authenticated, service_role TO postgres",
  "CREATE ROLE dashboard_user NOSUPERUSER CREATEDB CREATEROLE REPLICATION",
  "ALTER ROLE authenticator SET statement_timeout = '8s'",
  "ALTER ROLE anon SET statement_timeout = '3s'",
];

const schemas = [
  "CREATE SCHEMA extensions",
  "CREATE SCHEMA auth",
  "CREATE SCHEMA graphql_public",
  "GRANT USAGE ON SCHEMA public, extensions TO postgres, anon, authenticated, service_role",
  `ALTER ROLE postgres SET search_path TO "$user", public, extensions`,
  "GRANT ALL ON DATABASE postgres TO postgres",
  "GRANT ALL ON SCHEMA auth, extensions TO postgres",
  "ALTER ROLE postgres NOSUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION BYPASSRLS",
];

const defaultGrants = ["postgres", "supabase_admin"].flatMap((owner) =>
  ["TABLES", "FUNCTIONS", "SEQUENCES"].map(
    (kind) =>
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public GRANT ALL ON ${kind} TO postgres, anon, authenticated, service_role`,
  ),
);

/** The Data API reads its schema again after each change; row level security is put on every new table. */
const triggers = [
  `CREATE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
   BEGIN NOTIFY pgrst, 'reload schema'; END $$`,
  "CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.pgrst_ddl_watch()",
  "CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.pgrst_ddl_watch()",
  `CREATE FUNCTION public.rls_auto_enable() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
   DECLARE command record;
   BEGIN
     FOR command IN SELECT * FROM pg_event_trigger_ddl_commands()
       WHERE command_tag IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') AND object_type = 'table' AND schema_name = 'public'
     LOOP
       EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', command.object_identity);
     END LOOP;
   END $$`,
  "CREATE EVENT TRIGGER ensure_rls ON ddl_command_end EXECUTE FUNCTION public.rls_auto_enable()",
];
