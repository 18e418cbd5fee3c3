import type { Environment, Sha } from "#domain/ids.ts";
import type { EnvironmentAddress } from "../environment-probe.ts";
import { namesPrivateHost } from "../public-address.ts";
import type { VercelClient } from "./client.ts";
import { branchOf, commitOf, type Deployment, DeploymentList, Project } from "./shapes.ts";

/** Pushed by Vigil to bring a candidate to staging; every branch but the production branch is a preview at Vercel. */
export const stagingBranch = "staging";
const deploymentsMax = 20;

export interface Lookup {
  project(): Promise<{ value: Project; atMs: number }>;
  /** Deployments of `commit` for `environment`, the newest first. */
  ofCommit(environment: Environment, commit: Sha): Promise<{ value: Deployment[]; atMs: number }>;
  /** The newest deployments of an environment, whatever their commit. */
  newest(environment: Environment): Promise<Deployment[]>;
  /** Where the environment is reached. */
  address(environment: Environment): Promise<EnvironmentAddress | undefined>;
}

export interface LookupOptions {
  client: VercelClient;
  projectId: string;
  apiUrl: string | null;
  /** As the operator wrote them; `null`: what Vercel says. */
  urls: Record<Environment, string | null>;
}

export function createLookup({ client, projectId, apiUrl, urls }: LookupOptions): Lookup {
  const list = (query: Record<string, string>) =>
    client.get("/v7/deployments", { projectId, limit: `${deploymentsMax}`, ...query }, DeploymentList);
  const project = () => askProject(client, projectId);

  async function newest(environment: Environment): Promise<Deployment[]> {
    const where: Record<string, string> =
      environment === "production" ? { target: "production" } : { branch: stagingBranch };
    const { value } = await list(where);
    return inOrder(value.deployments.filter((one) => isFor(environment, one)));
  }

  /** On a host of this machine only where Vercel's API itself was set to one: a Vercel for tests. */
  function addressOf(host: string): EnvironmentAddress {
    const isTest = apiUrl !== null && namesPrivateHost(apiUrl);
    const local = `http://${host}`;
    return isTest && namesPrivateHost(local)
      ? { url: local, from: "operator" }
      : { url: `https://${host}`, from: "provider" };
  }

  return {
    project,
    newest,
    async ofCommit(environment, commit) {
      const { value, atMs } = await list({ sha: commit });
      // Asked for, and still checked: an answer that ignores a filter must not ship another commit.
      const mine = value.deployments.filter((one) => commitOf(one) === commit && isFor(environment, one));
      return { value: inOrder(mine), atMs };
    },
    async address(environment) {
      const given = urls[environment];
      if (given !== null) return { url: given, from: "operator" };
      if (environment === "staging") {
        const ready = (await newest("staging")).find((one) => one.readyState === "READY");
        return ready?.url ? addressOf(ready.url) : undefined;
      }
      const domains = (await project()).value.alias?.filter(({ target }) => target === "PRODUCTION") ?? [];
      // Vercel's own name for a project always exists; a domain of one's own is what visitors use.
      const own = domains.find(({ domain }) => !domain.endsWith(".vercel.app")) ?? domains[0];
      return own === undefined ? undefined : addressOf(own.domain);
    },
  };
}

/** Without `rollbackInfo` Vercel leaves out what was last asked of the production domains. */
export const askProject = (client: VercelClient, projectId: string) =>
  client.get(`/v9/projects/${encodeURIComponent(projectId)}`, { rollbackInfo: "true" }, Project);

const inOrder = (deployments: Deployment[]) => deployments.toSorted((a, b) => b.created - a.created);

function isFor(environment: Environment, deployment: Deployment): boolean {
  if (environment === "production") return deployment.target === "production";
  return deployment.target !== "production" && branchOf(deployment) === stagingBranch;
}

export const noAddress = (environment: Environment) => `Vercel names no address of ${environment}`;
