import { sql } from "drizzle-orm";
import { z } from "zod";
import { connectPostgres } from "#store/connect.ts";
import { missingMigrations } from "#store/migrate.ts";
import { type Checkup, degraded, type Finding, type Findings, ok } from "./checkup.ts";

/** Application and database may disagree about the time by this much before anyone is told (reliability B6). */
const skewWarnMs = 5_000;

/** Looks and changes nothing: the migrations themselves run when Vigil starts. */
export function databaseCheckup({
  url,
  certificate,
  directory,
  isVercel,
}: {
  url: string;
  certificate: string | null;
  directory: string;
  isVercel: boolean;
}): Checkup {
  return {
    name: "database",
    async look(): Promise<Findings> {
      const connection = await connectPostgres({ url, certificate, poolMax: 1, applicationName: "vigil-doctor" });
      try {
        const Row = z.object({ now: z.coerce.date(), version: z.string() });
        const query = sql`SELECT clock_timestamp() AS now, current_setting('server_version') AS version`;
        const [row] = await connection.rows(Row, query);
        const skewMs = Math.abs((row?.now.getTime() ?? 0) - Date.now());
        const missing = await missingMigrations(connection, { directory });
        return {
          database:
            skewMs > skewWarnMs
              ? degraded(
                  `its clock and this machine's differ by ${Math.round(skewMs / 1000)} s`,
                  "Synchronise the clocks.",
                )
              : ok(`PostgreSQL ${row?.version ?? ""} answers`),
          "database address": addressFinding(url, isVercel, certificate !== null),
          migrations:
            missing.length === 0
              ? ok("all have run")
              : degraded(
                  `not run yet: ${missing.join(", ")}`,
                  "They run when Vigil starts (on Vercel: with the first request).",
                ),
        };
      } finally {
        await connection.close();
      }
    },
  };
}

/** Functions open connections by the hundred: on Supabase they belong behind the pooler's transaction mode. */
function addressFinding(url: string, isVercel: boolean, isProven: boolean): Finding {
  const { hostname, port } = new URL(url);
  const hint = "Use the address from Connect → Transaction pooler (port 6543).";
  if (/^db\.[^.]+\.supabase\.co$/.test(hostname)) {
    const message = "this is Supabase's direct address: it speaks IPv6 only, and functions use its connections up";
    return isVercel ? { status: "down", message, hint } : degraded(message, hint);
  }
  if (!hostname.endsWith(".pooler.supabase.com"))
    return ok(isVercel ? "not Supabase: use a pooler in transaction mode" : "not Supabase");
  const trust = isProven ? "" : "; encrypted, but not proven to be Supabase's: set DATABASE_CA_CERTIFICATE";
  if (port === "6543") return ok(`Supabase's pooler in transaction mode${trust}`);
  const message = "this is Supabase's pooler in session mode: each function keeps a connection for itself";
  return isVercel
    ? { status: "down", message, hint }
    : ok(`Supabase's pooler in session mode, which suits a server${trust}`);
}
