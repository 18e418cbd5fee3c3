import { z } from "zod";
import { repositoryUrl, webUrl } from "./addresses.ts";
import { resolve } from "./git.ts";
import { repositoryJson } from "./repository.ts";
import { type Answer, bodyOf, type Call, notFound, pageOf, problem, routes } from "./router.ts";
import { type CheckRun, type CheckSuite, type CommitStatus, type Job, nextId, nowIso, type State } from "./state.ts";

/** https://docs.github.com/rest/checks, /commits/statuses, /actions/workflow-jobs */
export const checkRoutes = routes({
  "POST /check-runs checks=write": createCheckRun,
  "GET /check-runs/:id checks=read": getCheckRun,
  "PATCH /check-runs/:id checks=write": updateCheckRun,
  "GET /check-runs/:id/annotations checks=read": () => ({ status: 200, body: [] }),
  "GET /commits/:ref/check-runs checks=read": listCheckRuns,
  "GET /commits/:ref/check-suites checks=read": listCheckSuites,
  "POST /statuses/:sha statuses=write": createStatus,
  "GET /commits/:ref/status statuses=read": combinedStatus,
  "GET /commits/:ref/statuses statuses=read": listStatuses,
  "GET /actions/jobs/:id actions=read": getJob,
  "GET /actions/jobs/:id/logs actions=read": redirectToLog,
  "GET /actions/runs/:run/jobs actions=read": listJobs,
});

export const actionsApp = { id: 15_368, slug: "github-actions", name: "GitHub Actions" };

export interface CheckInput {
  name: string;
  status?: CheckRun["status"];
  /** `success`, `failure`, `neutral`, `cancelled`, `skipped`, `timed_out`, `action_required`, `stale`. */
  conclusion?: string | null;
  app?: CheckRun["app"];
  /** A job of GitHub Actions with this log stands behind it. */
  log?: string | null;
  output?: Partial<CheckRun["output"]>;
  detailsUrl?: string;
}

/** Sets the check `name` of a commit as GitHub Actions (or `app`) would; the same name again makes a newer run. */
export function setCheckRun(state: State, sha: string, input: CheckInput, isoNow = nowIso()): CheckRun {
  const app = input.app ?? actionsApp;
  const status = input.status ?? (input.conclusion == null ? "in_progress" : "completed");
  const suite = suiteFor(state, sha, app);
  const known = state.checkRuns.find(
    (run) => run.headSha === sha && run.name === input.name && run.app.id === app.id && run.status !== "completed",
  );
  const run: CheckRun = known ?? {
    id: nextId(state),
    name: input.name,
    headSha: sha,
    status,
    conclusion: null,
    startedAt: isoNow,
    completedAt: null,
    detailsUrl: null,
    output: { title: null, summary: null, text: null },
    app,
    suiteId: suite.id,
  };
  if (known === undefined) state.checkRuns.push(run);
  run.status = status;
  run.conclusion = status === "completed" ? (input.conclusion ?? "success") : null;
  run.completedAt = status === "completed" ? isoNow : null;
  run.output = { ...run.output, ...input.output };
  run.detailsUrl = input.detailsUrl ?? `${webUrl({ state })}/actions/runs/${suite.id}/job/${run.id}`;
  settleSuite(state, suite);
  if (app.id === actionsApp.id) setJob(state, run, suite, input.log);
  return run;
}

function suiteFor(state: State, sha: string, app: CheckRun["app"]): CheckSuite {
  const known = state.checkSuites.find((suite) => suite.headSha === sha && suite.app.id === app.id);
  if (known !== undefined) return known;
  const suite: CheckSuite = {
    id: nextId(state),
    headSha: sha,
    headBranch: null,
    status: "queued",
    conclusion: null,
    app,
    createdAt: nowIso(),
  };
  state.checkSuites.push(suite);
  return suite;
}

function settleSuite(state: State, suite: CheckSuite): void {
  const runs = state.checkRuns.filter((run) => run.suiteId === suite.id);
  const done = runs.every((run) => run.status === "completed");
  suite.status = done ? "completed" : "in_progress";
  suite.conclusion = done ? (runs.some((run) => run.conclusion === "failure") ? "failure" : "success") : null;
}

function setJob(state: State, run: CheckRun, suite: CheckSuite, log: string | null | undefined): void {
  const known = state.jobs.find(({ id }) => id === run.id);
  const job: Job = known ?? {
    id: run.id,
    runId: suite.id,
    name: run.name,
    headSha: run.headSha,
    status: run.status,
    conclusion: null,
    log: "",
  };
  if (known === undefined) state.jobs.push(job);
  job.status = run.status;
  job.conclusion = run.conclusion;
  if (log !== undefined) job.log = log;
}

/** Sets the commit status `context`, as an outside service would. */
export function setStatus(
  state: State,
  sha: string,
  input: { state: CommitStatus["state"]; context: string; description?: string; targetUrl?: string; creator?: string },
): CommitStatus {
  const status: CommitStatus = {
    id: nextId(state),
    sha,
    state: input.state,
    context: input.context,
    description: input.description ?? null,
    targetUrl: input.targetUrl ?? null,
    creator: input.creator ?? "ci",
    createdAt: nowIso(),
  };
  state.statuses.push(status);
  return status;
}

function checkRunJson(call: Call, run: CheckRun) {
  const url = `${repositoryUrl(call)}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    head_sha: run.headSha,
    external_id: "",
    url,
    html_url: `${webUrl(call)}/runs/${run.id}`,
    details_url: run.detailsUrl,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: { ...run.output, annotations_count: 0, annotations_url: `${url}/annotations` },
    name: run.name,
    check_suite: { id: run.suiteId },
    app: run.app,
    pull_requests: [],
  };
}

const checkBody = z.object({
  name: z.string(),
  head_sha: z.string(),
  status: z.enum(["queued", "in_progress", "completed"]).default("queued"),
  conclusion: z.string().optional(),
  details_url: z.string().optional(),
  output: z.object({ title: z.string(), summary: z.string(), text: z.string().optional() }).optional(),
});

async function createCheckRun(call: Call): Promise<Answer> {
  const body = bodyOf(call, checkBody);
  if ((await resolve(call.state.folder, body.head_sha)) === undefined)
    return problem(422, `No commit found for SHA: ${body.head_sha}`);
  const input: CheckInput = {
    name: body.name,
    status: body.conclusion === undefined ? body.status : "completed",
    conclusion: body.conclusion ?? null,
  };
  const run = setCheckRun(
    call.state,
    body.head_sha,
    body.output === undefined ? input : { ...input, output: { ...body.output, text: body.output.text ?? null } },
  );
  return { status: 201, body: checkRunJson(call, run) };
}

function runOf(call: Call): CheckRun | undefined {
  return call.state.checkRuns.find(({ id }) => String(id) === call.params.id);
}

function getCheckRun(call: Call): Answer {
  const run = runOf(call);
  return run === undefined ? notFound() : { status: 200, body: checkRunJson(call, run) };
}

function updateCheckRun(call: Call): Answer {
  const run = runOf(call);
  if (run === undefined) return notFound();
  const { status, conclusion } = bodyOf(call, checkBody.partial());
  const next = setCheckRun(call.state, run.headSha, {
    name: run.name,
    app: run.app,
    status: conclusion === undefined ? status : "completed",
    conclusion: conclusion ?? null,
  });
  return { status: 200, body: checkRunJson(call, next) };
}

/** `filter=latest` (the default) gives the newest run of each name of each app. */
async function listCheckRuns(call: Call): Promise<Answer> {
  const sha = await resolve(call.state.folder, call.params.ref ?? "");
  if (sha === undefined) return problem(422, `No commit found for SHA: ${call.params.ref}`);
  const name = call.query.get("check_name");
  const all = call.state.checkRuns.filter((run) => run.headSha === sha && (name === null || run.name === name));
  const newest = [...new Map(all.map((run) => [`${run.app.id} ${run.name}`, run])).values()];
  const runs = call.query.get("filter") === "all" ? all : newest;
  const { items, headers } = pageOf(call, runs);
  return {
    status: 200,
    headers,
    body: { total_count: runs.length, check_runs: items.map((run) => checkRunJson(call, run)) },
  };
}

async function listCheckSuites(call: Call): Promise<Answer> {
  const sha = await resolve(call.state.folder, call.params.ref ?? "");
  if (sha === undefined) return problem(422, `No commit found for SHA: ${call.params.ref}`);
  const suites = call.state.checkSuites.filter((suite) => suite.headSha === sha);
  const { items, headers } = pageOf(call, suites);
  const body = items.map((suite) => ({
    id: suite.id,
    head_sha: suite.headSha,
    head_branch: suite.headBranch,
    status: suite.status,
    conclusion: suite.conclusion,
    app: suite.app,
    created_at: suite.createdAt,
    latest_check_runs_count: call.state.checkRuns.filter((run) => run.suiteId === suite.id).length,
  }));
  return { status: 200, headers, body: { total_count: suites.length, check_suites: body } };
}

function statusJson(call: Call, status: CommitStatus) {
  return {
    id: status.id,
    url: `${repositoryUrl(call)}/statuses/${status.sha}`,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: status.createdAt,
    updated_at: status.createdAt,
    creator: { login: status.creator },
  };
}

async function createStatus(call: Call): Promise<Answer> {
  const sha = call.params.sha ?? "";
  if ((await resolve(call.state.folder, sha)) === undefined) return problem(422, `No commit found for SHA: ${sha}`);
  const schema = z.object({
    state: z.enum(["error", "failure", "pending", "success"]),
    context: z.string().default("default"),
    description: z.string().optional(),
    target_url: z.string().optional(),
  });
  const { state, context, description, target_url } = bodyOf(call, schema);
  const input = { state, context, creator: call.token.login };
  const status = setStatus(call.state, sha, {
    ...input,
    ...(description === undefined ? {} : { description }),
    ...(target_url === undefined ? {} : { targetUrl: target_url }),
  });
  return { status: 201, body: statusJson(call, status) };
}

function newestStatuses(state: State, sha: string): CommitStatus[] {
  return [
    ...new Map(
      state.statuses.filter((status) => status.sha === sha).map((status) => [status.context, status]),
    ).values(),
  ];
}

async function combinedStatus(call: Call): Promise<Answer> {
  const sha = await resolve(call.state.folder, call.params.ref ?? "");
  if (sha === undefined) return problem(422, `No commit found for SHA: ${call.params.ref}`);
  const statuses = newestStatuses(call.state, sha);
  const has = (...wanted: string[]) => statuses.some(({ state }) => wanted.includes(state));
  const combined = has("failure", "error")
    ? "failure"
    : statuses.length === 0 || has("pending")
      ? "pending"
      : "success";
  const { items, headers } = pageOf(call, statuses);
  return {
    status: 200,
    headers,
    body: {
      state: combined,
      sha,
      total_count: statuses.length,
      statuses: items.map((status) => statusJson(call, status)),
      repository: repositoryJson(call),
    },
  };
}

async function listStatuses(call: Call): Promise<Answer> {
  const sha = await resolve(call.state.folder, call.params.ref ?? "");
  if (sha === undefined) return problem(422, `No commit found for SHA: ${call.params.ref}`);
  const { items, headers } = pageOf(call, call.state.statuses.filter((status) => status.sha === sha).reverse());
  return { status: 200, headers, body: items.map((status) => statusJson(call, status)) };
}

function jobJson(call: Call, job: Job) {
  return {
    id: job.id,
    run_id: job.runId,
    name: job.name,
    head_sha: job.headSha,
    status: job.status,
    conclusion: job.conclusion,
    url: `${repositoryUrl(call)}/actions/jobs/${job.id}`,
    html_url: `${webUrl(call)}/actions/runs/${job.runId}/job/${job.id}`,
    check_run_url: `${repositoryUrl(call)}/check-runs/${job.id}`,
    steps: [],
  };
}

function getJob(call: Call): Answer {
  const job = call.state.jobs.find(({ id }) => String(id) === call.params.id);
  return job === undefined ? notFound() : { status: 200, body: jobJson(call, job) };
}

/** The log lies elsewhere, under an address that needs no credentials; old logs are gone. */
function redirectToLog(call: Call): Answer {
  const job = call.state.jobs.find(({ id }) => String(id) === call.params.id);
  if (job === undefined) return notFound();
  if (job.log === null)
    return problem(410, "Server Error: The logs for this run have expired and are no longer available.");
  const { owner, name } = call.state;
  return { status: 302, headers: { location: `${call.origin}/logs/${owner}/${name}/${job.id}` } };
}

function listJobs(call: Call): Answer {
  const jobs = call.state.jobs.filter(({ runId }) => String(runId) === call.params.run);
  const { items, headers } = pageOf(call, jobs);
  return { status: 200, headers, body: { total_count: jobs.length, jobs: items.map((job) => jobJson(call, job)) } };
}
