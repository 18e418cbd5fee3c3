import { createGzip } from "node:zlib";
import { z } from "zod";
import { repositoryUrl, webUrl } from "./addresses.ts";
import {
  type CommitFacts,
  commitOf,
  commitsOf,
  gitIn,
  gitStream,
  gitText,
  isAncestor,
  mergedTree,
  refAt,
  resolve,
  typeOf,
  withIndex,
  writeCommit,
} from "./git.ts";
import { protectionMessage } from "./git-data.ts";
import { type Answer, bodyOf, type Call, notFound, pageOf, problem, routes } from "./router.ts";
import { nowIso } from "./state.ts";

/** The repository as people see it: https://docs.github.com/rest/repos, /commits, /branches */
export const repositoryRoutes = routes({
  "GET / metadata=read": getRepository,
  "GET /branches contents=read": listBranches,
  "GET /branches/:branch* contents=read": getBranch,
  "GET /rules/branches/:branch* metadata=read": (call) => ({
    status: 200,
    body: call.state.branchRules.get(call.params.branch ?? "") ?? [],
  }),
  "GET /contents/:path* contents=read": getContents,
  "PUT /contents/:path* contents=write": putContents,
  "GET /tarball/:ref* contents=read": redirectToTarball,
  "GET /commits contents=read": listCommits,
  "GET /compare/:range* contents=read": compare,
  "POST /merges contents=write": mergeBranch,
});

/** `GET /repos/…/commits/:ref`, which must come after the longer addresses below it. */
export const commitRoutes = routes({ "GET /commits/:ref* contents=read": getCommit });

export function repositoryJson(call: Call) {
  const { owner, name, id, folder } = call.state;
  void folder;
  return {
    id,
    node_id: `R_${id}`,
    name,
    full_name: `${owner}/${name}`,
    private: true,
    archived: false,
    owner: { login: owner, id: 1, type: "Organization" },
    html_url: webUrl(call),
    url: repositoryUrl(call),
    default_branch: "main",
    permissions: {
      admin: false,
      maintain: false,
      push: call.token.permissions.contents === "write",
      triage: false,
      pull: true,
    },
  };
}

function getRepository(call: Call): Answer {
  return { status: 200, body: repositoryJson(call) };
}

async function listBranches(call: Call): Promise<Answer> {
  const text = await gitText(call.state.folder, [
    "for-each-ref",
    "--format=%(refname:lstrip=2) %(objectname)",
    "refs/heads",
  ]);
  const branches = text.split("\n").flatMap((line) => {
    const [name = "", sha = ""] = line.split(" ");
    return name === "" ? [] : [branchJson(call, name, sha)];
  });
  const { items, headers } = pageOf(call, branches);
  return { status: 200, body: items, headers };
}

function branchJson(call: Call, name: string, sha: string) {
  const required = call.state.requiredChecks.get(name) ?? [];
  const isProtected = call.state.protections.has(name) || required.length > 0;
  return {
    name,
    commit: { sha, url: `${repositoryUrl(call)}/commits/${sha}` },
    protected: isProtected,
    protection: {
      enabled: isProtected,
      required_status_checks: {
        enforcement_level: required.length > 0 ? "everyone" : "off",
        contexts: required.map(({ context }) => context),
        checks: required.map(({ context, appId }) => ({ context, app_id: appId })),
      },
    },
    protection_url: `${repositoryUrl(call)}/branches/${name}/protection`,
  };
}

async function getBranch(call: Call): Promise<Answer> {
  const name = call.params.branch ?? "";
  const sha = await refAt(call.state.folder, `refs/heads/${name}`);
  return sha === undefined ? problem(404, "Branch not found") : { status: 200, body: branchJson(call, name, sha) };
}

async function getContents(call: Call): Promise<Answer> {
  const commit = await resolve(call.state.folder, call.query.get("ref") ?? "main");
  const path = call.params.path ?? "";
  if (commit === undefined) return problem(404, `No commit found for the ref ${call.query.get("ref")}`);
  const line = await gitText(call.state.folder, ["ls-tree", "-z", commit, path]);
  const [, type = "", sha = ""] = line.split(/[ \t]/);
  if (type !== "blob") return notFound();
  const { stdout } = await gitIn(call.state.folder, ["cat-file", "blob", sha]);
  if (/\.raw\b/.test(call.accept)) {
    return { status: 200, bytes: stdout, headers: { "content-type": "application/vnd.github.raw; charset=utf-8" } };
  }
  const content = stdout.toString("base64");
  return {
    status: 200,
    body: { type: "file", name: path.split("/").at(-1), path, sha, size: stdout.length, encoding: "base64", content },
  };
}

async function putContents(call: Call): Promise<Answer> {
  const schema = z.object({
    message: z.string(),
    content: z.base64(),
    sha: z.string().optional(),
    branch: z.string().default("main"),
  });
  const { message, content, sha, branch } = bodyOf(call, schema);
  const { folder } = call.state;
  const path = call.params.path ?? "";
  const head = await refAt(folder, `refs/heads/${branch}`);
  if (head === undefined) return problem(404, `Branch ${branch} not found`);
  const refused = protectionMessage(call, branch);
  if (refused !== undefined) return problem(409, refused);
  const line = await gitText(folder, ["ls-tree", "-z", head, path]);
  const there = line === "" ? undefined : line.split(/[ \t]/)[2];
  if (there !== undefined && sha === undefined) return problem(422, `Invalid request.\n\n"sha" wasn't supplied.`);
  if (sha !== undefined && there !== sha) return problem(409, `${path} does not match ${sha}`);
  const blob = await gitText(folder, ["hash-object", "-w", "-t", "blob", "--stdin"], {
    input: Buffer.from(content, "base64"),
  });
  const tree = await withIndex(async (index) => {
    await gitText(folder, ["read-tree", head], { index });
    await gitText(folder, ["update-index", "-z", "--index-info"], { index, input: `100644 ${blob}\t${path}\0` });
    return gitText(folder, ["write-tree"], { index });
  });
  const by = { name: call.token.login, email: `${call.token.login}@users.noreply.github.com`, date: nowIso() };
  const commit = await writeCommit(folder, { tree, parents: [head], author: by, committer: by, message });
  await gitText(folder, ["update-ref", `refs/heads/${branch}`, commit, head]);
  return {
    status: there === undefined ? 201 : 200,
    body: { content: { path, sha: blob }, commit: { sha: commit, message } },
  };
}

/** As GitHub does it: to an address of another host that needs no credentials. */
async function redirectToTarball(call: Call): Promise<Answer> {
  const commit = await resolve(call.state.folder, call.params.ref ?? "");
  if (commit === undefined) return notFound();
  const { owner, name } = call.state;
  return { status: 302, headers: { location: `${call.origin}/codeload/${owner}/${name}/${commit}` } };
}

/** The archive itself, with the folder that GitHub puts around it. */
export function tarball(call: Pick<Call, "state">, commit: string): Answer {
  const { owner, name, folder } = call.state;
  const prefix = `--prefix=${owner}-${name}-${commit.slice(0, 7)}/`;
  const archive = gitStream(folder, ["archive", "--format=tar", prefix, commit]);
  return { status: 200, stream: archive.pipe(createGzip()), headers: { "content-type": "application/x-gzip" } };
}

export function commitJson(call: Call, commit: CommitFacts) {
  return {
    sha: commit.sha,
    node_id: commit.sha,
    url: `${repositoryUrl(call)}/commits/${commit.sha}`,
    html_url: `${webUrl(call)}/commit/${commit.sha}`,
    commit: {
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      tree: { sha: commit.tree, url: `${repositoryUrl(call)}/git/trees/${commit.tree}` },
      comment_count: 0,
    },
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({ sha, url: `${repositoryUrl(call)}/commits/${sha}` })),
  };
}

async function listCommits(call: Call): Promise<Answer> {
  const start = call.query.get("sha") ?? "main";
  const commit = await resolve(call.state.folder, start);
  if (commit === undefined) return notFound();
  const path = call.query.get("path");
  const commits = await commitsOf(call.state.folder, [commit, ...(path === null ? [] : ["--", path])]);
  const { items, headers } = pageOf(call, commits);
  return { status: 200, body: items.map((item) => commitJson(call, item)), headers };
}

async function getCommit(call: Call): Promise<Answer> {
  const ref = call.params.ref ?? "";
  const id = await resolve(call.state.folder, ref);
  const commit = id === undefined ? undefined : await commitOf(call.state.folder, id);
  if (commit === undefined) return problem(422, `No commit found for SHA: ${ref}`);
  return {
    status: 200,
    body: { ...commitJson(call, commit), files: await filesBetween(call, commit.parents[0], commit.sha) },
  };
}

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

async function filesBetween(call: Call, from: string | undefined, to: string) {
  const { folder } = call.state;
  const raw = await gitText(folder, ["diff-tree", "-r", "-z", "-M", "--name-status", from ?? emptyTree, to]);
  const fields = raw.split("\0");
  const files: { filename: string; status: string; previous_filename?: string }[] = [];
  const names: Record<string, string> = { A: "added", D: "removed", M: "modified", T: "changed" };
  for (let index = 0; index + 1 < fields.length; ) {
    const status = fields[index] ?? "";
    if (status.startsWith("R")) {
      files.push({ filename: fields[index + 2] ?? "", status: "renamed", previous_filename: fields[index + 1] ?? "" });
      index += 3;
    } else {
      files.push({ filename: fields[index + 1] ?? "", status: names[status.charAt(0)] ?? "modified" });
      index += 2;
    }
  }
  return files.slice(0, 300);
}

async function compare(call: Call): Promise<Answer> {
  const { folder } = call.state;
  const [baseName = "", headName = ""] = (call.params.range ?? "").split("...");
  const [base, head] = [await resolve(folder, baseName), await resolve(folder, headName)];
  if (base === undefined || head === undefined) return notFound();
  const found = await gitIn(folder, ["merge-base", base, head]);
  if (found.code !== 0) return problem(404, `No common ancestor between ${baseName} and ${headName}.`);
  const mergeBase = found.stdout.toString("utf8").trim();
  const counts = await gitText(folder, ["rev-list", "--left-right", "--count", `${base}...${head}`]);
  const [behind = 0, ahead = 0] = counts.split("\t").map(Number);
  const commits = await commitsOf(folder, ["--reverse", head, `^${base}`]);
  const { items, headers } = pageOf(call, commits, 250);
  const facts = async (id: string) => {
    const commit = await commitOf(folder, id);
    return commit === undefined ? null : commitJson(call, commit);
  };
  const first = Number(call.query.get("page") ?? 1) <= 1;
  return {
    status: 200,
    headers,
    body: {
      url: `${repositoryUrl(call)}/compare/${base}...${head}`,
      base_commit: await facts(base),
      merge_base_commit: await facts(mergeBase),
      status: statusOf(ahead, behind),
      ahead_by: ahead,
      behind_by: behind,
      total_commits: commits.length,
      commits: items.map((item) => commitJson(call, item)),
      files: first ? await filesBetween(call, mergeBase, head) : undefined,
    },
  };
}

function statusOf(ahead: number, behind: number): string {
  if (ahead === 0) return behind === 0 ? "identical" : "behind";
  return behind === 0 ? "ahead" : "diverged";
}

async function mergeBranch(call: Call): Promise<Answer> {
  const schema = z.object({ base: z.string(), head: z.string(), commit_message: z.string().optional() });
  const { base, head, commit_message } = bodyOf(call, schema);
  const { folder } = call.state;
  const ref = `refs/heads/${base}`;
  const [ours, theirs] = [await refAt(folder, ref), await resolve(folder, head)];
  if (ours === undefined) return problem(404, "Base does not exist");
  if (theirs === undefined) return problem(404, "Head does not exist");
  const refused = protectionMessage(call, ref);
  if (refused !== undefined) return problem(403, refused);
  if (await isAncestor(folder, theirs, ours)) return { status: 204 };
  const tree = await mergedTree(folder, ours, theirs);
  if (tree === undefined) return problem(409, "Merge conflict");
  const by = { name: call.token.login, email: `${call.token.login}@users.noreply.github.com`, date: nowIso() };
  const committer = { name: "GitHub", email: "noreply@github.com", date: by.date };
  const message = commit_message ?? `Merge ${head} into ${base}`;
  const merged = await writeCommit(folder, { tree, parents: [ours, theirs], author: by, committer, message });
  const { code } = await gitIn(folder, ["update-ref", ref, merged, ours]);
  if (code !== 0) return problem(409, "Base branch was modified. Review and try the merge again.");
  const commit = await commitOf(folder, merged);
  return commit === undefined ? notFound() : { status: 201, body: commitJson(call, commit) };
}

export async function isCommit(call: Call, sha: string): Promise<boolean> {
  return (await typeOf(call.state.folder, sha)) === "commit";
}
