import { z } from "zod";
import { repositoryUrl } from "./addresses.ts";
import { resolve } from "./git.ts";
import { type Answer, bodyOf, type Call, notFound, pageOf, problem, routes } from "./router.ts";
import { type Deployment, type DeploymentStatus, nextId, nowIso } from "./state.ts";

/** https://docs.github.com/rest/deployments */
export const deploymentRoutes = routes({
  "POST /deployments deployments=write": createDeployment,
  "GET /deployments deployments=read": listDeployments,
  "GET /deployments/:id deployments=read": getDeployment,
  "POST /deployments/:id/statuses deployments=write": createStatus,
  "GET /deployments/:id/statuses deployments=read": listStatuses,
});

function deploymentJson(call: Call, deployment: Deployment) {
  const url = `${repositoryUrl(call)}/deployments/${deployment.id}`;
  const { id, sha, ref, environment, description, payload, creator, createdAt } = deployment;
  return {
    id,
    url,
    sha,
    ref,
    task: "deploy",
    payload,
    environment,
    description,
    creator: { login: creator },
    created_at: createdAt,
    updated_at: createdAt,
    statuses_url: `${url}/statuses`,
  };
}

function statusJson(status: DeploymentStatus) {
  const { id, state, description, environmentUrl, logUrl, createdAt } = status;
  return {
    id,
    state,
    description,
    environment_url: environmentUrl ?? "",
    log_url: logUrl ?? "",
    created_at: createdAt,
    updated_at: createdAt,
  };
}

async function createDeployment(call: Call): Promise<Answer> {
  const schema = z.object({
    ref: z.string(),
    environment: z.string().default("production"),
    description: z.string().nullish(),
    payload: z.unknown(),
    auto_merge: z.boolean().default(true),
    required_contexts: z.array(z.string()).optional(),
  });
  const { ref, environment, description, payload } = bodyOf(call, schema);
  const sha = await resolve(call.state.folder, ref);
  if (sha === undefined) return problem(422, `No ref found for: ${ref}`);
  const deployment: Deployment = {
    id: nextId(call.state),
    sha,
    ref,
    environment,
    description: description ?? null,
    payload: payload ?? {},
    creator: call.token.login,
    createdAt: nowIso(),
    statuses: [],
  };
  call.state.deployments.push(deployment);
  return { status: 201, body: deploymentJson(call, deployment) };
}

function listDeployments(call: Call): Answer {
  const wanted = (name: "sha" | "ref" | "environment") => call.query.get(name);
  const found = call.state.deployments
    .filter((deployment) =>
      (["sha", "ref", "environment"] as const).every(
        (name) => wanted(name) === null || wanted(name) === deployment[name],
      ),
    )
    .reverse();
  const { items, headers } = pageOf(call, found);
  return { status: 200, headers, body: items.map((deployment) => deploymentJson(call, deployment)) };
}

function deploymentOf(call: Call): Deployment | undefined {
  return call.state.deployments.find(({ id }) => String(id) === call.params.id);
}

function getDeployment(call: Call): Answer {
  const deployment = deploymentOf(call);
  return deployment === undefined ? notFound() : { status: 200, body: deploymentJson(call, deployment) };
}

function createStatus(call: Call): Answer {
  const deployment = deploymentOf(call);
  if (deployment === undefined) return notFound();
  const schema = z.object({
    state: z.enum(["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]),
    description: z.string().optional(),
    environment_url: z.string().optional(),
    log_url: z.string().optional(),
  });
  const { state, description, environment_url, log_url } = bodyOf(call, schema);
  const status: DeploymentStatus = {
    id: nextId(call.state),
    state,
    description: description ?? "",
    environmentUrl: environment_url ?? null,
    logUrl: log_url ?? null,
    createdAt: nowIso(),
  };
  deployment.statuses.push(status);
  return { status: 201, body: statusJson(status) };
}

function listStatuses(call: Call): Answer {
  const deployment = deploymentOf(call);
  if (deployment === undefined) return notFound();
  const { items, headers } = pageOf(call, [...deployment.statuses].reverse());
  return { status: 200, headers, body: items.map(statusJson) };
}
