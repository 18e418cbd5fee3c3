import type { Config } from "../config.ts";

/**
 * Where people look at the watched repository, without a slash at the end; `null`: nowhere that is known. A GitHub
 * Enterprise Server answers programs below `/api/v3` of its own host, one with data residency at `api.` before it.
 */
export function repositoryAddressOf(repository: Config["repository"]): string | null {
  if (repository.kind !== "github") return null;
  const site = siteOf(repository.apiUrl ?? "https://api.github.com");
  return site === null ? null : `${site}/${repository.owner}/${repository.name}`;
}

function siteOf(apiUrl: string): string | null {
  const { origin, protocol, host, pathname } = new URL(apiUrl);
  if (/^\/api\/v3\/?$/.test(pathname)) return origin;
  return host.startsWith("api.") && pathname === "/" ? `${protocol}//${host.slice("api.".length)}` : null;
}
