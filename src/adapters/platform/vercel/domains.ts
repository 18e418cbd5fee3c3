import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#domain/failure.ts";
import { type Sha, shortId } from "#domain/ids.ts";
import { cleanLine, cut } from "#domain/text.ts";
import type { Changed, VercelClient } from "./client.ts";
import type { Lookup } from "./lookup.ts";
import { AliasJobs, type Project } from "./shapes.ts";

/** Which deployment the production domains point at, and the jobs that move them. */

const pollMs = 500;
/** By this a rollback of ours is known: after it Vigil may promote again, after a person's it may not. */
const ourMark = "Vigil: back to";
/** The description is stored with the request, yet not in the same moment. */
const descriptionMs = 5 * 60_000;

export type DomainState =
  | { kind: "free" }
  | { kind: "moving" }
  | { kind: "failed"; atMs: number }
  /** New production deployments get no domains until one is promoted. */
  | { kind: "rolled_back"; byUs: boolean; by: string };

/** What the last request to move the production domains left behind. */
export function domainState(project: Project): DomainState {
  const request = project.lastAliasRequest;
  if (request?.jobStatus === "pending" || request?.jobStatus === "in-progress") return { kind: "moving" };
  if (request?.type === "rollback" && request.jobStatus === "succeeded") {
    const { description, username, createdAt } = project.rollbackDescription ?? {};
    // What was written at another rollback says nothing about this one.
    const isOfThis = Math.abs((createdAt ?? 0) - request.requestedAt) < descriptionMs;
    const byUs = isOfThis && (description?.startsWith(ourMark) ?? false);
    return { kind: "rolled_back", byUs, by: nameOf(isOfThis ? username : undefined) };
  }
  if (request?.jobStatus === "failed") return { kind: "failed", atMs: request.requestedAt };
  return { kind: "free" };
}

const nameOf = (username: string | null | undefined) => (username ? cut(cleanLine(username), 60) : "somebody");

/** Points the production domains at a deployment that never served, or ends a rollback by it. */
export function promote(client: VercelClient, projectId: string, deploymentId: string): Promise<Changed> {
  return client.change("POST", `${projectPath(projectId, "v10")}/promote/${encodeURIComponent(deploymentId)}`);
}

/** Points the production domains back at a deployment that served before. */
export function requestRollback(
  client: VercelClient,
  projectId: string,
  { deploymentId, commit }: { deploymentId: string; commit: Sha },
): Promise<Changed> {
  const path = `${projectPath(projectId, "v1")}/rollback/${encodeURIComponent(deploymentId)}`;
  return client.change("POST", path, { description: `${ourMark} ${shortId(commit)}` });
}

const projectPath = (projectId: string, version: string) => `/${version}/projects/${encodeURIComponent(projectId)}`;

/** Waits until the domains point at `deploymentId`, at most until `deadlineMs` (of `performance.now()`). */
export async function untilMoved(
  { client, lookup, projectId }: { client: VercelClient; lookup: Lookup; projectId: string },
  deploymentId: string,
  deadlineMs: number,
): Promise<void> {
  for (;;) {
    const { value: project } = await lookup.project();
    const request = project.lastAliasRequest;
    const isOurs = request?.toDeploymentId === deploymentId;
    if (isOurs && request.jobStatus === "succeeded") return;
    if (isOurs && request.jobStatus === "failed") throw await aliasFailure(client, projectId);
    if (performance.now() > deadlineMs) {
      throw new Failure("unavailable", "Vercel was asked to move the production domains and has not done so in time.");
    }
    await sleep(pollMs);
  }
}

/** Which domains Vercel could not move. */
export async function aliasFailure(client: VercelClient, projectId: string): Promise<Failure> {
  const path = `${projectPath(projectId, "v1")}/promote/aliases`;
  const found = await client.get(path, { failedOnly: "true", limit: "20" }, AliasJobs).catch(() => undefined);
  const names = found?.value.aliases.flatMap(({ alias }) => (alias ? [cleanLine(alias.alias)] : [])) ?? [];
  const which = names.length === 0 ? "" : ` (${cut(names.join(", "), 200)})`;
  return new Failure("unavailable", `Vercel could not move the production domains${which}.`);
}
