import { z } from "zod";
import { Sha } from "#domain/ids.ts";
import type { Proposal, Repository } from "#ports/repository.ts";
import type { Client } from "../../github/client.ts";
import { statusOf } from "../../github/failures.ts";
import { validBranch } from "../branches.ts";

type Proposing = Pick<Repository, "propose" | "proposal">;

const Pull = z.object({
  number: z.int(),
  html_url: z.url(),
  state: z.enum(["open", "closed"]),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
  head: z.object({ sha: Sha }),
  merged_by: z.object({ login: z.string() }).nullish(),
});

/** GitHub's own bound of a pull request's text. */
const bodyCharactersMax = 65_000;

/** Pull requests of the repository itself; those of forks are nobody's of ours. */
export function createProposals(client: Client, { dashboardUrl }: { dashboardUrl: string | null }): Proposing {
  const proposal = (branch: string, into: string) => newest(client, branch, into);
  return {
    proposal,
    async propose({ branch, into, title, body, path }) {
      const known = await proposal(branch, into);
      if (known !== undefined) return { kind: "proposed", ...known };
      const link = dashboardUrl === null ? "" : `[Follow it in Vigil](${dashboardUrl}${path})\n\n`;
      const text = `${link}${body}`.slice(0, bodyCharactersMax);
      const opened = await open(client, { head: branch, base: into, title, body: text });
      // Another process opened it at the same moment, or an earlier answer was lost.
      const there = opened ?? (await proposal(branch, into));
      if (there === undefined) return { kind: "unsupported" };
      return { kind: "proposed", ...there };
    },
  };
}

async function newest(client: Client, branch: string, into: string): Promise<Proposal | undefined> {
  validBranch(branch);
  validBranch(into);
  const { owner } = client.repo;
  const asked = { ...client.repo, head: `${owner}:${branch}`, base: into, state: "all" as const };
  const { data } = await client.call((api) =>
    api.pulls.list({ ...asked, sort: "created", direction: "desc", per_page: 1 }),
  );
  const [pull] = z.array(Pull).parse(data);
  if (pull === undefined) return undefined;
  if (pull.merged_at === null) return proposalOf(pull);
  // Only the single answer says who merged.
  const whole = await client.call((api) => api.pulls.get({ ...client.repo, pull_number: pull.number }));
  return proposalOf(Pull.parse(whole.data));
}

/** `undefined`: GitHub sees no sense in it, because there is one already or because nothing would be taken over. */
async function open(
  client: Client,
  pull: { head: string; base: string; title: string; body: string },
): Promise<Proposal | undefined> {
  return client.call(async (api) => {
    try {
      const { data } = await api.pulls.create({ ...client.repo, ...pull, maintainer_can_modify: true });
      return proposalOf(Pull.parse(data));
    } catch (error) {
      if (statusOf(error) === 422) return undefined;
      throw error;
    }
  });
}

function proposalOf(pull: z.infer<typeof Pull>): Proposal {
  const merged = pull.merged_at !== null;
  return {
    number: pull.number,
    url: pull.html_url,
    state: merged ? "merged" : pull.state,
    head: pull.head.sha,
    landed: merged ? (Sha.safeParse(pull.merge_commit_sha).data ?? null) : null,
    by: pull.merged_by?.login ?? null,
  };
}
