import type { HealthCheck } from "#domain/evidence.ts";
import { Failure } from "#domain/failure.ts";
import { type Environment, type Sha, shortId } from "#domain/ids.ts";
import { cleanLine, cut } from "#domain/text.ts";
import type { DeploymentState } from "#ports/platform.ts";
import { buildLog } from "./build-log.ts";
import type { VercelClient } from "./client.ts";
import { aliasFailure, domainState, promote } from "./domains.ts";
import type { Lookup } from "./lookup.ts";
import { branchOf, commitOf, type Deployment, type Project } from "./shapes.ts";

const lookAgainMs = 5_000;
const lookAgainSoonMs = 2_000;
/** While addresses move over, the old release may still answer (reliability A5). */
const graceMs = 120_000;
/**
 * A minute before the stages give up (20 min): the build is ended then, rather than left to go live later with nobody
 * watching.
 */
const buildTimeoutMs = 19 * 60_000;
/** A failed move of the domains is reported once, and tried anew when it is asked for later. */
const retryMoveAfterMs = 60_000;

export interface VercelParts {
  options: { projectId: string; healthPath: string; redact: (text: string) => string };
  client: VercelClient;
  lookup: Lookup;
}

/** Everything known of a commit that the environment does not serve yet. */
export interface Found {
  environment: Environment;
  commit: Sha;
  /** Its deployments for this environment, the newest first. */
  deployments: Deployment[];
  /** Vercel's time. */
  atMs: number;
  /** Where the environment was asked, and what came of it; `undefined`: nothing is there to be asked for. */
  url: string;
  check: HealthCheck | undefined;
}

/** How far a commit is that is not served yet, and the next step towards it where one is ours to take. */
export async function progressOf(vercel: VercelParts, found: Found): Promise<DeploymentState> {
  const latest = found.deployments.find(({ readyState }) => readyState !== "CANCELED" && readyState !== "DELETED");
  if (latest === undefined) return found.deployments.length > 0 ? cancelled(vercel, found) : missing(vercel, found);
  switch (latest.readyState) {
    case "READY":
      return found.environment === "production"
        ? toProduction(vercel, found, latest)
        : toStaging(vercel, found, latest);
    case "ERROR":
      return failed(vercel, latest, said(latest) ?? "the build failed");
    case "BLOCKED":
      return failed(vercel, latest, `Vercel blocks the deployment: ${said(latest) ?? "it does not say why"}`);
    default:
      return building(vercel, found, latest);
  }
}

async function building(vercel: VercelParts, found: Found, latest: Deployment): Promise<DeploymentState> {
  if (found.atMs - latest.created < buildTimeoutMs) return pending(latest, lookAgainMs);
  const path = `/v12/deployments/${encodeURIComponent(latest.uid)}/cancel`;
  const cancelled = await vercel.client.change("PATCH", path).catch((error: unknown) => {
    // Whatever hinders that, the build took too long.
    if (error instanceof Failure) return { kind: "refused" as const };
    throw error;
  });
  const end = cancelled.kind === "accepted" ? "was cancelled" : "could not be cancelled: it may still go live";
  return failed(vercel, latest, `the build took longer than ${buildTimeoutMs / 60_000} minutes and ${end}`);
}

/** Superseded by a newer push, or ended by a person. */
async function cancelled(vercel: VercelParts, { environment, commit, deployments }: Found): Promise<DeploymentState> {
  const [latest] = deployments;
  if (latest === undefined) throw new Error("nothing was cancelled");
  const newer = newerThan(latest, await vercel.lookup.newest(environment));
  // The stage looks at the branches before it asks again, and knows whether ours is to be pushed anew or left alone.
  if (newer !== undefined) return pending(latest, lookAgainMs, superseded(commit, newer));
  return failed(vercel, latest, `the deployment of ${shortId(commit)} was cancelled: ${said(latest) ?? "by a person"}`);
}

const newerThan = (latest: Deployment, others: Deployment[]) =>
  others.find((one) => one.created > latest.created && commitOf(one) !== commitOf(latest));

function superseded(commit: Sha, newer: Deployment): string {
  const branch = cut(cleanLine(branchOf(newer) ?? "its branch"), 60);
  return `${shortId(commit)} was superseded by ${shortId(commitOf(newer) ?? newer.uid)} on ${branch}`;
}

/** A push takes seconds to become a deployment, unless the Git integration is off. */
async function missing({ lookup }: VercelParts, { commit, environment }: Found): Promise<DeploymentState> {
  const { value: project } = await lookup.project();
  if ((project.link ?? null) === null) {
    const why =
      `The Vercel project ${named(project)} is connected to no Git repository, so a push deploys nothing: ` +
      "connect it in the project's Settings → Git.";
    return { kind: "failed", why, log: "" };
  }
  const { org, repo, productionBranch } = project.link ?? {};
  const from = [org, repo].every((part) => typeof part === "string") ? ` of ${org}/${repo}` : "";
  const because = cleanLine(
    `Vercel has no ${environment} deployment of ${shortId(commit)}; it deploys pushes${from}` +
      `${productionBranch ? `, production from ${productionBranch}` : ""}${project.paused ? "; the project is paused" : ""}`,
  );
  return { kind: "pending", providerId: `commit-${commit}`, lookAgainMs, because };
}

const named = (project: Project) => cut(cleanLine(project.name), 100);

async function toStaging(vercel: VercelParts, found: Found, latest: Deployment): Promise<DeploymentState> {
  const newer = newerThan(latest, await vercel.lookup.newest("staging"));
  if (newer !== undefined) return pending(latest, lookAgainMs, superseded(found.commit, newer));
  return withinGrace(vercel, found, latest, latest.ready ?? latest.created);
}

/** Ready and built for production, yet its domains answer something else. */
async function toProduction(vercel: VercelParts, found: Found, latest: Deployment): Promise<DeploymentState> {
  const { client, lookup, options } = vercel;
  const { value: project, atMs } = await lookup.project();
  const last = project.lastAliasRequest;
  const domains = domainState(project);
  const readyMs = latest.ready ?? latest.created;
  if (domains.kind === "moving") return pending(latest, lookAgainSoonMs, "Vercel is moving the production domains");
  const isOurs = last?.toDeploymentId === latest.uid;
  if (domains.kind === "failed" && isOurs && atMs - domains.atMs < retryMoveAfterMs) {
    return { kind: "failed", why: (await aliasFailure(client, options.projectId)).message, log: "" };
  }
  if (project.targets?.production?.id === latest.uid || (isOurs && last?.jobStatus === "succeeded")) {
    return withinGrace(vercel, found, latest, isOurs ? Math.max(readyMs, last?.requestedAt ?? 0) : readyMs);
  }
  if (domains.kind === "rolled_back" && !domains.byUs)
    return { kind: "failed", why: theirRollback(domains.by), log: "" };
  const isHeldBack = domains.kind === "rolled_back" || project.autoAssignCustomDomains === false;
  if (!isHeldBack) {
    const newer = newerThan(latest, await lookup.newest("production"));
    if (newer?.readyState === "READY") {
      return { kind: "failed", why: `Somebody deployed a newer release: ${superseded(found.commit, newer)}.`, log: "" };
    }
    if (atMs - readyMs < graceMs)
      return pending(latest, lookAgainSoonMs, "Vercel is about to assign the production domains");
  }
  return promoted(vercel, latest);
}

/** What a person took back may well be in our release too: only a person can know that it may go out again. */
const theirRollback = (by: string) =>
  `Production was rolled back at Vercel by ${by}, and Vercel gives its domains to no new release until somebody ` +
  "promotes one there: Vigil does not undo a person's rollback.";

async function promoted({ client, options }: VercelParts, latest: Deployment): Promise<DeploymentState> {
  const changed = await promote(client, options.projectId, latest.uid);
  if (changed.kind === "accepted" || changed.status === 409) {
    return pending(latest, lookAgainSoonMs, "the release is being promoted to the production domains");
  }
  return { kind: "failed", why: `Vercel refuses to promote the release: ${changed.why}`, log: "" };
}

/** Vercel says that it serves; until the release says so too, or long enough did not, it is on its way. */
function withinGrace(vercel: VercelParts, found: Found, latest: Deployment, sinceMs: number): DeploymentState {
  const { environment, url, check, atMs } = found;
  const because = check?.because ?? "nobody looked";
  // Blind on our side is no fault of the release, however long it lasts (reliability A6).
  if (atMs - sinceMs < graceMs || check?.outcome === "no_data")
    return pending(latest, lookAgainSoonMs, `Vercel is ready; ${environment}: ${because}`);
  const why =
    `Vercel says that ${shortId(found.commit)} is ready, but ${url}${vercel.options.healthPath} ` +
    `does not serve it after ${graceMs / 1_000} s: ${because}`;
  return { kind: "failed", why, log: "" };
}

async function failed({ client, options }: VercelParts, latest: Deployment, why: string): Promise<DeploymentState> {
  return { kind: "failed", why, log: await buildLog(client, latest.uid, options.redact) };
}

const said = ({ errorMessage }: Deployment) => (errorMessage ? cut(cleanLine(errorMessage), 300) : undefined);

function pending({ uid }: Deployment, againMs: number, because?: string): DeploymentState {
  return { kind: "pending", providerId: uid, lookAgainMs: againMs, ...(because === undefined ? {} : { because }) };
}
