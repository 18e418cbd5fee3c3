import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import type { Client } from "../../github/client.ts";
import { unrelated } from "../branches.ts";
import { commitFacts, placesFor } from "../tree-paths.ts";
import { type MergedFile, mergeTrees } from "./merge.ts";
import type { Commit, Objects } from "./objects.ts";
import { compare, isWithin } from "./relations.ts";

type Making = Pick<Repository, "commit" | "compose" | "revert">;

export interface Identity {
  name: string;
  email: string;
}

/** Makes commits through the Git Data API. No branch moves, and the same request gives the same id. */
export function createMaking(client: Client, objects: Objects, identity: Identity): Making {
  const write = (commit: NewCommit) => writeCommit(client, identity, commit);
  return {
    async commit({ base, edits, message, at }) {
      const { seconds } = commitFacts({ message, at });
      const on = await objects.commit(base);
      const modes = placesFor(edits, await objects.entries(on));
      const files = edits.map(({ path, content }) => {
        const mode = modes.get(path) ?? "100644";
        return content === null ? { path, mode: "100644", to: null } : { path, mode, to: { text: content } };
      });
      const tree = await writeTree(client, on, files);
      if (tree === on.tree) throw new Failure("invalid", "The edits change nothing.");
      return { commit: await write({ tree, parents: [on.sha], message, seconds }), tree };
    },

    async compose({ base, fix, message, at }) {
      const { seconds } = commitFacts({ message, at });
      const [ours, theirs] = [await objects.commit(base), await objects.commit(fix)];
      const related = await compare(client, ours.sha, theirs.sha);
      if (related.kind !== "related") throw unrelated();
      const merged = await mergeTrees(objects, { base: await objects.commit(related.mergeBase), ours, theirs });
      if (merged.kind === "conflict") return merged;
      const tree = await writeTree(client, ours, merged.files);
      const commit = await write({ tree, parents: [ours.sha, theirs.sha], message, seconds });
      return { kind: "composed", commit, tree };
    },

    async revert({ commit, on, message, at }) {
      const { seconds } = commitFacts({ message, at });
      const [bad, head] = [await objects.commit(commit), await objects.commit(on)];
      if (!(await isWithin(client, objects, head.sha, bad.sha))) {
        throw new Failure("invalid", `The commit ${commit.slice(0, 12)} cannot be taken back where it never landed.`);
      }
      if (await hasRevert(client, head.sha, bad.sha)) return { kind: "already" };
      const [before] = bad.parents;
      if (before === undefined) throw new Failure("invalid", "The first commit of a repository cannot be taken back.");
      // From the bad commit on: what people did since is one side, the state before it the other.
      const merged = await mergeTrees(objects, { base: bad, ours: head, theirs: await objects.commit(before) });
      if (merged.kind === "conflict") return merged;
      const tree = await writeTree(client, head, merged.files);
      // Someone took it back by hand, without our trailer.
      if (tree === head.tree) return { kind: "already" };
      return { kind: "reverted", commit: await write({ tree, parents: [head.sha], message, seconds }), tree };
    },
  };
}

interface NewCommit {
  tree: Sha;
  parents: Sha[];
  message: string;
  seconds: number;
}

const Made = z.object({ sha: Sha, tree: z.object({ sha: Sha }), parents: z.array(z.object({ sha: Sha })) });

/** A commit whose id follows from its content alone: both dates are given, both names are the agent's. */
async function writeCommit(client: Client, identity: Identity, commit: NewCommit): Promise<Sha> {
  const { tree, parents, message, seconds } = commit;
  const who = { ...identity, date: new Date(seconds * 1_000).toISOString().replace(".000Z", "Z") };
  const request = { ...client.repo, message, tree, parents, author: who, committer: who };
  const { data } = await client.call((api) => api.git.createCommit(request));
  const made = Made.parse(data);
  const isAsked = made.tree.sha === tree && made.parents.map(({ sha }) => sha).join() === parents.join();
  if (!isAsked) throw new Failure("unavailable", "GitHub made another commit than the one asked for.");
  return made.sha;
}

/** The tree of `on` with `files` changed. */
async function writeTree(client: Client, on: Commit, files: MergedFile[]): Promise<Sha> {
  if (files.length === 0) return on.tree;
  const tree = files.map(({ path, mode, to }) => {
    const place = { path, mode: mode as "100644", type: mode === "160000" ? ("commit" as const) : ("blob" as const) };
    if (to === null) return { ...place, sha: null };
    return "text" in to ? { ...place, content: to.text } : { ...place, sha: to.id };
  });
  const { data } = await client.call((api) => api.git.createTree({ ...client.repo, base_tree: on.tree, tree }));
  return Sha.parse(data.sha);
}

/** Looks for the trailer `Reverts: <commit>` in what landed since, so that a crash after the push reverts once (reliability C7). */
async function hasRevert(client: Client, on: Sha, commit: Sha): Promise<boolean> {
  const since = await compare(client, commit, on, { commits: true });
  if (since.kind !== "related") return false;
  return since.commits.some(({ message }) => message.split("\n").includes(`Reverts: ${commit}`));
}
