import { z } from "zod";
import type { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import type { Client } from "../../github/client.ts";
import { statusOf } from "../../github/failures.ts";
import { ownBranch } from "../branches.ts";
import { headOf, type MovingWorld, noCommit, tryToMove } from "./moving.ts";
import type { createProposals } from "./proposals.ts";

type Withdrawing = Pick<Repository, "withdraw">;

const commentPagesMax = 3;
const pageSize = 100;

/** Clears away what an ended fix left at GitHub: first its pull request, with the reason, then its branch. */
export function createWithdrawing(
  world: MovingWorld,
  { proposal }: Pick<ReturnType<typeof createProposals>, "proposal">,
): Withdrawing {
  const { client } = world;
  return {
    async withdraw({ branch, into, ours, comment }) {
      ownBranch(branch);
      const head = await headOf(world, branch);
      if (head !== undefined && !ours.includes(head)) return { kind: "theirs", head };
      const pull = await proposal(branch, into);
      if (pull?.state === "open") {
        if (!ours.includes(pull.head)) return { kind: "theirs", head: pull.head };
        await say(client, pull.number, comment);
        await client.call((api) => api.pulls.update({ ...client.repo, pull_number: pull.number, state: "closed" }));
      }
      return head === undefined ? { kind: "withdrawn" } : remove(world, branch, head);
    },
  };
}

/** Deletes the branch where it is: what a person pushes at this very moment stays. */
async function remove(world: MovingWorld, branch: string, from: Sha): ReturnType<Repository["withdraw"]> {
  const push = await tryToMove(world, branch, { from, to: noCommit, force: true });
  const after = await headOf(world, branch);
  if (after === undefined) return { kind: "withdrawn" };
  if (after !== from) return { kind: "theirs", head: after };
  return { kind: "refused", why: push.kind === "rejected" ? push.why : `the remote does not delete ${branch}` };
}

const Comments = z.array(z.object({ body: z.string().nullish() }));

/** A comment that is there already, because a process died after it, is not written twice. */
async function say(client: Client, number: number, body: string): Promise<void> {
  const about = { ...client.repo, issue_number: number };
  for (let page = 1; page <= commentPagesMax; page++) {
    const { data } = await client.call((api) => api.issues.listComments({ ...about, per_page: pageSize, page }));
    const comments = Comments.parse(data);
    if (comments.some((comment) => comment.body?.replaceAll("\r\n", "\n").trim() === body.trim())) return;
    if (comments.length < pageSize) break;
  }
  await client.call(async (api) => {
    try {
      // Not repeated by the client: an answer that was lost would say it twice.
      await api.issues.createComment({ ...about, body, request: { retries: 0 } });
    } catch (error) {
      // A person locked the conversation: the dashboard has the reason as well.
      if (statusOf(error) !== 403 || !/locked/i.test(String(error))) throw error;
    }
  });
}
