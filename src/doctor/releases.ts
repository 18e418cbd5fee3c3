import { createEnvironmentProbes } from "#adapters/platform/environment-probe.ts";
import { createUrlPlatform } from "#adapters/platform/url.ts";
import type { Config } from "#config.ts";
import type { Environment } from "#domain/ids.ts";
import type { Platform } from "#ports/platform.ts";
import { type Checkup, degraded, down, type Finding, type Findings, ok } from "./checkup.ts";

type Url = Extract<Config["platform"], { kind: "url" }>;

export function urlCheckup(platform: Url, { controlUrl }: Config["oversight"]): Checkup {
  return {
    name: "releases",
    look: () => {
      const probes = createEnvironmentProbes({ controlUrl });
      return releaseFindings(createUrlPlatform({ ...platform, probes }), platform);
    },
  };
}

/** Whether both environments answer, and say which commit they run: without that nothing can be deployed or taken back. */
export async function releaseFindings(platform: Platform, { healthPath }: { healthPath: string }): Promise<Findings> {
  const [staging, production] = await Promise.all([
    releaseFinding(platform, "staging", healthPath),
    releaseFinding(platform, "production", healthPath),
  ]);
  return { staging, production };
}

async function releaseFinding(platform: Platform, environment: Environment, healthPath: string): Promise<Finding> {
  const [check, serving] = [await platform.checkHealth(environment, null), await platform.serving(environment)];
  const variable = environment === "staging" ? "STAGING_URL" : "PRODUCTION_URL";
  if (check.outcome === "no_data")
    return degraded(check.because, "Check this machine's network (AGENT_CONTROL_URL is silent too).");
  if (serving.kind === "serving") {
    const what = `${serving.url} serves ${serving.commit.slice(0, 8)}`;
    return check.outcome === "healthy"
      ? ok(what)
      : degraded(`${what}, and is unhealthy: ${check.because}`, "Have a look at it.");
  }
  // Before the first fix there may be no staging at all: Vigil's first push to the branch makes it.
  const isNew = environment === "staging" && (check.httpStatus === 404 || check.because.includes("names no address"));
  if (isNew) return degraded("nothing is deployed to staging yet", "Push the branch staging once, and run this again.");
  if (check.outcome === "unhealthy") {
    return down(
      `${environment}: ${check.because}`,
      `Check ${variable}, AGENT_HEALTH_PATH (${healthPath}), and the application.`,
    );
  }
  return down(
    `${environment} answers and does not say which commit it runs`,
    `Let ${healthPath} answer {"status":"ok","release":"<full commit id>"} (docs/deploy.md has the few lines).`,
  );
}
