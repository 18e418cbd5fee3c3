import { join } from "node:path";
import { z } from "zod";
import type { Config } from "../config.ts";
import type { Variables } from "./environment.ts";

/** `DATABASE_URL`, else the embedded database. Whatever cannot work is said here, before anything connects. */
export function databaseOf(
  variables: Variables,
  { isVercel, home }: { isVercel: boolean; home: string },
): Config["database"] {
  const url = variables.parsed(
    "DATABASE_URL",
    z.url({ protocol: /^postgres(ql)?$/ }),
    "must start with postgres:// or postgresql://",
  );
  const certificate = variables.parsed(
    "DATABASE_CA_CERTIFICATE",
    z
      .string()
      // Some forms take one line only.
      .transform((text) => text.replaceAll("\\n", "\n"))
      .pipe(z.string().regex(/^-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----$/)),
    "must be a certificate in PEM: -----BEGIN CERTIFICATE----- and so on",
  );
  if (url !== null) {
    const mistake = mistakeIn(new URL(url));
    if (mistake !== undefined) variables.bad("DATABASE_URL", mistake);
    return { kind: "postgres", url, certificate };
  }
  if (isVercel) variables.bad("DATABASE_URL", "must be set on Vercel: a function keeps no files");
  return { kind: "embedded", directory: join(home, "db") };
}

/** Supabase's pooler is one host for many projects: the user's name says which. */
function mistakeIn({ hostname, username, password }: URL): string | undefined {
  if (/%5B.*%5D|^\[.*\]$/i.test(password))
    return "still has the placeholder of Supabase's page: put your database password there";
  if (hostname.endsWith(".pooler.supabase.com") && !/\.|%2E/i.test(username))
    return "needs the user name postgres.<project reference> with Supabase's pooler";
  return undefined;
}

/** What works, and could work better: for the health page and `vigil doctor`. `undefined`: nothing to say. */
export function databaseAdvice({
  database,
  workers,
}: Pick<Config, "database" | "workers">): { status: "ok" | "degraded"; message: string; hint: string } | undefined {
  if (database.kind !== "postgres") return undefined;
  const { hostname, port, searchParams } = new URL(database.url);
  const isPooler = hostname.endsWith(".pooler.supabase.com");
  const isDirect = /^db\.[a-z0-9]+\.supabase\.co$/.test(hostname);
  if (!workers && isPooler && port !== "6543") {
    return {
      status: "degraded",
      message: "functions use Supabase's pooler in session mode: each holds a connection of its own, and they run out",
      hint: "Use the transaction pooler in DATABASE_URL: the same host with port 6543.",
    };
  }
  if (!workers && isDirect && port !== "6543") {
    return {
      status: "degraded",
      message: "functions connect to Supabase directly: its address is IPv6 only, and each function holds a connection",
      hint: "Use the transaction pooler in DATABASE_URL (Connect → Transaction pooler).",
    };
  }
  const isUnproven = database.certificate === null && searchParams.get("sslmode") !== "verify-full";
  if ((isPooler || isDirect) && isUnproven && !searchParams.has("sslrootcert")) {
    return {
      status: "ok",
      message: "the connection is encrypted, and the server's identity is not proven",
      hint: "Set DATABASE_CA_CERTIFICATE to Supabase's certificate (Database Settings → SSL Configuration).",
    };
  }
  return undefined;
}
