import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Repository } from "#ports/repository.ts";
import { type Credentials, createClient, politePace } from "../github/client.ts";
import { createBlobCache } from "./github/blobs.ts";
import { changesBetween } from "./github/changes.ts";
import { exportFiles } from "./github/export.ts";
import { createMaking } from "./github/making.ts";
import { createMoving } from "./github/moving.ts";
import { createObjects } from "./github/objects.ts";
import { createProposals } from "./github/proposals.ts";
import { isWithin } from "./github/relations.ts";
import { createSnapshot } from "./github/snapshot.ts";
import { createWithdrawing } from "./github/withdrawing.ts";

export interface GithubRepositoryOptions {
  owner: string;
  name: string;
  credentials: Credentials;
  /** `null`: github.com. */
  apiUrl: string | null;
  /** For contents that were read once; may be emptied at any time. */
  scratch: string;
  scratchBytesMax?: number;
  /** Who commits. Commits of anyone else are a person's. */
  identity?: { name: string; email: string };
  /** Where people find the dashboard: pull requests link there. */
  dashboardUrl?: string;
  /** For one call. */
  timeoutMs?: number;
  /** How often is written, and the unit of the waits between repetitions; other values only suit a server of one's own. */
  pace?: { writeEveryMs: number; retryUnitMs: number };
}

const agentIdentity = { name: "Vigil", email: "vigil@localhost" };
const timeoutDefaultMs = 20_000;
/** Half of what a Vercel function has under /tmp. */
const scratchBytesDefault = 256 * 1024 * 1024;

/** A repository at GitHub through its API alone: no git program, and no more disk than a folder for what was read. */
export function createGithubRepository(options: GithubRepositoryOptions): Repository {
  const { owner, name, credentials, apiUrl, scratch } = options;
  const identity = options.identity ?? agentIdentity;
  const timeoutMs = options.timeoutMs ?? timeoutDefaultMs;
  const client = createClient({ owner, name, credentials, apiUrl, timeoutMs, pace: options.pace ?? politePace });
  // One folder for each repository: a content must not be readable through another one.
  const folder = createHash("sha256").update(`${apiUrl} ${owner}/${name}`).digest("hex").slice(0, 16);
  const cache = createBlobCache(join(scratch, folder), options.scratchBytesMax ?? scratchBytesDefault);
  const objects = createObjects(client, cache);
  const moving = { client, objects, agentEmail: identity.email };
  const proposals = createProposals(client, { dashboardUrl: options.dashboardUrl ?? null });
  return {
    snapshot: async (commit) => createSnapshot(client, objects, await objects.commit(commit)),
    export: async (commit, directory) => exportFiles(objects, await objects.commit(commit), directory),
    changes: async (from, to) => changesBetween(objects, await objects.commit(from), await objects.commit(to)),
    contains: (descendant, ancestor) => isWithin(client, objects, descendant, ancestor),
    ...createMaking(client, objects, identity),
    ...proposals,
    ...createMoving(moving),
    ...createWithdrawing(moving, proposals),
  };
}
