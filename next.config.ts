import type { NextConfig } from "next";
export default function nextConfig(): NextConfig {
  const headers = [
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
    // What is read by name travels with every function: the SQL by which it migrates its database, and dictionaries.
    outputFileTracingIncludes: { "/**": ["./supabase/migrations/*.sql", "./node_modules/@cspell/**"] },
    outputFileTracingExcludes: { "/**": ["./tests/**", "./tsconfig.tsbuildinfo"] },
    // Pages get theirs from src/proxy.ts; what the API answers is data and never a page.
    headers: async () => [
      { source: "/:path*", headers },
      {
        source: "/api/:path*",
        headers: [{ key: "content-security-policy", value: "default-src 'none'; frame-ancestors 'none'" }],
      },
    ],
  };
}
