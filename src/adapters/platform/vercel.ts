import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import { type Environment, type Sha, shortId } from "#domain/ids.ts";
import type { DeploymentState, Platform } from "#ports/platform.ts";
import { type EnvironmentProbes, servingOf } from "./environment-probe.ts";
import { createVercelClient, type VercelAccess } from "./vercel/client.ts";
import { domainState, requestRollback, untilMoved } from "./vercel/domains.ts";
import { createLookup, noAddress } from "./vercel/lookup.ts";
import { type Found, progressOf, type VercelParts } from "./vercel/progress.ts";
import type { Project } from "./vercel/shapes.ts";

/** A rollback moves domains, which Vercel does in seconds; what takes longer is tried again by the caller. */
const restoreTimeoutMs = 45_000;
const restorePollMs = 500;
/** When Vercel itself cannot be asked. */
const lookAgainLaterMs = 30_000;

export interface VercelPlatformOptions extends VercelAccess {
  /** As the operator wrote them, without a slash at the end; `null`: what Vercel says. */
  urls: Record<Environment, string | null>;
  /** Its answer must name the release's commit (`VERCEL_GIT_COMMIT_SHA`). */
  healthPath: string;
  /** Carry the header that passes Vercel's deployment protection, where one is configured. */
  probes: EnvironmentProbes;
  /** Removes secrets from build logs. */
  redact: (text: string) => string;
  /** One call to the API. Default 10 s. */
  timeoutMs?: number;
  /** How long a call to the API is repeated. Default 20 s. */
  patienceMs?: number;
}

/**
 * Releases at Vercel. Its Git integration deploys what is pushed (`main` to production, `staging` to a preview); this
 * finds the deployment of a commit and follows it. Nothing counts as deployed before the release itself reports the
 * commit. Going back is Vercel's instant rollback. It keeps no state: everything is asked anew.
 */
export function createVercelPlatform(options: VercelPlatformOptions): Platform {
  const client = createVercelClient(options);
  const vercel: Vercel = { options, client, lookup: createLookup({ ...options, client }) };
  return {
    ensureDeployed: (environment, commit) => ensureDeployed(vercel, environment, commit),
    serving: (environment) => serving(vercel, environment),
    checkHealth: async (environment, expected) => (await askOrSayWhy(vercel, environment, expected)).check,
    restore: (environment, commit) => restore(vercel, environment, commit),
  };
}

/** What passes Vercel's deployment protection; without a secret, nothing. */
export function protectionHeaders(bypassSecret: string | null): Record<string, string> {
  return bypassSecret === null ? {} : { "x-vercel-protection-bypass": bypassSecret };
}

interface Vercel extends VercelParts {
  options: VercelPlatformOptions;
}

async function ensureDeployed(vercel: Vercel, environment: Environment, commit: Sha): Promise<DeploymentState> {
  try {
    const { value: deployments, atMs } = await vercel.lookup.ofCommit(environment, commit);
    const ready = deployments.find((one) => one.readyState === "READY");
    const { check, url } = ready === undefined ? { check: undefined, url: "" } : await ask(vercel, environment, commit);
    if (ready !== undefined && check?.servedCommit === commit) return { kind: "ready", providerId: ready.uid, url };
    const found: Found = { environment, commit, deployments, atMs, url, check };
    return await progressOf(vercel, found);
  } catch (error) {
    // The build goes on while its state cannot be asked for; the stage's own time limit ends the waiting.
    if (!(error instanceof Failure) || !error.retry) throw error;
    const because = `whether ${shortId(commit)} is deployed cannot be asked now: ${error.message}`;
    return { kind: "pending", providerId: `commit-${commit}`, lookAgainMs: lookAgainLaterMs, because };
  }
}

async function serving(vercel: Vercel, environment: Environment): ReturnType<Platform["serving"]> {
  const { check, url } = await askOrSayWhy(vercel, environment, null);
  return servingOf(check, url);
}

/** Where Vercel cannot be asked for the address, nobody looked: that says nothing about the release (reliability A6). */
async function askOrSayWhy(vercel: Vercel, environment: Environment, expected: Sha | null): ReturnType<typeof ask> {
  try {
    return await ask(vercel, environment, expected);
  } catch (error) {
    if (!(error instanceof Failure) || !error.retry) throw error;
    return { check: unasked("no_data", `where ${environment} is cannot be asked now: ${error.message}`), url: "" };
  }
}

function unasked(outcome: HealthCheck["outcome"], because: string): HealthCheck {
  return { outcome, because, servedCommit: null, httpStatus: null, latencyMs: null };
}

/** Asks the environment's release. An address that Vercel does not know yet is no release. */
async function ask(
  { options, lookup }: Vercel,
  environment: Environment,
  expected: Sha | null,
): Promise<{ check: HealthCheck; url: string }> {
  const address = await lookup.address(environment);
  if (address === undefined) return { check: unasked("unhealthy", noAddress(environment)), url: "" };
  const check = await options.probes.at(address)(`${address.url}${options.healthPath}`, expected);
  return { check, url: address.url };
}

/**
 * Vercel's instant rollback, for production, which holds new releases back from then on. `unsupported`: the deployment
 * is gone, never served, or the plan forbids it.
 */
async function restore(vercel: Vercel, environment: Environment, commit: Sha): ReturnType<Platform["restore"]> {
  if (environment !== "production") return "unsupported";
  const { client, lookup, options } = vercel;
  const { value: deployments } = await lookup.ofCommit("production", commit);
  const target = deployments.find((one) => one.readyState === "READY");
  if (target === undefined) return "unsupported";
  const { value: project } = await lookup.project();
  const last = project.lastAliasRequest;
  const isUnderWay = last?.toDeploymentId === target.uid && ["pending", "in-progress"].includes(last.jobStatus);
  if (!isUnderWay) {
    const { check } = await ask(vercel, "production", commit);
    if (check.servedCommit === commit) return isHeldByUs(project) ? "held" : "restored";
    const asked = { deploymentId: target.uid, commit };
    const changed = await requestRollback(client, options.projectId, asked);
    // 409: domains are being moved already; whether to our deployment, the wait below finds out.
    if (changed.kind === "refused" && changed.status !== 409) return "unsupported";
  }
  const deadlineMs = performance.now() + restoreTimeoutMs;
  await untilMoved({ client, lookup, projectId: options.projectId }, target.uid, deadlineMs);
  await untilServed(vercel, commit, deadlineMs);
  return "held";
}

/** Our own rollback still stands, or is being ended. */
function isHeldByUs(project: Project): boolean {
  const domains = domainState(project);
  return domains.kind === "moving" || (domains.kind === "rolled_back" && domains.byUs);
}

/** The new address takes a moment to reach every edge; whether the release is well is for the caller's checks to say. */
async function untilServed(vercel: Vercel, commit: Sha, deadlineMs: number): Promise<void> {
  while (performance.now() < deadlineMs) {
    if ((await ask(vercel, "production", commit)).check.servedCommit === commit) return;
    await sleep(restorePollMs);
  }
}
