import type { Environment, Sha } from "#domain/ids.ts";
import { shortId } from "#domain/ids.ts";
import type { DeploymentState, Platform } from "#ports/platform.ts";
import { type EnvironmentProbes, servingOf } from "./environment-probe.ts";

/** A host's own build takes minutes: asking every few seconds would tell nothing sooner. */
const lookAgainMs = 10_000;

export interface UrlPlatformOptions {
  /** Where each environment is reached, without a slash at the end. */
  urls: Record<Environment, string>;
  /** Its answer must name the release's commit. */
  healthPath: string;
  probes: EnvironmentProbes;
}

/**
 * Any host that deploys a branch by itself when it is pushed. All that is known of it is what its releases report: a
 * deployment is ready when the health endpoint names the commit, and until then it is pending, for nobody says that a
 * build failed. Going back is a push as well, so `restore` is unsupported.
 */
export function createUrlPlatform({ urls, healthPath, probes }: UrlPlatformOptions): Platform {
  const ask = (environment: Environment, expected: Sha | null) => {
    const url = urls[environment];
    return probes.at({ url, from: "operator" })(`${url}${healthPath}`, expected);
  };
  return {
    async ensureDeployed(environment, commit): Promise<DeploymentState> {
      const providerId = `${environment}-${commit}`;
      const check = await ask(environment, commit);
      // How it does beyond that is for the watch to judge.
      if (check.servedCommit === commit) return { kind: "ready", providerId, url: urls[environment] };
      const because = `the host has not brought ${shortId(commit)} to ${environment} yet: ${check.because}`;
      return { kind: "pending", providerId, lookAgainMs, because };
    },
    serving: async (environment) => servingOf(await ask(environment, null), urls[environment]),
    checkHealth: (environment, expected) => ask(environment, expected),
    restore: async () => "unsupported",
  };
}
