/** What the test server remembers besides git. */

export type Level = "read" | "write";
export type Permissions = Record<string, Level>;

export interface Token {
  login: string;
  /** An app's installation speaks of itself as `integration`, a person's token as `personal access token`. */
  kind: "installation" | "personal";
  permissions: Permissions;
  expiresAt: Date | null;
}

/** Who may not push to a branch, and why. */
export interface Protection {
  /** What GitHub says when a push is refused, beside its fixed first sentence. */
  message: string;
  /** A pull request may be merged all the same. */
  allowsMerge: boolean;
}

export interface PullRequest {
  number: number;
  title: string;
  body: string | null;
  user: string;
  head: string;
  headSha: string;
  base: string;
  state: "open" | "closed";
  draft: boolean;
  mergedAt: string | null;
  mergedBy: string | null;
  mergeCommitSha: string | null;
  closedAt: string | null;
  createdAt: string;
  updatedAt: string;
  comments: { id: number; body: string; user: string; createdAt: string }[];
  /** Nobody but maintainers may comment. */
  locked: boolean;
}

export interface CheckRun {
  id: number;
  name: string;
  headSha: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  startedAt: string | null;
  completedAt: string | null;
  detailsUrl: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  app: { id: number; slug: string; name: string };
  suiteId: number;
}

export interface CheckSuite {
  id: number;
  headSha: string;
  headBranch: string | null;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | null;
  app: { id: number; slug: string; name: string };
  createdAt: string;
}

export interface CommitStatus {
  id: number;
  sha: string;
  state: "error" | "failure" | "pending" | "success";
  context: string;
  description: string | null;
  targetUrl: string | null;
  creator: string;
  createdAt: string;
}

/** A job of a workflow run; its id is the id of its check run. */
export interface Job {
  id: number;
  runId: number;
  name: string;
  headSha: string;
  status: CheckRun["status"];
  conclusion: string | null;
  /** What `GET …/jobs/:id/logs` leads to; `null`: gone (410). */
  log: string | null;
}

export interface Deployment {
  id: number;
  sha: string;
  ref: string;
  environment: string;
  description: string | null;
  payload: unknown;
  creator: string;
  createdAt: string;
  statuses: DeploymentStatus[];
}

export interface DeploymentStatus {
  id: number;
  state: string;
  description: string | null;
  environmentUrl: string | null;
  logUrl: string | null;
  createdAt: string;
}

export interface State {
  owner: string;
  name: string;
  /** The bare repository. */
  folder: string;
  id: number;
  /** `deleted`: 404 to everyone. `renamed`: 301 to the repository's number. */
  existence: { kind: "here" } | { kind: "deleted" } | { kind: "renamed"; to: { owner: string; name: string } };
  protections: Map<string, Protection>;
  pulls: PullRequest[];
  checkRuns: CheckRun[];
  checkSuites: CheckSuite[];
  statuses: CommitStatus[];
  jobs: Job[];
  deployments: Deployment[];
  /** Checks that a protected branch asks for. */
  requiredChecks: Map<string, { context: string; appId: number | null }[]>;
  /** Rules of rulesets by branch, as https://docs.github.com/rest/repos/rules answers them. */
  branchRules: Map<string, unknown[]>;
  lastId: number;
}

export function newState(folder: string, owner: string, name: string): State {
  return {
    owner,
    name,
    folder,
    id: 4711,
    existence: { kind: "here" },
    protections: new Map(),
    branchRules: new Map(),
    pulls: [],
    checkRuns: [],
    checkSuites: [],
    statuses: [],
    jobs: [],
    deployments: [],
    requiredChecks: new Map(),
    lastId: 1_000,
  };
}

export function nextId(state: State): number {
  state.lastId += 1;
  return state.lastId;
}

export const nowIso = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");
