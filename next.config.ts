import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants.js";

/** React's development build evaluates strings; nothing else may. */
function contentSecurityPolicy(isDevelopment: boolean): string {
  const scripts = `script-src 'self' 'unsafe-inline'${isDevelopment ? " 'unsafe-eval'" : ""}`;
  const rest = "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'";
  return `default-src 'self'; ${scripts}; ${rest}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
}

export default function nextConfig(phase: string): NextConfig {
  const headers = [
    { key: "content-security-policy", value: contentSecurityPolicy(phase === PHASE_DEVELOPMENT_SERVER) },
    { key: "x-content-type-options", value: "nosniff" },
    { key: "x-frame-options", value: "DENY" },
    { key: "referrer-policy", value: "same-origin" },
    { key: "permissions-policy", value: "camera=(), microphone=(), geolocation=()" },
    { key: "cross-origin-opener-policy", value: "same-origin" },
  ];
  return {
    poweredByHeader: false,
    // Senders of events do not follow a redirect to the address without the slash: their events would be lost.
    skipTrailingSlashRedirect: true,
    // Loaded from node_modules as they are: they bring files, workers or native parts that a bundle would lose.
    serverExternalPackages: [
      "@electric-sql/pglite",
      "cspell-lib",
      "execa",
      "pg",
      "pg-boss",
      "simple-git",
      "tar",
      "ts-morph",
    ],
    // `npm run check` and CI check the types of everything; a user's build need not do it again.
    typescript: { ignoreBuildErrors: true },
    turbopack: { root: import.meta.dirname },
    // Hosted functions migrate their own database, so the SQL travels with them.
    outputFileTracingIncludes: { "/api/**": ["./supabase/migrations/*.sql"] },
    headers: async () => [{ source: "/:path*", headers }],
  };
}
