import type { Sha } from "#domain/ids.ts";
import type { Client } from "../../github/client.ts";
import { statusOf } from "../../github/failures.ts";

/** Branches that make GitHub test a commit. Their names say since when, and survive whoever made them. */
export interface Announcements {
  /** When the commit was put on a branch first; `undefined`: it was not. */
  since(commit: Sha): Promise<Date | undefined>;
  add(commit: Sha): Promise<Date>;
  remove(commit: Sha): Promise<void>;
}

const branchesMax = 20;

export function announcements(client: Client, now: () => Date): Announcements {
  const { repo } = client;
  const prefixOf = (commit: Sha) => `heads/agent/check/${commit}-`;
  async function names(commit: Sha): Promise<string[]> {
    const { data } = await client.call((api) => api.git.listMatchingRefs({ ...repo, ref: prefixOf(commit) }));
    return data.map(({ ref }) => ref.replace(/^refs\//, "")).slice(0, branchesMax);
  }
  return {
    async since(commit) {
      const seconds = (await names(commit)).map((name) => Number(name.slice(prefixOf(commit).length)));
      const known = seconds.filter((second) => Number.isSafeInteger(second) && second > 0);
      return known.length === 0 ? undefined : new Date(Math.min(...known) * 1_000);
    },
    async add(commit) {
      const second = Math.floor(now().getTime() / 1_000);
      const ref = `refs/${prefixOf(commit)}${second}`;
      await client.call((api) => api.git.createRef({ ...repo, ref, sha: commit }).catch(alreadyThere));
      return new Date(second * 1_000);
    },
    async remove(commit) {
      for (const name of await names(commit)) {
        await client.call((api) => api.git.deleteRef({ ...repo, ref: name }).catch(alreadyGone));
      }
    },
  };
}

/** Somebody made the same branch in the same second: the work is done. */
function alreadyThere(error: unknown): void {
  if (statusOf(error) !== 422 || !/already exists/i.test(String(error))) throw error;
}

function alreadyGone(error: unknown): void {
  if (statusOf(error) !== 422 && statusOf(error) !== 404) throw error;
}
