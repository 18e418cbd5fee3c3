import type { HealthCheck } from "#domain/evidence.ts";
import { Sha } from "#domain/ids.ts";
import type { Platform } from "#ports/platform.ts";
import { createHealthProbe, type HealthProbe } from "./health-probe.ts";
import { namesPrivateHost } from "./public-address.ts";

/** The address of an environment's deployment, and who said it. */
export interface EnvironmentAddress {
  /** Without a slash at the end. */
  url: string;
  /** `operator`: written in the configuration. `provider`: as a hosting service reported it. */
  from: "operator" | "provider";
}

export interface EnvironmentProbes {
  at(address: EnvironmentAddress): HealthProbe;
}

/**
 * Probes for releases that run elsewhere. They ask public https hosts only (reliability D20), with one exception: a
 * private host that the operator wrote outright in STAGING_URL or PRODUCTION_URL (`localhost` or a private IP address)
 * is asked, that host alone, by http too. `headers` go to the asked host and over nothing but https, or to such a host.
 */
export function createEnvironmentProbes(options: {
  controlUrl: string | null;
  headers?: Record<string, string>;
  timeoutMs?: number;
}): EnvironmentProbes {
  const everywhere = createHealthProbe({ ...options, allowPrivateHosts: false });
  const onPrivateHost = createHealthProbe({ ...options, allowPrivateHosts: true });
  return {
    at: ({ url, from }) => (from === "operator" && namesPrivateHost(url) ? onPrivateHost : everywhere),
  };
}

/** What serves, as the release itself said in `check`. */
export function servingOf(check: HealthCheck, url: string): Awaited<ReturnType<Platform["serving"]>> {
  const commit = Sha.safeParse(check.servedCommit).data;
  if (commit !== undefined) return { kind: "serving", commit, url };
  return { kind: "unknown", why: check.servedCommit === null ? check.because : "it reports no full commit id" };
}
