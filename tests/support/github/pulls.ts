import { z } from "zod";
import { repositoryUrl, webUrl } from "./addresses.ts";
import { commitOf, commitsOf, gitIn, isAncestor, mergedTree, refAt, resolve, writeCommit } from "./git.ts";
import { commitJson, repositoryJson } from "./repository.ts";
import { type Answer, bodyOf, type Call, invalid, notFound, pageOf, problem, routes } from "./router.ts";
import { nextId, nowIso, type PullRequest, type State } from "./state.ts";

/** https://docs.github.com/rest/pulls */
export const pullRoutes = routes({
  "GET /pulls pull_requests=read": listPulls,
  "POST /pulls pull_requests=write": createPull,
  "GET /pulls/:number pull_requests=read": getPull,
  "PATCH /pulls/:number pull_requests=write": updatePull,
  "GET /pulls/:number/commits pull_requests=read": pullCommits,
  "GET /issues/:number/comments pull_requests=read": listComments,
  "POST /issues/:number/comments pull_requests=write": createComment,
  "PUT /pulls/:number/merge contents=write": mergePull,
});

/** Brings what is known up to date with git: a head that reached its base is merged, one that is gone is closed. */
async function refresh(state: State, pull: PullRequest): Promise<void> {
  if (pull.state === "closed") return;
  const head = await refAt(state.folder, `refs/heads/${pull.head}`);
  const base = await refAt(state.folder, `refs/heads/${pull.base}`);
  if (head !== undefined) pull.headSha = head;
  if (base !== undefined && (await isAncestor(state.folder, pull.headSha, base))) {
    close(pull, { by: "github", mergeCommit: base });
  } else if (head === undefined) close(pull, { by: "github", mergeCommit: null });
}

function close(pull: PullRequest, { by, mergeCommit }: { by: string; mergeCommit: string | null }): void {
  pull.state = "closed";
  pull.closedAt = nowIso();
  pull.updatedAt = pull.closedAt;
  if (mergeCommit === null) return;
  pull.mergedAt = pull.closedAt;
  pull.mergedBy = by;
  pull.mergeCommitSha = mergeCommit;
}

async function pullJson(call: Call, pull: PullRequest) {
  const { state } = call;
  await refresh(state, pull);
  const base = await refAt(state.folder, `refs/heads/${pull.base}`);
  const open = pull.state === "open" && base !== undefined;
  const mergeable = open ? (await mergedTree(state.folder, base, pull.headSha)) !== undefined : null;
  const url = `${repositoryUrl(call)}/pulls/${pull.number}`;
  const side = (ref: string, sha: string | undefined) => ({
    label: `${state.owner}:${ref}`,
    ref,
    sha,
    user: { login: state.owner },
    repo: repositoryJson(call),
  });
  return {
    id: pull.number + 900_000,
    number: pull.number,
    url,
    html_url: `${webUrl(call)}/pull/${pull.number}`,
    state: pull.state,
    locked: pull.locked,
    title: pull.title,
    body: pull.body,
    user: { login: pull.user, type: "Bot" },
    draft: pull.draft,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommitSha,
    head: side(pull.head, pull.headSha),
    base: side(pull.base, base),
    merged: pull.mergedAt !== null,
    mergeable,
    mergeable_state: mergeable === false ? "dirty" : "clean",
    merged_by: pull.mergedBy === null ? null : { login: pull.mergedBy, type: "User" },
  };
}

function pullOf(call: Call): PullRequest | undefined {
  return call.state.pulls.find(({ number }) => String(number) === call.params.number);
}

async function listPulls(call: Call): Promise<Answer> {
  const wanted = call.query.get("state") ?? "open";
  const head = call.query.get("head");
  const base = call.query.get("base");
  for (const pull of call.state.pulls) await refresh(call.state, pull);
  const found = call.state.pulls
    .filter((pull) => wanted === "all" || pull.state === wanted)
    .filter((pull) => head === null || head === `${call.state.owner}:${pull.head}`)
    .filter((pull) => base === null || base === pull.base)
    .sort((a, b) => b.number - a.number);
  const { items, headers } = pageOf(call, found);
  const body = [];
  for (const pull of items) {
    // A list says less than one pull request: not whether it can be merged, nor who merged it.
    const { merged, mergeable, mergeable_state, merged_by, ...rest } = await pullJson(call, pull);
    body.push(rest);
  }
  return { status: 200, body, headers };
}

async function createPull(call: Call): Promise<Answer> {
  const schema = z.object({
    title: z.string(),
    head: z.string(),
    base: z.string(),
    body: z.string().max(65_536).nullish(),
    draft: z.boolean().optional(),
  });
  const { title, head: given, base, body, draft } = bodyOf(call, schema);
  const { state } = call;
  const head = given.replace(`${state.owner}:`, "");
  const [headSha, baseSha] = [
    await refAt(state.folder, `refs/heads/${head}`),
    await refAt(state.folder, `refs/heads/${base}`),
  ];
  if (headSha === undefined) return invalid("PullRequest", "head", "invalid");
  if (baseSha === undefined) return invalid("PullRequest", "base", "invalid");
  for (const pull of state.pulls) await refresh(state, pull);
  if (state.pulls.some((pull) => pull.state === "open" && pull.head === head && pull.base === base)) {
    return invalid("PullRequest", "", "custom", `A pull request already exists for ${state.owner}:${head}.`);
  }
  if (await isAncestor(state.folder, headSha, baseSha)) {
    return invalid("PullRequest", "", "custom", `No commits between ${base} and ${head}`);
  }
  const at = nowIso();
  const pull: PullRequest = {
    number: nextId(state) - 1_000,
    title,
    body: body ?? null,
    user: call.token.login,
    head,
    headSha,
    base,
    state: "open",
    draft: draft ?? false,
    mergedAt: null,
    mergedBy: null,
    mergeCommitSha: null,
    closedAt: null,
    createdAt: at,
    updatedAt: at,
    comments: [],
    locked: false,
  };
  state.pulls.push(pull);
  return { status: 201, body: await pullJson(call, pull) };
}

async function getPull(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  return pull === undefined ? notFound() : { status: 200, body: await pullJson(call, pull) };
}

async function updatePull(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  if (pull === undefined) return notFound();
  const schema = z.object({
    title: z.string().optional(),
    body: z.string().max(65_536).nullish(),
    state: z.enum(["open", "closed"]).optional(),
  });
  const change = bodyOf(call, schema);
  await refresh(call.state, pull);
  if (change.title !== undefined) pull.title = change.title;
  if (change.body !== undefined) pull.body = change.body;
  if (change.state === "closed" && pull.state === "open") close(pull, { by: call.token.login, mergeCommit: null });
  if (change.state === "open" && pull.state === "closed") {
    if (pull.mergedAt !== null)
      return invalid("PullRequest", "state", "invalid", "state cannot be changed. The pull request is merged.");
    pull.state = "open";
    pull.closedAt = null;
  }
  pull.updatedAt = nowIso();
  return { status: 200, body: await pullJson(call, pull) };
}

async function pullCommits(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  if (pull === undefined) return notFound();
  await refresh(call.state, pull);
  const base = await resolve(call.state.folder, pull.base);
  const commits = await commitsOf(call.state.folder, [
    "--reverse",
    pull.headSha,
    ...(base === undefined ? [] : [`^${base}`]),
  ]);
  const { items, headers } = pageOf(call, commits);
  return { status: 200, body: items.map((commit) => commitJson(call, commit)), headers };
}

/** https://docs.github.com/rest/issues/comments: a pull request is an issue as well. */
function listComments(call: Call): Answer {
  const pull = pullOf(call);
  if (pull === undefined) return notFound();
  const { items, headers } = pageOf(call, pull.comments);
  return { status: 200, body: items.map(commentJson), headers };
}

function createComment(call: Call): Answer {
  const pull = pullOf(call);
  if (pull === undefined) return notFound();
  const { body } = bodyOf(call, z.object({ body: z.string().min(1).max(65_536) }));
  if (pull.locked) return problem(403, "Unable to create comment because issue is locked.");
  const comment = { id: nextId(call.state), body, user: call.token.login, createdAt: nowIso() };
  pull.comments.push(comment);
  return { status: 201, body: commentJson(comment) };
}

function commentJson({ id, body, user, createdAt }: PullRequest["comments"][number]) {
  return { id, body, user: { login: user }, created_at: createdAt, updated_at: createdAt };
}

async function mergePull(call: Call): Promise<Answer> {
  const pull = pullOf(call);
  if (pull === undefined) return notFound();
  const schema = z.object({
    sha: z.string().optional(),
    merge_method: z.enum(["merge", "squash", "rebase"]).default("merge"),
    commit_title: z.string().optional(),
    commit_message: z.string().optional(),
  });
  const { sha, merge_method, commit_title } = bodyOf(call, schema);
  await refresh(call.state, pull);
  if (sha !== undefined && sha !== pull.headSha)
    return problem(409, "Head branch was modified. Review and try the merge again.");
  const protection = call.state.protections.get(pull.base);
  if (protection !== undefined && !protection.allowsMerge)
    return problem(405, `Repository rule violations found\n\n${protection.message}\n\n`);
  const merged = await mergePullRequest(call.state, pull, {
    by: call.token.login,
    method: merge_method,
    title: commit_title,
  });
  if (merged === undefined) return problem(405, "Pull Request is not mergeable");
  return { status: 200, body: { sha: merged, merged: true, message: "Pull Request successfully merged" } };
}

/** Merges as a person would with the button; `undefined`: it cannot be merged. */
export async function mergePullRequest(
  state: State,
  pull: PullRequest,
  { by, method, title }: { by: string; method: "merge" | "squash" | "rebase"; title?: string | undefined },
): Promise<string | undefined> {
  await refresh(state, pull);
  const { folder } = state;
  const base = await refAt(folder, `refs/heads/${pull.base}`);
  if (pull.state === "closed" || base === undefined) return undefined;
  const tree = await mergedTree(folder, base, pull.headSha);
  if (tree === undefined) return undefined;
  const head = await commitOf(folder, pull.headSha);
  const author = { name: by, email: `${by}@users.noreply.github.com`, date: nowIso() };
  const committer = { name: "GitHub", email: "noreply@github.com", date: author.date };
  const merge = method === "merge";
  const message =
    title ??
    (merge
      ? `Merge pull request #${pull.number} from ${state.owner}/${pull.head}\n\n${pull.title}`
      : `${pull.title} (#${pull.number})`);
  const parents = merge ? [base, pull.headSha] : [base];
  const commit = await writeCommit(folder, {
    tree,
    parents,
    author: method === "rebase" && head !== undefined ? head.author : author,
    committer,
    message: method === "rebase" && head !== undefined ? head.message : message,
  });
  const { code } = await gitIn(folder, ["update-ref", `refs/heads/${pull.base}`, commit, base]);
  if (code !== 0) return undefined;
  close(pull, { by, mergeCommit: commit });
  return commit;
}

export function closePullRequest(pull: PullRequest, by: string): void {
  close(pull, { by, mergeCommit: null });
}
