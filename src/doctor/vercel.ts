import { createEnvironmentProbes } from "#adapters/platform/environment-probe.ts";
import { createVercelClient, type VercelClient } from "#adapters/platform/vercel/client.ts";
import { domainState } from "#adapters/platform/vercel/domains.ts";
import { askProject } from "#adapters/platform/vercel/lookup.ts";
import type { Project } from "#adapters/platform/vercel/shapes.ts";
import { createVercelPlatform, protectionHeaders } from "#adapters/platform/vercel.ts";
import type { Config } from "#config.ts";
import { asFinding, type Checkup, degraded, down, type Finding, type Findings, ok } from "./checkup.ts";
import { releaseFindings } from "./releases.ts";

type Vercel = Extract<Config["platform"], { kind: "vercel" }>;
type Surroundings = Pick<Config, "repository" | "oversight" | "appUrl">;

/** The watched project at Vercel: token, rights, Git integration, protection, and what its releases report. */
export function vercelCheckups(platform: Vercel, surroundings: Surroundings): Checkup[] {
  const { oversight } = surroundings;
  const client = createVercelClient({ ...platform, timeoutMs: 8_000, patienceMs: 6_000 });
  return [
    { name: "vercel", look: () => projectFindings(client, platform, surroundings) },
    {
      name: "releases",
      look: () => {
        const probes = createEnvironmentProbes({ ...oversight, headers: protectionHeaders(platform.bypassSecret) });
        return releaseFindings(
          createVercelPlatform({ ...platform, probes, redact: () => "", patienceMs: 6_000 }),
          platform,
        );
      },
    },
  ];
}

async function projectFindings(
  client: VercelClient,
  platform: Vercel,
  { repository, appUrl }: Surroundings,
): Promise<Findings> {
  const { value: project } = await askProject(client, platform.projectId);
  return {
    vercel: ownFinding(project, appUrl) ?? ok(`the token opens project ${project.name}`),
    "vercel rights": await rightsFinding(client, platform.projectId),
    "vercel git": gitFinding(project, repository),
    "vercel domains": domainsFinding(project),
    "vercel protection": protectionFinding(project, platform),
  };
}

/** Vigil rolling itself back would make every verdict worthless (reliability B22). */
function ownFinding({ alias, name }: Project, appUrl: string): Finding | undefined {
  const own = URL.parse(appUrl)?.host;
  if (alias?.some(({ domain }) => domain === own) !== true) return undefined;
  return down(
    `project ${name} is the one that Vigil itself runs as`,
    "Set AGENT_VERCEL_PROJECT_ID to the watched application's project: on Vercel the system sets VERCEL_PROJECT_ID itself.",
  );
}

/** Asks to promote a deployment that does not exist: who may not, hears that first. */
async function rightsFinding(client: VercelClient, projectId: string): Promise<Finding> {
  const path = `/v10/projects/${encodeURIComponent(projectId)}/promote/dpl_that_does_not_exist`;
  try {
    // Not found is what everybody hears who may promote.
    await client.change("POST", path);
  } catch (error) {
    return asFinding(error);
  }
  return ok("the token may promote and roll back");
}

function gitFinding({ link }: Project, repository: Config["repository"]): Finding {
  const hint = "Connect it in the Vercel project's Settings → Git.";
  if ((link ?? null) === null) return down("no Git repository is connected: a push deploys nothing", hint);
  const { org, repo, productionBranch, type } = link ?? {};
  const connected = `${org}/${repo}`.toLowerCase();
  if (
    repository.kind === "github" &&
    type === "github" &&
    connected !== `${repository.owner}/${repository.name}`.toLowerCase()
  ) {
    return down(`Vercel deploys ${org}/${repo}, and AGENT_REPOSITORY is ${repository.owner}/${repository.name}`, hint);
  }
  if (productionBranch && productionBranch !== "main") {
    const message = `Vercel deploys production from ${productionBranch}, and Vigil pushes to main`;
    return down(message, "Set the production branch to main in Settings → Environments → Production.");
  }
  return ok(`${org}/${repo} is deployed when it is pushed, production from main`);
}

function domainsFinding(project: Project): Finding {
  if (project.paused) return down("the Vercel project is paused: it serves nothing", "Resume it in its settings.");
  const domains = domainState(project);
  if (domains.kind === "rolled_back") {
    const message = `production is rolled back (by ${domains.byUs ? "Vigil" : domains.by}): what is pushed does not go live`;
    return degraded(message, "Promote a deployment in Vercel when it may go on; Vigil ends only its own rollbacks.");
  }
  if ((project.rollingRelease ?? null) !== null) {
    const message =
      "rolling releases are on: during one, Vigil's checks meet the old release too and take it for the wrong one";
    return down(
      message,
      "Turn them off in the Vercel project's Settings → Build & Deployment: Vigil watches and rolls back itself.",
    );
  }
  if (project.autoAssignCustomDomains === false) {
    return degraded(
      "Vercel assigns production domains to no release by itself",
      "Vigil promotes its own; people promote theirs.",
    );
  }
  return ok("a release for production gets the domains by itself");
}

function protectionFinding({ ssoProtection, passwordProtection }: Project, { bypassSecret }: Vercel): Finding {
  const isProtected = (ssoProtection ?? null) !== null || (passwordProtection ?? null) !== null;
  if (!isProtected) return ok("deployments are public");
  if (bypassSecret !== null) return ok("deployments are protected, and VERCEL_BYPASS_SECRET is set");
  return down(
    "deployments are protected: Vigil cannot look at staging",
    "Make a secret in the project's Settings → Deployment Protection → Protection Bypass for Automation, and set VERCEL_BYPASS_SECRET.",
  );
}
