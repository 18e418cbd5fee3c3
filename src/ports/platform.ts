import type { HealthCheck } from "#domain/evidence.ts";
import type { Environment, Sha } from "#domain/ids.ts";

export type DeploymentState =
  /** `because`: why it is not there yet, where more is known than that it takes its time. */
  | { kind: "pending"; providerId: string; lookAgainMs: number; because?: string }
  | { kind: "ready"; providerId: string; url: string }
  | { kind: "failed"; why: string; log: string };

/** Where releases run. Calling any method twice with the same arguments changes nothing the second time. */
export interface Platform {
  /** Brings `commit` to `environment` unless it is there or on its way, and says how far it is. */
  ensureDeployed(environment: Environment, commit: Sha): Promise<DeploymentState>;

  /** Which commit the environment serves now, as the release itself reports it. */
  serving(
    environment: Environment,
  ): Promise<{ kind: "serving"; commit: Sha; url: string } | { kind: "unknown"; why: string }>;

  /**
   * Asks the environment's health endpoint once. Healthy: status 200 within 5 s, at most 3 redirects on the same host,
   * body at most 64 KB, and the release it reports is `expected` where one is given (reliability A5–A7).
   */
  checkHealth(environment: Environment, expected: Sha | null): Promise<HealthCheck>;

  /**
   * Serves `commit` again at once, or answers `unsupported` where the platform cannot. `held`: it serves again, and the
   * platform lets no pushed release go live any more until one is brought there by `ensureDeployed`.
   */
  restore(environment: Environment, commit: Sha): Promise<"restored" | "held" | "unsupported">;
}
