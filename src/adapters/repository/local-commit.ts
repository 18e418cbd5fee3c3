import { join } from "node:path";
import { Failure } from "#domain/failure.ts";
import type { Edit } from "#domain/fix.ts";
import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import { unrelated } from "./branches.ts";
import type { Git } from "./local-git.ts";
import type { Mirror } from "./local-mirror.ts";
import { incomplete, splitAtZero, treeEntries } from "./local-tree.ts";
import { commitFacts, placesFor } from "./tree-paths.ts";

type Making = Pick<Repository, "commit" | "compose" | "revert">;

const conflictFilesMax = 1_000;
const revertsSearchedMax = 10_000;

/** Makes commits as objects in our copy. No branch moves, no file is checked out, and the same request gives the same id. */
export function createCommits(mirror: Mirror): Making {
  return {
    async commit({ base, edits, message, at }) {
      await mirror.need([base]);
      const git = await mirror.git();
      const modes = placesFor(edits, await treeEntries(git, base));
      const tree = await mirror.withFolder((folder) => writeTree(git, { base, edits, modes, folder }));
      if (tree === (await treeOf(git, base))) throw new Failure("invalid", "The edits change nothing.");
      return { commit: await commitTree(git, { tree, parents: [base], message, at }), tree };
    },

    async compose({ base, fix, message, at }) {
      await mirror.need([base, fix]);
      const git = await mirror.git();
      await requireCommonHistory(git, base, fix);
      const merged = await mergeTrees(git, base, fix);
      if (merged.kind === "conflict") return merged;
      const commit = await commitTree(git, { tree: merged.tree, parents: [base, fix], message, at });
      return { kind: "composed", commit, tree: merged.tree };
    },

    async revert({ commit, on, message, at }) {
      await mirror.need([commit, on]);
      const git = await mirror.git();
      if (!(await contains(git, on, commit))) {
        throw new Failure("invalid", `The commit ${commit.slice(0, 12)} cannot be taken back where it never landed.`);
      }
      if (await hasRevert(git, on, commit)) return { kind: "already" };
      const merged = await mergeTrees(git, on, await withoutIt(git, commit));
      if (merged.kind === "conflict") return merged;
      // Someone took it back by hand, without our trailer.
      if (merged.tree === (await treeOf(git, on))) return { kind: "already" };
      const reverted = await commitTree(git, { tree: merged.tree, parents: [on], message, at });
      return { kind: "reverted", commit: reverted, tree: merged.tree };
    },
  };
}

/** Whether `ancestor` is reachable from `descendant`; both are in our copy. */
export async function contains(git: Git, descendant: string, ancestor: string): Promise<boolean> {
  if (descendant === ancestor) return true;
  const result = await git.run(["merge-base", "--is-ancestor", "--end-of-options", ancestor, descendant]);
  if (result.exitCode > 1) throw incomplete(result.stderr);
  return result.exitCode === 0;
}

async function writeTree(
  git: Git,
  { base, edits, modes, folder }: { base: string; edits: Edit[]; modes: Map<string, string>; folder: string },
): Promise<Sha> {
  const environment = { GIT_INDEX_FILE: join(folder, "index") };
  await git.output(["read-tree", base], { environment });
  const lines: string[] = [];
  for (const { path, content } of edits) {
    const id = content === null ? "0".repeat(40) : await writeBlob(git, content);
    lines.push(`${modes.get(path)} ${id}\t${path}\0`);
  }
  await git.output(["update-index", "-z", "--index-info"], { environment, input: lines.join("") });
  return idIn(await git.output(["write-tree"], { environment }));
}

async function writeBlob(git: Git, content: string): Promise<Sha> {
  return idIn(await git.output(["hash-object", "-w", "-t", "blob", "--stdin"], { input: content }));
}

/** A commit whose id follows from its content alone: both dates are `at`, both names are the agent's. */
async function commitTree(
  git: Git,
  { tree, parents, message, at }: { tree: string; parents: string[]; message: string; at: Date },
): Promise<Sha> {
  const { seconds } = commitFacts({ message, at });
  const date = `@${seconds} +0000`;
  const environment = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"];
  return idIn(await git.output(args, { environment, input: message }));
}

/** The three-way merge of two commits, as a tree. */
async function mergeTrees(
  git: Git,
  ours: string,
  theirs: string,
): Promise<{ kind: "merged"; tree: Sha } | { kind: "conflict"; files: string[] }> {
  const result = await git.run(["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs]);
  if (result.exitCode > 1) throw incomplete(result.stderr);
  const [tree = Buffer.alloc(0), ...files] = splitAtZero(result.stdout);
  if (result.exitCode === 0) return { kind: "merged", tree: idIn(tree) };
  const names = files.map((file) => file.toString("utf8")).filter((name) => name !== "");
  return { kind: "conflict", files: [...new Set(names)].sort().slice(0, conflictFilesMax) };
}

/**
 * The state before `commit` as a child of `commit`. Merging it takes the commit back and nothing else, because the last state
 * that both sides share is then `commit` itself.
 */
async function withoutIt(git: Git, commit: string): Promise<Sha> {
  const line = (await git.output(["rev-list", "--parents", "--max-count=1", "--end-of-options", commit])).toString(
    "utf8",
  );
  const before = line.trim().split(" ")[1];
  if (before === undefined) throw new Failure("invalid", "The first commit of a repository cannot be taken back.");
  const tree = await treeOf(git, before);
  return commitTree(git, { tree, parents: [commit], message: `Without ${commit}`, at: new Date(0) });
}

/** Looks for the trailer `Reverts: <commit>` in what landed since, so that a crash after the push reverts once (reliability C7). */
async function hasRevert(git: Git, on: string, commit: string): Promise<boolean> {
  const format = "--format=%(trailers:key=Reverts,valueonly)";
  const args = ["log", format, `--max-count=${revertsSearchedMax}`, "--end-of-options", on, `^${commit}`];
  return (await git.output(args)).toString("utf8").split("\n").includes(commit);
}

async function requireCommonHistory(git: Git, base: string, fix: string): Promise<void> {
  const result = await git.run(["merge-base", "--end-of-options", base, fix]);
  if (result.exitCode > 1) throw incomplete(result.stderr);
  if (result.exitCode === 0) return;
  throw unrelated();
}

async function treeOf(git: Git, commit: string): Promise<Sha> {
  return idIn(await git.output(["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`]));
}

function idIn(output: Buffer): Sha {
  return Sha.parse(output.toString("latin1").trim());
}
