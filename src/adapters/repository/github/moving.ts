import { z } from "zod";
import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import type { Client } from "../../github/client.ts";
import { cleaned, queryRefusal, statusOf } from "../../github/failures.ts";
import { archiveFor, archiveOf, lie, notShown, racing, refusedBranch, replaceable, validBranch } from "../branches.ts";
import type { Objects } from "./objects.ts";
import { compare, isWithin } from "./relations.ts";

type Moving = Pick<Repository, "head" | "publish" | "advance" | "replace">;
type Push = { kind: "accepted" } | { kind: "rejected"; why: string };

/** What moves branches at GitHub. */
export interface MovingWorld {
  client: Client;
  objects: Objects;
  agentEmail: string;
}

const pushTriesMax = 3;
/** A replica may show a branch a moment later than it moved. */
const looksMax = 4;
const lookAgainMs = 250;
const pageSize = 100;
const headPagesMax = 20;
/** So many other branches are searched for commits that would leave `staging`; beyond that, rather too much is kept. */
const searchedBranchesMax = 25;

/**
 * Moves branches of the repository. Every move names the exact commit that it expects there (`updateRefs` compares and sets
 * in one step, for several processes and people at once), and what it did is asked of GitHub afterwards (reliability C3, C14).
 */
export function createMoving(world: MovingWorld): Moving {
  return {
    head: async (branch) => {
      validBranch(branch);
      return headOf(world, branch);
    },
    publish: (branch, commit) => publish(world, branch, commit),
    advance: (branch, move) => advance(world, branch, move),
    replace: (branch, move) => replace(world, branch, move),
  };
}

/** The commit that the branch points to; `undefined`: there is no such branch. */
export async function headOf({ client }: MovingWorld, branch: string): Promise<Sha | undefined> {
  const found = await client.find((api) => api.git.getRef({ ...client.repo, ref: `heads/${branch}` }));
  return found === undefined ? undefined : Sha.parse(found.data.object.sha);
}

/** Where the branch points, asked again while it still shows what it should not. */
async function headAfter(world: MovingWorld, branch: string, stale: Sha | undefined): Promise<Sha | undefined> {
  for (let look = 1; ; look++) {
    const head = await headOf(world, branch);
    if (head !== stale || look === looksMax) return head;
    await new Promise((done) => setTimeout(done, lookAgainMs * look));
  }
}

async function publish(world: MovingWorld, branch: string, commit: Sha): Promise<"published" | "taken"> {
  const { client, objects } = world;
  validBranch(branch);
  await objects.commit(commit);
  const head = await headOf(world, branch);
  if (head !== undefined) return head === commit ? "published" : "taken";
  const push = await createBranch(client, branch, commit);
  const after = await (push.kind === "accepted" ? headAfter(world, branch, undefined) : headOf(world, branch));
  if (after === undefined) throw push.kind === "rejected" ? refusedBranch(branch, push.why) : notShown(branch);
  const ours = after === commit || (push.kind === "accepted" && (await holds(world, after, commit)));
  return ours ? "published" : "taken";
}

async function createBranch(client: Client, branch: string, commit: Sha): Promise<Push> {
  return client.call(async (api): Promise<Push> => {
    try {
      await api.git.createRef({ ...client.repo, ref: `refs/heads/${branch}`, sha: commit });
      return { kind: "accepted" };
    } catch (error) {
      if (statusOf(error) !== 422) throw error;
      return { kind: "rejected", why: cleaned(error instanceof Error ? error.message : "") };
    }
  });
}

async function advance(world: MovingWorld, branch: string, { from, to }: { from: Sha; to: Sha }) {
  validBranch(branch);
  await world.objects.commit(to);
  const before = await headOf(world, branch);
  if (before === to) return { kind: "advanced" as const };
  if (!(await holds(world, to, from))) return before === from ? { kind: "not_forward" as const } : moved(before);
  for (let attempt = 0; attempt < pushTriesMax; attempt++) {
    const push = before === from ? await tryToMove(world, branch, { from, to, force: false }) : undefined;
    const after = await afterPush(world, branch, push, { from, before });
    // A person may have built on our push, or on that of an earlier try; then the branch holds it as well.
    if (after !== from) return (await holds(world, after, to)) ? { kind: "advanced" as const } : moved(after);
    if (push?.kind === "accepted") return { kind: "refused" as const, why: lie(branch) };
    if (push?.kind === "rejected" && !isRace(push.why)) return { kind: "refused" as const, why: push.why };
  }
  throw racing(branch);
}

function afterPush(
  world: MovingWorld,
  branch: string,
  push: Push | undefined,
  { from, before }: { from: Sha; before: Sha | undefined },
): Promise<Sha | undefined> {
  if (push === undefined) return Promise.resolve(before);
  return push.kind === "accepted" ? headAfter(world, branch, from) : headOf(world, branch);
}

async function replace(world: MovingWorld, branch: string, { from, to }: { from: Sha; to: Sha }) {
  replaceable(branch);
  await world.objects.commit(to);
  for (let attempt = 0; attempt < pushTriesMax; attempt++) {
    const heads = await headsOf(world);
    const before = heads.get(branch);
    if (before === to) return { kind: "replaced" as const, archivedAs: archiveOf(heads, branch, from) };
    if (before !== from) return moved(before);
    const kept = await keepCommits(world, { branch, from, to, heads });
    if (kept.kind === "refused") return kept;
    const push = await tryToMove(world, branch, { from, to, force: true });
    const after = await afterPush(world, branch, push, { from, before });
    const done = after !== from && (await holds(world, after, to));
    if (done) return { kind: "replaced" as const, archivedAs: kept.archivedAs };
    if (after !== from) return moved(after);
    if (push.kind === "accepted") return { kind: "refused" as const, why: lie(branch) };
    if (!isRace(push.why)) return { kind: "refused" as const, why: push.why };
  }
  throw racing(branch);
}

async function headsOf({ client }: MovingWorld): Promise<Map<string, Sha>> {
  const heads = new Map<string, Sha>();
  const Refs = z.array(z.object({ ref: z.string(), object: z.object({ sha: z.string() }) }));
  for (let page = 1; page <= headPagesMax; page++) {
    const asked = { ...client.repo, ref: "heads/", per_page: pageSize, page };
    const refs = Refs.parse((await client.call((api) => api.git.listMatchingRefs(asked))).data);
    const known = heads.size;
    for (const { ref, object } of refs) {
      const id = Sha.safeParse(object.sha).data;
      if (id !== undefined) heads.set(ref.replace(/^refs\/heads\//, ""), id);
    }
    // Whoever gives all at once gives the same again.
    if (refs.length < pageSize || heads.size === known) break;
  }
  return heads;
}

/** Whether `commit` is reachable from `head`, which GitHub has. */
async function holds({ client, objects }: MovingWorld, head: Sha | undefined, commit: Sha): Promise<boolean> {
  return head !== undefined && isWithin(client, objects, head, commit);
}

/** A branch that is moved here is deleted (docs.github.com/graphql/reference/input-objects#refupdate). */
export const noCommit = "0000000000000000000000000000000000000000";

const updateRefs = `mutation ($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`;

/** One move of one branch from exactly `from`. Without `force`, GitHub itself refuses what is no step forward. */
export async function tryToMove(
  { client }: MovingWorld,
  branch: string,
  { from, to, force }: { from: Sha; to: Sha | typeof noCommit; force: boolean },
): Promise<Push> {
  const refUpdates = [{ name: `refs/heads/${branch}`, beforeOid: from, afterOid: to, force }];
  const input = { repositoryId: await client.nodeId(), refUpdates };
  return client.call(async (_api, octokit): Promise<Push> => {
    try {
      await octokit.graphql(updateRefs, { input });
      return { kind: "accepted" };
    } catch (error) {
      const why = queryRefusal(error);
      if (why === undefined) throw error;
      return { kind: "rejected", why };
    }
  });
}

/** Someone else was writing to the branch at the same moment. */
function isRace(why: string): boolean {
  return /but expected|lock|try again/i.test(why);
}

type Keeping = { branch: string; from: Sha; to: Sha; heads: Map<string, Sha> };

/** Puts what people committed, and what no other branch holds, on a branch of its own before it would become unreachable. */
async function keepCommits(
  world: MovingWorld,
  keeping: Keeping,
): Promise<{ kind: "kept"; archivedAs: string | null } | { kind: "refused"; why: string }> {
  const { branch, from, heads } = keeping;
  const existing = archiveOf(heads, branch, from);
  if (existing !== null) return { kind: "kept", archivedAs: existing };
  if (!(await wouldLosePersonsWork(world, keeping))) return { kind: "kept", archivedAs: null };
  const free = archiveFor(heads, branch, from);
  const push = await createBranch(world.client, free, from);
  if ((await headOf(world, free)) === from) return { kind: "kept", archivedAs: free };
  const why = push.kind === "rejected" ? push.why : "the remote does not keep it";
  return { kind: "refused", why: `people's commits on ${branch} cannot be kept under ${free}: ${why}` };
}

async function wouldLosePersonsWork(
  { client, agentEmail }: MovingWorld,
  { branch, from, to, heads }: Keeping,
): Promise<boolean> {
  const leaving = await compare(client, to, from, { commits: true });
  // Nothing in common: everything would leave.
  if (leaving.kind === "unrelated") return true;
  const persons = leaving.commits.filter(({ emails }) => emails.some((email) => email !== agentEmail));
  let left = new Set(persons.map(({ sha }) => sha));
  const others = [...new Set([...heads].flatMap(([name, head]) => (name === branch ? [] : [head])))];
  for (const other of others.slice(0, searchedBranchesMax)) {
    if (left.size === 0) return false;
    const missing = await compare(client, other, from, { commits: true });
    if (missing.kind === "unrelated") continue;
    const notThere = new Set(missing.commits.map(({ sha }) => sha));
    left = new Set([...left].filter((sha) => notThere.has(sha)));
  }
  return left.size > 0;
}

function moved(head: Sha | undefined): { kind: "moved"; head: Sha | undefined } {
  return { kind: "moved", head };
}
