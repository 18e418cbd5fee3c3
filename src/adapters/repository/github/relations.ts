import { z } from "zod";
import { Sha } from "#domain/ids.ts";
import type { Client } from "../../github/client.ts";
import type { Objects } from "./objects.ts";

/** How two commits lie to each other. */
export type Relation =
  | {
      kind: "related";
      mergeBase: Sha;
      status: "ahead" | "behind" | "diverged" | "identical";
      /** What the second has and the first has not, oldest first; only where asked for. */
      commits: { sha: Sha; message: string; emails: string[] }[];
    }
  /** They share no history, or one of them is not there. */
  | { kind: "unrelated" };

const person = z.object({ email: z.string().nullish() }).nullish();
const Compared = z.object({
  status: z.enum(["ahead", "behind", "diverged", "identical"]),
  total_commits: z.int(),
  merge_base_commit: z.object({ sha: Sha }),
  commits: z.array(
    z.object({ sha: Sha, commit: z.object({ message: z.string(), author: person, committer: person }) }),
  ),
});

const pageSize = 100;
/** More commits than this between two points are not looked through one by one. */
const pagesMax = 30;

/** What `second` is, seen from `first`. */
export async function compare(
  client: Client,
  first: string,
  second: string,
  { commits: wanted = false } = {},
): Promise<Relation> {
  const commits: { sha: Sha; message: string; emails: string[] }[] = [];
  for (let page = 1; ; page++) {
    const asked = { ...client.repo, basehead: `${first}...${second}`, per_page: wanted ? pageSize : 1, page };
    const answer = await client.find((api) => api.repos.compareCommitsWithBasehead(asked));
    if (answer === undefined) return { kind: "unrelated" };
    const compared = Compared.parse(answer.data);
    if (wanted) commits.push(...compared.commits.map(commitOf));
    const complete = !wanted || commits.length >= compared.total_commits || compared.commits.length === 0;
    if (complete || page === pagesMax) {
      return { kind: "related", mergeBase: compared.merge_base_commit.sha, status: compared.status, commits };
    }
  }
}

function commitOf({ sha, commit }: z.infer<typeof Compared>["commits"][number]) {
  const emails = [commit.author?.email, commit.committer?.email].flatMap((email) => (email == null ? [] : [email]));
  return { sha, message: commit.message, emails };
}

/** Whether `ancestor` is reachable from `descendant`, which must be there. */
export async function isWithin(
  client: Client,
  objects: Objects,
  descendant: string,
  ancestor: string,
): Promise<boolean> {
  await objects.commit(descendant);
  if (descendant === ancestor) return true;
  const relation = await compare(client, ancestor, descendant);
  return relation.kind === "related" && (relation.status === "ahead" || relation.status === "identical");
}
