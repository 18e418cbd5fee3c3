import { config } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import { type WayIn, waysIn } from "#ingest/keys.ts";

/** Says what to set where the watched application runs (docs/watching.md). Asks nobody and needs no database. */
export async function keys(options: { json: boolean; write: (line: string) => void }): Promise<boolean> {
  const { appUrl, secrets } = config();
  if (secrets.ingestKey === null) {
    throw new Failure("misconfigured", "AGENT_INGEST_KEY is not set, so nobody can report.", {
      hint: "Make one with: openssl rand -base64 32",
    });
  }
  for (const way of waysIn(appUrl, secrets.ingestKey)) {
    if (options.json) options.write(JSON.stringify(way));
    else for (const line of inWords(way)) options.write(line);
  }
  return true;
}

function inWords({ environment, trust, key, dsn }: WayIn): string[] {
  const whose = trust === "browser" ? "pages in browsers (may be seen by anybody)" : "servers (keep it secret)";
  return [`${environment}, ${whose}`, `  key         ${key}`, `  Sentry DSN  ${dsn}`, ""];
}
