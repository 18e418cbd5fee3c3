import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import { validBranch } from "./branches.ts";
import { changesBetween } from "./local-changes.ts";
import { contains, createCommits } from "./local-commit.ts";
import { exportFiles } from "./local-export.ts";
import { createMirror } from "./local-mirror.ts";
import { createPushes } from "./local-push.ts";
import { parseRemote } from "./local-remote.ts";
import { createSnapshot } from "./local-snapshot.ts";

export interface LocalRepositoryOptions {
  /** A folder (bare or not) or a Git URL. Credentials in it are used, and never shown. */
  remote: string;
  /** Our own bare copy; made when it is missing. Several processes may share it. */
  directory: string;
  /** Folders of objects that our copy reads in place instead of fetching them; they are never written to. */
  borrowedObjects?: string[];
  /** Who commits. Commits of anyone else are a person's. */
  identity?: { name: string; email: string };
  /** Silence after which a call of git is ended. */
  timeoutMs?: number;
  /** Where git is looked for, like PATH. */
  searchPath?: string;
}

const agentIdentity = { name: "Vigil", email: "vigil@localhost" };
/** stack.md §8. */
const timeoutDefaultMs = 15_000;
const searchPathDefault = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin:/usr/local/sbin:/usr/sbin:/sbin";

/** A repository by way of the machine's git: any remote, a bare copy of our own, never a checked out file. */
export function createLocalRepository(options: LocalRepositoryOptions): Repository {
  const identity = options.identity ?? agentIdentity;
  const mirror = createMirror({
    address: parseRemote(options.remote),
    directory: options.directory,
    identity,
    borrowed: options.borrowedObjects ?? [],
    searchPath: options.searchPath ?? searchPathDefault,
    timeoutMs: options.timeoutMs ?? timeoutDefaultMs,
  });
  return {
    async head(branch) {
      validBranch(branch);
      const head = await mirror.remote.head(branch);
      return head === undefined ? undefined : Sha.parse(head);
    },
    async snapshot(commit) {
      await mirror.need([commit]);
      return createSnapshot(await mirror.git(), commit);
    },
    async export(commit, directory) {
      await mirror.need([commit]);
      const git = await mirror.git();
      await mirror.withFolder((folder) => exportFiles(git, commit, directory, folder));
    },
    async changes(from, to) {
      await mirror.need([from, to]);
      return changesBetween(await mirror.git(), from, to);
    },
    async contains(descendant, ancestor) {
      await mirror.need([descendant]);
      // The descendant's whole history is here: what is missing is not in it.
      if (!(await mirror.present([ancestor])).has(ancestor)) return false;
      return contains(await mirror.git(), descendant, ancestor);
    },
    ...createCommits(mirror),
    ...createPushes(mirror, identity),
    propose: async () => ({ kind: "unsupported" }),
    proposal: async () => undefined,
  };
}
