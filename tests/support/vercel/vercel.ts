/**
 * A Vercel for tests: a real HTTP server that speaks the part of Vercel's REST API that Vigil uses, and real HTTP
 * servers ("hosts") for its domains. Shapes and codes: the public API reference, and the OpenAPI models of
 * `@vercel/sdk`. `emulate` has no promote, no rollback and no build that takes time or fails, so this exists.
 *
 *   const vercel = await startVercel({ builds: (commit) => ({ kind: "ready", afterMs: 100 }) });
 *   vercel.pushed("staging", sha);   // the Git integration: a preview deployment, and the alias of that branch
 *   vercel.pushed("main", sha);      // a production deployment, and the production domain
 *   vercel.apiUrl, .token, .projectId, .teamId, .urls.staging, .urls.production, .bypassSecret
 *   await vercel.close();
 *
 * What a release answers: `serve(commit, target)` gives the address of a program that is proxied; without it a small
 * built-in application reports the commit at every path. A build may be `ready`, `error`, `hangs` or `blocked`;
 * `ready` with `serves` lies: the deployment is READY and runs another commit.
 *
 * As at Vercel: a push to a branch cancels its unfinished builds; after an instant rollback new production
 * deployments stay STAGED until one is promoted; a hobby team may go back to the previous deployment only; `protection`
 * "standard" covers everything but the production domain.
 *
 * Faults: `vercel.fault({ status: 429, times: 2 })` answers the next calls (or those whose path holds `path`) so;
 * `clockSkewMs` moves Vercel's clock; `disconnect()` unplugs the Git integration.
 */
import { apiOf } from "./api.ts";
import { type Host, openHost } from "./hosts.ts";
import { createState, type Target, type VercelDeployment, type VercelState } from "./state.ts";

export type { Target, VercelDeployment } from "./state.ts";

export type Build =
  | { kind: "ready"; afterMs?: number; serves?: string; log?: string[] }
  | { kind: "error"; afterMs?: number; message?: string; log?: string[] }
  | { kind: "hangs"; log?: string[] }
  | { kind: "blocked" };

export interface VercelOptions {
  builds?: (commit: string, target: Target) => Build;
  /** Starts or finds a program that runs `commit` and answers its address. Asked once per deployment, when it is built. */
  serve?: (commit: string, target: Target) => Promise<string>;
  protection?: "none" | "standard" | "all";
  plan?: "hobby" | "pro";
  /** `null`: a personal account, whose calls carry no team. */
  teamId?: string | null;
  /** May look and change nothing. */
  readOnlyToken?: boolean;
  autoAssignDomains?: boolean;
  /** Only named in the project's settings: traffic here moves at once. */
  rollingReleases?: boolean;
  productionBranch?: string;
  repository?: string;
  /** How long a change of domains takes. */
  aliasMs?: number;
  /** Changes of domains end so. */
  aliasJobs?: "succeeded" | "failed";
  clockSkewMs?: number;
}

export interface Fault {
  status: number;
  times: number;
  /** Only calls whose method and path hold this. */
  path?: string;
  headers?: Record<string, string>;
  /** Anything; by default the error that Vercel's documentation shows for the status. */
  body?: string;
  /** Never answers instead. */
  silent?: boolean;
  /** Does what is asked, and the answer is lost. */
  after?: boolean;
}

export interface VercelServer {
  apiUrl: string;
  token: string;
  projectId: string;
  teamId: string | null;
  bypassSecret: string;
  urls: { staging: string; production: string };
  /** The Git integration hears of a push; the new deployment, or `undefined` when it is not connected. */
  pushed(branch: string, commit: string): VercelDeployment | undefined;
  deployments(): readonly VercelDeployment[];
  /** As a person would, in the dashboard. */
  cancel(id: string): void;
  remove(id: string): void;
  rollBack(id: string): void;
  promote(id: string): void;
  connect(): void;
  disconnect(): void;
  pauseProject(): void;
  /** Lets the last change of domains, and what was written to it, be that much longer ago. */
  age(ms: number): void;
  fault(fault: Fault): void;
  /** Every call to the API, as "POST /v10/projects/…". */
  calls: { call: string; status: number; teamId: string | null }[];
  /** Every request to a host, with the bypass header that came along. */
  visits: { host: string; path: string; bypass: string | null }[];
  close(): Promise<void>;
}

export async function startVercel(options: VercelOptions = {}): Promise<VercelServer> {
  const state: VercelState = createState(options);
  const hosts: Host[] = [];
  state.openHost = async (name, find) => {
    const host = await openHost({ name, state, find });
    hosts.push(host);
    return host.address;
  };
  const production = await state.openHost("production", () => state.domains.production);
  const staging = await state.openHost("branch staging", () => state.domains.branches.get("staging") ?? null);
  state.hostNames = { production, staging };
  const api = await apiOf(state);
  return {
    apiUrl: api.url,
    token: state.token,
    projectId: state.projectId,
    teamId: state.teamId,
    bypassSecret: state.bypassSecret,
    urls: { staging: `http://${staging}`, production: `http://${production}` },
    pushed: (branch, commit) => state.pushed(branch, commit),
    deployments: () => state.deployments,
    cancel: (id) => state.cancel(state.require(id)),
    remove: (id) => state.remove(state.require(id)),
    rollBack: (id) => state.requestAlias("rollback", state.require(id), null),
    promote: (id) => state.requestAlias("promote", state.require(id), null),
    connect: () => {
      state.isConnected = true;
    },
    disconnect: () => {
      state.isConnected = false;
    },
    pauseProject: () => {
      state.isPaused = true;
    },
    age: (ms) => {
      if (state.lastAliasRequest !== null) state.lastAliasRequest.requestedAt -= ms;
      if (state.rollbackDescription !== null) state.rollbackDescription.createdAt -= ms;
    },
    fault: (fault) => state.faults.push({ ...fault }),
    calls: state.calls,
    visits: state.visits,
    async close() {
      state.stop();
      await Promise.all([api.close(), ...hosts.map((host) => host.close())]);
    },
  };
}
