import type { Agent } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { isSecret } from "./secret.ts";

/** A signed-in browser may change something only from a page of Vigil's own, and with the session's token. */
export function requireOwnPage(request: Request, agent: Agent, { csrf }: { csrf: string }): void {
  requireOwnOrigin(request, agent);
  if (isSecret(request.headers.get("x-csrf-token"), csrf)) return;
  throw new Failure("forbidden", "This page is not allowed to give orders.", { hint: "Reload the page." });
}

export function requireOwnOrigin(request: Request, agent: Agent): void {
  const origin = request.headers.get("origin");
  if (origin !== null && isOwnOrigin(origin, agent.appUrl)) return;
  throw new Failure("forbidden", "This page may not give orders here.", {
    hint: "APP_URL must be the address in the browser.",
  });
}

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Vigil's address as configured; on this machine its other names are the same address. */
export function isOwnOrigin(origin: string, appUrl: string): boolean {
  const own = new URL(appUrl);
  if (origin === own.origin) return true;
  if (!loopback.has(own.hostname) || !URL.canParse(origin)) return false;
  const { protocol, hostname, port } = new URL(origin);
  return loopback.has(hostname) && protocol === own.protocol && port === own.port;
}

/** Only pages of the dashboard: an address from outside must not send anybody elsewhere after signing in. */
export function ownPath(next: string | string[] | null | undefined): string {
  const wanted = typeof next === "string" ? next : "";
  return /^\/dashboard\/agent(?:\/[\w/-]*)?(?:\?[\w=&.%+:-]*)?$/.test(wanted) ? wanted : "/dashboard/agent";
}
