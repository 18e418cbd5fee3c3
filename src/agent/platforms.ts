import { join, resolve } from "node:path";
import { secretValuesOf } from "#config/secret-values.ts";
import type { Config } from "#config.ts";
import { Failure } from "#domain/failure.ts";
import type { Environment } from "#domain/ids.ts";
import type { Engine } from "#engine/engine.ts";
import { waysIn } from "#ingest/keys.ts";
import { createScrubber } from "#ingest/scrub.ts";
import type { Platform } from "#ports/platform.ts";
import type { Repository } from "#ports/repository.ts";
import { root } from "./root.ts";

const readyTimeoutMs = 30_000;
const drainMs = 2_000;

/** `endReleases` ends what this platform runs; only the bundled demo's releases are nobody's production. */
export async function platformFor(
  chosen: Config,
  source: Repository,
): Promise<{ platform: Platform; endReleases(): Promise<void> }> {
  const { platform, home, secrets, appUrl } = chosen;
  if (platform.kind !== "processes")
    return { platform: await hostedPlatformFor(chosen, platform), endReleases: async () => {} };
  const { createProcessesPlatform } = await import("#adapters/platform/processes.ts");
  const { createHealthProbe } = await import("#adapters/platform/health-probe.ts");
  const processes = createProcessesPlatform({
    source,
    directory: resolve(home, "platform"),
    startCommand: platform.startCommand ?? "node src/server.ts",
    ports: platform.ports,
    healthPath: platform.healthPath,
    environmentVariables: (environment) => waysToReport(appUrl, secrets.ingestKey, environment),
    nodePath: process.execPath,
    readyTimeoutMs,
    drainMs,
    now: () => new Date(),
    probe: createHealthProbe({ controlUrl: chosen.oversight.controlUrl, allowPrivateHosts: true }),
    frontScript: join(root(), "src", "adapters", "platform", "processes-front.ts"),
  });
  return { platform: processes.platform, endReleases: processes.stop };
}

type Hosted = Exclude<Config["platform"], { kind: "processes" }>;

/** Somebody else's machines run the releases; Vigil asks them over the network. */
async function hostedPlatformFor(chosen: Config, platform: Hosted): Promise<Platform> {
  const { createEnvironmentProbes } = await import("#adapters/platform/environment-probe.ts");
  const { controlUrl } = chosen.oversight;
  if (platform.kind === "url") {
    const { createUrlPlatform } = await import("#adapters/platform/url.ts");
    return createUrlPlatform({ ...platform, probes: createEnvironmentProbes({ controlUrl }) });
  }
  const { createVercelPlatform, protectionHeaders } = await import("#adapters/platform/vercel.ts");
  const headers = protectionHeaders(platform.bypassSecret);
  return createVercelPlatform({
    ...platform,
    probes: createEnvironmentProbes({ controlUrl, headers }),
    redact: createScrubber(secretValuesOf(chosen)).code,
  });
}

/**
 * What a release reports with: by itself, or through Sentry's SDK, which reads its variables. The key can report from this one
 * environment and do nothing else: the master key stays here.
 */
function waysToReport(appUrl: string, ingestKey: string | null, environment: Environment): Record<string, string> {
  const ways = ingestKey === null ? [] : waysIn(appUrl, ingestKey);
  const way = ways.find((one) => one.environment === environment && one.trust === "server");
  if (way === undefined) return {};
  return {
    REPORT_URL: `${appUrl}/api/ingest/events`,
    REPORT_KEY: way.key,
    SENTRY_DSN: way.dsn,
    SENTRY_ENVIRONMENT: environment,
  };
}

/** A platform of our own starts empty: main goes to production, staging to staging, as a host would have it. */
export async function firstReleases({ ports }: Engine): Promise<void> {
  const { repository, platform } = ports;
  for (const [environment, branch] of [
    ["production", "main"],
    ["staging", "staging"],
  ] as const) {
    if ((await platform.serving(environment)).kind === "serving") continue;
    const commit = (await repository.head(branch)) ?? (await repository.head("main"));
    if (commit === undefined) throw new Failure("misconfigured", "The repository has no branch main.");
    for (;;) {
      const state = await platform.ensureDeployed(environment, commit);
      if (state.kind === "ready") break;
      if (state.kind === "failed")
        throw new Failure("unavailable", `${environment} does not start: ${state.why}`, {
          hint: state.log.slice(-500),
        });
      await new Promise((done) => setTimeout(done, state.lookAgainMs));
    }
  }
}
