import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { type App, appRoutes, refuseWebToken } from "./apps.ts";
import { type CheckInput, checkRoutes, setCheckRun, setStatus } from "./checks.ts";
import { deploymentRoutes } from "./deployments.ts";
import { type Fault, faultFor } from "./faults.ts";
import { gitDataRoutes } from "./git-data.ts";
import { graphqlRoutes } from "./graphql.ts";
import { closePullRequest, mergePullRequest, pullRoutes } from "./pulls.ts";
import { commitRoutes, repositoryRoutes, tarball } from "./repository.ts";
import { type Answer, type Call, matchRoute, notFound, problem, Refusal, type Route } from "./router.ts";
import { newState, type Permissions, type PullRequest, type State, type Token } from "./state.ts";

/**
 * A GitHub on a real bare git repository, over real HTTP, for tests.
 *
 *   const world = await aGitWorld();                       // tests/support/git.ts: a bare remote and a person with a clone
 *   const github = await startGithub({ remote: world.remote });
 *   github.url                                             // GITHUB_API_URL
 *   github.token                                           // a token with every permission; github.issueToken(…) makes others
 *   github.faults.push({ path: /\/git\/commits$/, answer: serverError });           // faults.ts: before, after, cut, hang
 *   github.protect("main", "Changes must be made through a pull request.");          // pushes are refused, merging is allowed
 *   github.check(sha, { name: "test", conclusion: "failure", log: "1 test failed" }); // a check run, its job and its log
 *   github.status(sha, { context: "ci/outside", state: "pending" });                 // a commit status
 *   github.pulls()                                         // what was opened; github.merge(number), github.close(number)
 *   github.state                                           // everything else that it remembers; may be changed
 *   github.calls                                           // `METHOD /path` of every request so far
 *   await github.stop();
 *
 * It answers as docs.github.com says: 401 for unknown tokens, 403 and `x-accepted-github-permissions` for missing permissions,
 * 301 for renamed and 404 for deleted repositories. What it does not know is 404, and named in `github.unknown`.
 */
export interface TestGithub {
  url: string;
  owner: string;
  name: string;
  token: string;
  state: State;
  faults: Fault[];
  calls: string[];
  /** Requests that no route answers: a test may demand that there are none. */
  unknown: string[];
  issueToken(token?: Partial<Token>): string;
  revokeToken(token: string): void;
  protect(branch: string, message?: string, options?: { allowsMerge?: boolean }): void;
  check(sha: string, input: CheckInput): ReturnType<typeof setCheckRun>;
  status(sha: string, input: Parameters<typeof setStatus>[2]): ReturnType<typeof setStatus>;
  pulls(): PullRequest[];
  /** Merges as a person with the button would; `undefined`: it cannot be merged. */
  merge(number: number, options?: { by?: string; method?: "merge" | "squash" | "rebase" }): Promise<string | undefined>;
  close(number: number, by?: string): void;
  stop(): Promise<void>;
}

export interface GithubOptions {
  /** The bare repository. */
  remote: string;
  owner?: string;
  name?: string;
  app?: App;
  port?: number;
}

export const everyPermission: Permissions = {
  metadata: "read",
  contents: "write",
  pull_requests: "write",
  checks: "write",
  statuses: "write",
  deployments: "write",
  actions: "write",
};

export async function startGithub({
  remote,
  owner = "acme",
  name = "clinic",
  app,
  port = 0,
}: GithubOptions): Promise<TestGithub> {
  const state = newState(remote, owner, name);
  const tokens = new Map<string, Token>();
  const world: World = { state, tokens, app: app ?? null, faults: [], calls: [], unknown: [], routes: [] };
  const issueToken = (token: Partial<Token> = {}) => {
    const text = `${token.kind === "installation" ? "ghs" : "github_pat"}_${randomUUID().replaceAll("-", "")}`;
    tokens.set(text, {
      login: "vigil-agent",
      kind: "personal",
      permissions: everyPermission,
      expiresAt: null,
      ...token,
    });
    return text;
  };
  world.routes = [
    ...appRoutes(world.app, issueToken),
    ...gitDataRoutes,
    ...pullRoutes,
    ...checkRoutes,
    ...deploymentRoutes,
    ...repositoryRoutes,
    ...commitRoutes,
    ...graphqlRoutes,
  ];
  const server = createServer((request, response) => {
    serve(world, request, response).catch((error: unknown) => {
      if (!response.headersSent)
        send(response, problem(500, error instanceof Error ? (error.stack ?? error.message) : "?"), {}).catch(() => {});
      else response.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const { port: taken } = server.address() as AddressInfo;
  const find = (number: number) => {
    const pull = state.pulls.find((known) => known.number === number);
    if (pull === undefined) throw new Error(`there is no pull request ${number}`);
    return pull;
  };
  return {
    url: `http://127.0.0.1:${taken}`,
    owner,
    name,
    token: issueToken(),
    state,
    faults: world.faults,
    calls: world.calls,
    unknown: world.unknown,
    issueToken,
    revokeToken: (token) => void tokens.delete(token),
    protect: (branch, message = "Changes must be made through a pull request.", { allowsMerge = true } = {}) =>
      void state.protections.set(branch, { message, allowsMerge }),
    check: (sha, input) => setCheckRun(state, sha, input),
    status: (sha, input) => setStatus(state, sha, input),
    pulls: () => state.pulls,
    merge: (number, { by = "ada", method = "merge" } = {}) => mergePullRequest(state, find(number), { by, method }),
    close: (number, by = "ada") => closePullRequest(find(number), by),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

interface World {
  state: State;
  tokens: Map<string, Token>;
  app: App | null;
  faults: Fault[];
  calls: string[];
  unknown: string[];
  routes: Route[];
}

const bodyBytesMax = 100 * 1024 * 1024;

async function serve(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const method = request.method ?? "GET";
  const origin = `http://${request.headers.host}`;
  // An Enterprise Server answers programs below its own pages.
  const url = new URL((request.url ?? "/").replace(/^\/api(\/v3)?(?=\/)/, ""), origin);
  const body = await readBody(request);
  world.calls.push(`${method} ${url.pathname}`);
  const fault = faultFor(world.faults, method, url.pathname);
  await fault?.meanwhile?.();
  if (fault?.when === "hang") return;
  const overruled = fault !== undefined && (fault.when ?? "before") === "before";
  const answer =
    overruled && fault.answer !== undefined
      ? fault.answer
      : await answerTo(world, { request, method, url, origin, body });
  if (fault?.when === "cut") {
    response.destroy();
    return;
  }
  await send(response, fault?.when === "after" && fault.answer !== undefined ? fault.answer : answer, limitHeaders());
}

interface Asked {
  request: IncomingMessage;
  method: string;
  url: URL;
  origin: string;
  body: unknown;
}

async function answerTo(world: World, { request, method, url, origin, body }: Asked): Promise<Answer> {
  const open = openFile(world, url.pathname);
  if (open !== undefined) return open;
  const who = tokenOf(world, request, url.pathname);
  if ("refused" in who) return who.refused;
  const call: Call = {
    method,
    path: url.pathname,
    params: {},
    query: url.searchParams,
    body,
    accept: request.headers.accept ?? "",
    origin,
    token: who.token,
    state: world.state,
  };
  const elsewhere = repositoryAnswer(call);
  if (elsewhere !== undefined) return elsewhere;
  const found = matchRoute(world.routes, method, url.pathname);
  if (found === undefined) {
    world.unknown.push(`${method} ${url.pathname}`);
    return notFound();
  }
  const missing = missingPermission(found.route, who.token);
  if (missing !== undefined) return missing;
  try {
    return await found.route.handle({ ...call, params: found.params });
  } catch (error) {
    if (error instanceof Refusal) return error.answer;
    throw error;
  }
}

/** What GitHub keeps on other hosts, behind addresses that need no credentials: archives and logs. */
function openFile({ state }: World, path: string): Answer | undefined {
  const archive = /^\/codeload\/[^/]+\/[^/]+\/([0-9a-f]{40})$/.exec(path)?.[1];
  if (archive !== undefined) return tarball({ state }, archive);
  const log = /^\/logs\/[^/]+\/[^/]+\/(\d+)$/.exec(path)?.[1];
  if (log === undefined) return undefined;
  const job = state.jobs.find(({ id }) => String(id) === log);
  return { status: 200, bytes: Buffer.from(job?.log ?? ""), headers: { "content-type": "text/plain; charset=utf-8" } };
}

function tokenOf(world: World, request: IncomingMessage, path: string): { token: Token } | { refused: Answer } {
  const given = /^(?:bearer|token) (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const asApp = /\/installation$|^\/app(\/|$)/.test(path);
  if (asApp) {
    const refused = refuseWebToken(world.app, given);
    if (refused !== undefined) return { refused };
    return { token: { login: "vigil[bot]", kind: "installation", permissions: {}, expiresAt: null } };
  }
  if (given === "") return { refused: problem(401, "Requires authentication") };
  const token = world.tokens.get(given);
  const expired = token?.expiresAt != null && token.expiresAt.getTime() < Date.now();
  if (token === undefined || expired) return { refused: problem(401, "Bad credentials") };
  return { token };
}

/** Renamed: a redirect to the repository's number, which goes on working. Deleted, or never there: not found. */
function repositoryAnswer(call: Call): Answer | undefined {
  const { existence, owner, name, id } = call.state;
  const named = /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(call.path);
  if (call.path === `/repositories/${id}`) {
    if (existence.kind === "deleted") return notFound();
    const now = existence.kind === "renamed" ? existence.to : { owner, name };
    return {
      status: 200,
      body: { id, full_name: `${now.owner}/${now.name}`, name: now.name, owner: { login: now.owner } },
    };
  }
  if (named === null) return undefined;
  const isOurs = named[1]?.toLowerCase() === owner.toLowerCase() && named[2]?.toLowerCase() === name.toLowerCase();
  if (!isOurs || existence.kind === "deleted") return notFound();
  if (existence.kind === "here") return undefined;
  const location = `${call.origin}/repositories/${id}${named[3] ?? ""}`;
  return {
    status: 301,
    headers: { location },
    body: {
      message: "Moved Permanently",
      url: location,
      documentation_url: "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    },
  };
}

function missingPermission({ needs }: Route, token: Token): Answer | undefined {
  if (needs === null) return undefined;
  const [permission, level] = needs;
  const has = token.permissions[permission];
  if (has === "write" || has === level) return undefined;
  const who = token.kind === "installation" ? "integration" : "personal access token";
  const answer = problem(403, `Resource not accessible by ${who}`);
  return { ...answer, headers: { "x-accepted-github-permissions": `${permission}=${level}` } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function limitHeaders(): Record<string, string> {
  const reset = String(Math.ceil(Date.now() / 1_000) + 3_600);
  return {
    "x-github-request-id": randomUUID(),
    "x-github-api-version-selected": "2022-11-28",
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-used": "1",
    "x-ratelimit-resource": "core",
    "x-ratelimit-reset": reset,
  };
}

async function send(response: ServerResponse, answer: Answer, headers: Record<string, string>): Promise<void> {
  const all = { ...headers, ...answer.headers };
  if (answer.stream !== undefined) {
    response.writeHead(answer.status, all);
    await pipeline(answer.stream, response).catch(() => response.destroy());
    return;
  }
  if (answer.bytes !== undefined) {
    response.writeHead(answer.status, all).end(answer.bytes);
    return;
  }
  if (answer.body === undefined) {
    response.writeHead(answer.status, all).end();
    return;
  }
  response
    .writeHead(answer.status, { "content-type": "application/json; charset=utf-8", ...all })
    .end(JSON.stringify(answer.body));
}
