import type { ConnectionOptions } from "node:tls";

/** How the driver encrypts, and how the server must prove who it is. */
export type Tls = false | Pick<ConnectionOptions, "ca" | "rejectUnauthorized" | "checkServerIdentity">;

/** Supabase takes connections without TLS as well, and the addresses that it shows do not ask for it: we always do. */
const supabaseHost = /\.supabase\.(?:com|co)$/;

/** Whether the address leads to a database of Supabase's, directly or through its pooler. */
export function isSupabase(url: string): boolean {
  return supabaseHost.test(new URL(url).hostname);
}

/**
 * How a connection to `url` is encrypted, and the address without the parameters that say so, because the driver would
 * follow its own reading of them. With a certificate the server is always proven. Without one it is proven too, unless
 * `sslmode=no-verify` says otherwise or it is Supabase's: no machine knows who signs there, so short of
 * `sslmode=verify-full` the connection is encrypted and no more. Files named in the address are the driver's business.
 */
export function tlsOf(url: string, certificate: string | null): { url: string; tls?: Tls } {
  const parsed = new URL(url);
  const { searchParams } = parsed;
  if (["sslrootcert", "sslcert", "sslkey"].some((name) => searchParams.has(name))) return { url };
  const mode = searchParams.get("sslmode");
  if (mode === null && searchParams.has("ssl")) return { url };
  for (const name of ["sslmode", "ssl", "uselibpqcompat"]) searchParams.delete(name);
  return { url: mode === null ? url : parsed.href, tls: tlsFor(mode, certificate, isSupabase(url)) };
}

function tlsFor(mode: string | null, certificate: string | null, hosted: boolean): Tls {
  if (mode === "disable" || (mode === null && certificate === null && !hosted)) return false;
  if (certificate !== null) {
    // As for psql: whatever this authority signed is right, whichever name it carries.
    const anyName = mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {};
    return { ca: certificate, rejectUnauthorized: true, ...anyName };
  }
  const isStrict = mode === "verify-full" || mode === "verify-ca";
  return { rejectUnauthorized: isStrict || (mode !== "no-verify" && !hosted) };
}
