import { createAppAuth } from "@octokit/auth-app";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { failureOf, gone, type Names, renamed, statusOf } from "./failures.ts";

export type Credentials = { kind: "token"; token: string } | { kind: "app"; appId: string; privateKey: string };

export interface ClientOptions {
  owner: string;
  name: string;
  credentials: Credentials;
  /** `null`: github.com. */
  apiUrl: string | null;
  /** For one call; the library repeats it where that helps. */
  timeoutMs: number;
  /**
   * Between two calls that write. GitHub asks for a second ("Best practices for using the REST API"); less only makes sense
   * with a server of one's own.
   */
  pace: { writeEveryMs: number; retryUnitMs: number };
}

/** GitHub's own advice for calls that write. */
export const politePace: ClientOptions["pace"] = { writeEveryMs: 1_000, retryUnitMs: 1_000 };

type Api = Octokit["rest"];

/** GitHub for one repository: every error comes out as ours. */
export interface Client {
  repo: { owner: string; repo: string };
  names: Names;
  call<T>(act: (api: Api, octokit: Octokit) => Promise<T>): Promise<T>;
  /** The same, but what is not there is `undefined`; that the repository itself is there is made sure of. */
  find<T>(act: (api: Api, octokit: Octokit) => Promise<T>): Promise<T | undefined>;
  /** The repository's id in GraphQL; it outlives a new name. */
  nodeId(): Promise<string>;
}

const Paced = Octokit.plugin(retry, throttling);
/** Longer than this nobody is kept waiting inside a step: the engine comes back later. */
const limitWaitMaxSeconds = 5;
const repeatsMax = 2;
/** Repeating these changes nothing: they are answers, or limits, which are waited for apart. */
const answers = [400, 401, 403, 404, 405, 409, 410, 422, 429, 451];

export function createClient(options: ClientOptions): Client {
  const { owner, name, credentials } = options;
  const names = {
    repository: `${owner}/${name}`,
    credentials: credentials.kind === "token" ? "GITHUB_TOKEN" : "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY",
  };
  const repo = { owner, repo: name };
  let connected: Promise<Octokit> | undefined;
  let nodeId: string | undefined;
  function connect(): Promise<Octokit> {
    connected ??= connectAs(options, names).catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
    return connected;
  }
  async function attempt<T>(act: (api: Api, octokit: Octokit) => Promise<T>): Promise<T> {
    const octokit = await connect();
    return act(octokit.rest, octokit);
  }
  async function requireRepository(): Promise<string> {
    try {
      const { data } = await attempt((api) => api.repos.get(repo));
      return data.node_id;
    } catch (error) {
      throw statusOf(error) === 404 ? gone(names, error) : failureOf(error, names, Date.now());
    }
  }
  return {
    repo,
    names,
    async call(act) {
      try {
        return await attempt(act);
      } catch (error) {
        throw failureOf(error, names, Date.now());
      }
    },
    async find(act) {
      try {
        return await attempt(act);
      } catch (error) {
        if (statusOf(error) !== 404) throw failureOf(error, names, Date.now());
        await requireRepository();
        return undefined;
      }
    },
    async nodeId() {
      nodeId ??= await requireRepository();
      return nodeId;
    },
  };
}

async function connectAs(options: ClientOptions, names: Names): Promise<Octokit> {
  const { credentials, owner, name } = options;
  const common = commonOptions(options, names);
  if (credentials.kind === "token") return prepared(new Paced({ ...common, auth: credentials.token }), names);
  const { appId, privateKey } = credentials;
  const auth = { appId, privateKey };
  try {
    const app = prepared(new Paced({ ...common, authStrategy: createAppAuth, auth }), names);
    const { data } = await app.rest.apps.getRepoInstallation({ owner, repo: name });
    const installed = { ...auth, installationId: data.id };
    return prepared(new Paced({ ...common, authStrategy: createAppAuth, auth: installed }), names);
  } catch (error) {
    if (statusOf(error) === 404) throw notInstalled(names, error);
    if (error instanceof Failure || statusOf(error) !== undefined) throw error;
    throw new Failure("misconfigured", "GITHUB_APP_PRIVATE_KEY cannot be used: it is no private key of an app.", {
      cause: error,
    });
  }
}

function notInstalled({ repository }: Names, cause: unknown): Failure {
  return new Failure("misconfigured", `The GitHub App is not installed on ${repository}, or there is no such app.`, {
    hint: "Install it there, and check AGENT_REPOSITORY, GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.",
    cause,
  });
}

function commonOptions({ apiUrl, timeoutMs, pace, owner, name }: ClientOptions, names: Names) {
  const waitsFor = (retryAfter: number, _options: unknown, _octokit: unknown, retryCount: number) =>
    retryAfter <= limitWaitMaxSeconds && retryCount < repeatsMax;
  const spacing = pace.writeEveryMs > 0 ? {} : unspaced();
  return {
    ...(apiUrl === null ? {} : { baseUrl: apiUrl }),
    userAgent: "vigil",
    // Whatever it would print may hold what nobody should read; failures say what matters.
    log: { debug() {}, info() {}, warn() {}, error() {} },
    request: { fetch: fetchWithin(timeoutMs), redirect: "manual" as const },
    retry: { doNotRetry: answers, retries: repeatsMax, retryAfterBaseValue: pace.retryUnitMs },
    throttle: {
      id: `${apiUrl ?? ""} ${owner}/${name} ${names.credentials}`,
      onRateLimit: waitsFor,
      onSecondaryRateLimit: waitsFor,
      ...spacing,
    },
  };
}

/** Groups of the limiter that let everything pass at once. */
function unspaced() {
  const group = {
    key: () => ({
      schedule: (_options: unknown, act: (...args: unknown[]) => unknown, ...args: unknown[]) => act(...args),
    }),
  };
  return { write: group as never, notifications: group as never };
}

/** No answer is no answer after a while; and nothing of GitHub's comes out of a cache. */
export function fetchWithin(timeoutMs: number): typeof fetch {
  return (input, init) => fetch(input, { ...init, cache: "no-store", signal: AbortSignal.timeout(timeoutMs) });
}

const Moved = z.object({ full_name: z.string().regex(/^[\w.-]+\/[\w.-]+$/) });

/** A redirect means that the repository has another name. Following it would turn a write into a read. */
function prepared(octokit: Octokit, names: Names): Octokit {
  octokit.hook.after("request", async (response, options) => {
    if (response.status < 300 || options.request.redirect !== "manual") return;
    const url = /^(.*\/repositories\/\d+)(\/|$)/.exec(response.headers.location ?? "")?.[1];
    const { data } =
      url === undefined ? { data: null } : await octokit.request(`GET ${url}`).catch(() => ({ data: null }));
    throw renamed(names, Moved.safeParse(data).data?.full_name);
  });
  return octokit;
}
