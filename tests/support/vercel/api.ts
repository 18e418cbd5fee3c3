import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "./hosts.ts";
import type { VercelDeployment, VercelState } from "./state.ts";
import type { Fault } from "./vercel.ts";

interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

type Handler = (parts: string[], query: URLSearchParams) => Answer;

/** The error texts are those of Vercel's documentation ("Errors") and of answers that people quoted in public issues. */
const documented: Record<number, { code: string; message: string }> = {
  400: { code: "bad_request", message: "Invalid request" },
  401: { code: "forbidden", message: "The request is missing an authentication token" },
  402: { code: "payment_required", message: "To roll back further than the previous production deployment, upgrade" },
  403: { code: "forbidden", message: "Not authorized" },
  404: { code: "not_found", message: "Not found" },
  409: { code: "conflict", message: "The request conflicts with the current state" },
  422: { code: "unprocessable_entity", message: "The deployment cannot be rolled back to" },
  429: { code: "rate_limited", message: "Too many requests - try again later" },
  500: { code: "internal_server_error", message: "An unexpected internal error occurred" },
  503: { code: "service_unavailable", message: "Service unavailable" },
};

const error = (status: number, more: { message?: string; [key: string]: unknown } = {}): Answer => ({
  status,
  body: { error: { ...(documented[status] ?? { code: "unknown", message: "Unknown" }), ...more } },
});

export async function apiOf(state: VercelState): Promise<{ url: string; close(): Promise<void> }> {
  const routes = routesOf(state);
  const server = createServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? "/", "http://localhost");
    const call = `${request.method} ${url.pathname}`;
    const fault = takeFault(state, call);
    if (fault?.silent === true) return;
    const given = fault === undefined || fault.after === true ? handle(state, routes, request, url) : undefined;
    const answer = fault === undefined ? given : undefined;
    state.calls.push({
      call,
      status: answer?.status ?? fault?.status ?? 0,
      teamId: url.searchParams.get("teamId"),
    });
    response.setHeader("date", new Date(state.now()).toUTCString());
    if (fault !== undefined) return sendFault(state, response, fault);
    send(response, answer ?? error(500));
  });
  const host = await listen(server);
  return { url: `http://${host.address}`, close: host.close };
}

function takeFault(state: VercelState, call: string): Fault | undefined {
  const fault = state.faults.find(({ times, path }) => times > 0 && (path === undefined || call.includes(path)));
  if (fault !== undefined) fault.times--;
  return fault;
}

function sendFault(state: VercelState, response: ServerResponse, fault: Fault): void {
  const reset = Math.ceil(state.now() / 1000) + 1;
  const limit = fault.status === 429 ? { limit: { total: 6, remaining: 0, reset, resetMs: reset * 1000 } } : {};
  const headers: Record<string, string> =
    fault.status === 429 ? { "x-ratelimit-reset": `${reset}`, "x-ratelimit-remaining": "0" } : {};
  if (fault.body !== undefined) {
    response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
    return void response.end(fault.body);
  }
  send(response, { ...error(fault.status, limit), headers: { ...headers, ...fault.headers } });
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(body === undefined ? "" : JSON.stringify(body));
}

function handle(
  state: VercelState,
  routes: { method: string; path: RegExp; handler: Handler }[],
  request: IncomingMessage,
  url: URL,
): Answer {
  const { authorization } = request.headers;
  if (authorization === undefined) return error(401, { missingToken: true });
  if (authorization !== `Bearer ${state.token}`) return error(403, { invalidToken: true });
  const team = url.searchParams.get("teamId");
  if (team !== null && team !== state.teamId)
    return error(403, { message: "Not authorized: Trying to access resource under scope" });
  const matching = routes.filter(({ path }) => path.test(url.pathname));
  const route = matching.find(({ method }) => method === request.method);
  if (route === undefined && matching.length > 0) return error(405, { code: "method_unknown" });
  if (route === undefined) return error(404);
  if (request.method !== "GET" && state.options.readOnlyToken === true) {
    return error(403, { message: "You don't have permission to update the project.", action: "update" });
  }
  // What belongs to a team is not found without naming it.
  const isVisible = team === state.teamId;
  const parts = url.pathname.match(route.path)?.slice(1).map(decodeURIComponent) ?? [];
  if (!isVisible && !url.pathname.startsWith("/v2/")) return error(404, { message: "Project not found." });
  return route.handler(parts, url.searchParams);
}

function routesOf(state: VercelState) {
  const route = (method: string, path: RegExp, handler: Handler) => ({ method, path, handler });
  const withProject =
    (handler: Handler): Handler =>
    (parts, query) =>
      parts[0] === state.projectId ? handler(parts, query) : error(404, { message: "Project not found." });
  const find = (wanted: string | undefined) =>
    state.deployments.find(({ id, address }) => id === wanted || address === wanted);
  return [
    route("GET", /^\/v2\/user$/, () => ({ status: 200, body: { user: { id: "user", username: "operator" } } })),
    route("GET", /^\/v2\/teams\/([^/]+)$/, ([team]) =>
      team === state.teamId ? { status: 200, body: { id: team, slug: "team", name: "Team" } } : error(404),
    ),
    route(
      "GET",
      /^\/v9\/projects\/([^/]+)$/,
      withProject((_, query) => ({ status: 200, body: projectOf(state, query) })),
    ),
    route("GET", /^\/v[67]\/deployments$/, (_, query) => ({ status: 200, body: listOf(state, query) })),
    route("GET", /^\/v13\/deployments\/([^/]+)$/, ([wanted]) => {
      const found = find(wanted);
      return found === undefined
        ? error(404, { message: "Deployment not found" })
        : { status: 200, body: detailOf(state, found) };
    }),
    route("GET", /^\/v3\/deployments\/([^/]+)\/events$/, ([wanted], query) => {
      const found = find(wanted);
      return found === undefined
        ? error(404, { message: "Deployment not found" })
        : { status: 200, body: eventsOf(found, query) };
    }),
    route("PATCH", /^\/v12\/deployments\/([^/]+)\/cancel$/, ([wanted]) => {
      const found = find(wanted);
      if (found === undefined) return error(404);
      if (!["QUEUED", "BUILDING"].includes(found.readyState))
        return error(400, { message: "The deployment is not building" });
      state.cancel(found);
      return { status: 200, body: detailOf(state, found) };
    }),
    route(
      "POST",
      /^\/v(?:1|10)\/projects\/([^/]+)\/promote\/([^/]+)$/,
      withProject(([, wanted]) => promote(state, find(wanted))),
    ),
    route(
      "POST",
      /^\/v[19]\/projects\/([^/]+)\/rollback\/([^/]+)$/,
      withProject(([, wanted], query) => rollBack(state, find(wanted), query.get("description"))),
    ),
    route(
      "GET",
      /^\/v[19]\/projects\/([^/]+)\/promote\/aliases$/,
      withProject((_, query) => ({ status: 200, body: aliasesOf(state, query) })),
    ),
  ];
}

function promote(state: VercelState, to: VercelDeployment | undefined): Answer {
  if (to === undefined) return error(404, { message: "Deployment not found" });
  if (to.readyState !== "READY") return error(400, { message: "The deployment is not ready" });
  if (to.target !== "production") return error(400, { message: "Only production deployments can be promoted" });
  if (state.lastAliasRequest?.jobStatus === "pending") return error(409);
  state.requestAlias("promote", to, null);
  return { status: 201 };
}

function rollBack(state: VercelState, to: VercelDeployment | undefined, description: string | null): Answer {
  if (to === undefined) return error(404, { message: "Deployment not found" });
  if (!isRollbackCandidate(state, to)) return error(422);
  if (state.lastAliasRequest?.jobStatus === "pending") return error(409);
  const served = state.deployments.filter(
    ({ readySubstate, target }) => target === "production" && readySubstate === "PROMOTED",
  );
  const previous = served.filter((one) => one !== state.domains.production).at(-1);
  if (state.options.plan === "hobby" && to !== previous) return error(402);
  state.requestAlias("rollback", to, description);
  return { status: 201 };
}

const isRollbackCandidate = (state: VercelState, { readySubstate, id }: VercelDeployment) =>
  readySubstate === "PROMOTED" && id !== state.domains.production?.id;

function projectOf(state: VercelState, query: URLSearchParams) {
  const [org, repo] = (state.options.repository ?? "owner/name").split("/");
  const { production } = state.domains;
  const link = {
    type: "github",
    org,
    repo,
    productionBranch: state.options.productionBranch ?? "main",
    deployHooks: [],
  };
  const { rollbackDescription } = state;
  return {
    id: state.projectId,
    accountId: state.teamId ?? "user",
    name: "application",
    autoAssignCustomDomains: state.options.autoAssignDomains ?? true,
    ...(state.isConnected ? { link } : {}),
    ...(state.isPaused ? { paused: true } : {}),
    targets: production === null ? {} : { production: detailOf(state, production) },
    alias: [{ domain: state.hostNames.production, target: "PRODUCTION" }],
    ...(rollbackDescription === null
      ? {}
      : { rollbackDescription: { userId: "user", username: "operator", ...rollbackDescription } }),
    // Left out unless it is asked for.
    ...(query.get("rollbackInfo") === "true" ? { lastAliasRequest: state.lastAliasRequest } : {}),
    rollingRelease: state.options.rollingReleases === true ? { target: "production", stages: [] } : null,
    ssoProtection:
      (state.options.protection ?? "none") === "none"
        ? null
        : { deploymentType: "prod_deployment_urls_and_all_previews" },
    protectionBypass: { [state.bypassSecret]: { scope: "automation-bypass", createdAt: 1, createdBy: "user" } },
  };
}

function listOf(state: VercelState, query: URLSearchParams) {
  const wants = (name: string, value: string) => query.get(name) === null || query.get(name) === value;
  const states = query.get("state")?.split(",");
  const deployments = state.deployments
    .filter((one) => wants("projectId", state.projectId) && wants("sha", one.commit) && wants("branch", one.branch))
    .filter((one) => wants("target", one.target) && (states?.includes(one.readyState) ?? true))
    .toSorted((a, b) => b.createdAt - a.createdAt || state.deployments.indexOf(b) - state.deployments.indexOf(a))
    .slice(0, Number(query.get("limit") ?? 20));
  return {
    deployments: deployments.map((one) => briefOf(state, one)),
    pagination: { count: deployments.length, next: null, prev: null },
  };
}

function briefOf(state: VercelState, one: VercelDeployment) {
  return {
    uid: one.id,
    name: "application",
    projectId: state.projectId,
    url: one.address,
    created: one.createdAt,
    createdAt: one.createdAt,
    source: "git",
    state: one.readyState,
    readyState: one.readyState,
    ...(one.readySubstate === null ? {} : { readySubstate: one.readySubstate }),
    type: "LAMBDAS",
    creator: { uid: "user", username: "operator" },
    inspectorUrl: `https://vercel.example/${one.id}`,
    meta: {
      githubDeployment: "1",
      githubCommitSha: one.commit,
      githubCommitRef: one.branch,
      githubOrg: "owner",
      githubRepo: "name",
    },
    // The API names no target for previews.
    target: one.target === "production" ? "production" : null,
    aliasAssigned: one.aliasAssigned,
    aliasError: null,
    ...(one.buildingAt === null ? {} : { buildingAt: one.buildingAt }),
    ...(one.readyAt === null ? {} : { ready: one.readyAt }),
    ...(one.errorMessage === null ? {} : { errorMessage: one.errorMessage }),
    isRollbackCandidate: isRollbackCandidate(state, one),
  };
}

function detailOf(state: VercelState, one: VercelDeployment) {
  return {
    ...briefOf(state, one),
    id: one.id,
    alias: one === state.domains.production ? [state.hostNames.production] : [],
  };
}

function eventsOf(one: VercelDeployment, query: URLSearchParams) {
  const events = one.log.map(({ text, at, type }, index) => ({
    id: `${at}${index}`,
    type,
    created: at,
    date: at,
    serial: `${at}${index}`,
    deploymentId: one.id,
    text,
    info: { type: "build", name: "bld" },
    ...(type === "stderr" ? { level: "error" } : {}),
  }));
  const limit = Number(query.get("limit") ?? 20);
  const ordered = query.get("direction") === "backward" ? events.toReversed() : events;
  return limit === -1 ? ordered : ordered.slice(0, limit);
}

function aliasesOf(state: VercelState, query: URLSearchParams) {
  const { lastAliasRequest } = state;
  const status = lastAliasRequest?.jobStatus === "succeeded" ? "completed" : lastAliasRequest?.jobStatus;
  const isShown = status !== undefined && (query.get("failedOnly") !== "true" || status === "failed");
  const alias = { alias: state.hostNames.production, deploymentId: lastAliasRequest?.toDeploymentId };
  return { aliases: isShown ? [{ status, id: "alias", alias }] : [], pagination: { count: 1, next: null, prev: null } };
}
