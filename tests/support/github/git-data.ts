import { z } from "zod";
import { repositoryUrl, webUrl } from "./addresses.ts";
import {
  type CommitFacts,
  commitOf,
  gitIn,
  gitText,
  isAncestor,
  refAt,
  typeOf,
  withIndex,
  writeCommit,
} from "./git.ts";
import { type Answer, bodyOf, type Call, invalid, notFound, problem, Refusal, routes } from "./router.ts";
import { nowIso } from "./state.ts";

const sha = z.string().regex(/^[0-9a-f]{40}$/);

/** Git's own objects and refs: https://docs.github.com/rest/git */
export const gitDataRoutes = routes({
  "GET /git/ref/:ref* contents=read": getRef,
  "GET /git/matching-refs/:ref* contents=read": matchingRefs,
  "POST /git/refs contents=write": createRef,
  "PATCH /git/refs/:ref* contents=write": updateRef,
  "DELETE /git/refs/:ref* contents=write": deleteRef,
  "POST /git/blobs contents=write": createBlob,
  "GET /git/blobs/:sha contents=read": getBlob,
  "POST /git/trees contents=write": createTree,
  "GET /git/trees/:sha contents=read": getTree,
  "POST /git/commits contents=write": createCommit,
  "GET /git/commits/:sha contents=read": getCommit,
  "POST /git/tags contents=write": createTag,
  "GET /git/tags/:sha contents=read": getTag,
});

function refJson(call: Call, ref: string, id: string) {
  const url = repositoryUrl(call);
  return {
    ref,
    node_id: Buffer.from(ref).toString("base64"),
    url: `${url}/git/${ref}`,
    object: { type: "commit", sha: id, url: `${url}/git/commits/${id}` },
  };
}

async function getRef(call: Call): Promise<Answer> {
  const ref = `refs/${call.params.ref}`;
  const id = await refAt(call.state.folder, ref);
  return id === undefined ? notFound() : { status: 200, body: refJson(call, ref, id) };
}

async function matchingRefs(call: Call): Promise<Answer> {
  const text = await gitText(call.state.folder, ["for-each-ref", "--format=%(refname) %(objectname)"]);
  const found = text.split("\n").flatMap((line) => {
    const [ref = "", id = ""] = line.split(" ");
    return ref.startsWith(`refs/${call.params.ref}`) ? [refJson(call, ref, id)] : [];
  });
  return { status: 200, body: found };
}

async function createRef(call: Call): Promise<Answer> {
  const { ref, sha: id } = bodyOf(call, z.object({ ref: z.string(), sha }));
  if (!/^refs\/.+\/./.test(ref) && !/^refs\/heads\/./.test(ref))
    return problem(422, "Reference name must start with 'refs/' and have at least two slashes.");
  if ((await typeOf(call.state.folder, id)) === undefined) return problem(422, "Object does not exist");
  refuseProtected(call, ref);
  const { code, stderr } = await gitIn(call.state.folder, ["update-ref", ref, id, "0".repeat(40)]);
  if (code === 0) return { status: 201, body: refJson(call, ref, id) };
  return problem(422, /exists|expected/.test(stderr) ? "Reference already exists" : "Reference update failed");
}

async function updateRef(call: Call): Promise<Answer> {
  const { sha: id, force } = bodyOf(call, z.object({ sha, force: z.boolean().optional() }));
  const ref = `refs/${call.params.ref}`;
  const now = await refAt(call.state.folder, ref);
  if (now === undefined) return problem(422, "Reference does not exist");
  if ((await typeOf(call.state.folder, id)) === undefined) return problem(422, "Object does not exist");
  refuseProtected(call, ref);
  if (force !== true && !(await isAncestor(call.state.folder, now, id)))
    return problem(422, "Update is not a fast forward");
  const { code } = await gitIn(call.state.folder, ["update-ref", ref, id, now]);
  return code === 0 ? { status: 200, body: refJson(call, ref, id) } : problem(422, "Reference cannot be updated");
}

async function deleteRef(call: Call): Promise<Answer> {
  const ref = `refs/${call.params.ref}`;
  if ((await refAt(call.state.folder, ref)) === undefined) return problem(422, "Reference does not exist");
  refuseProtected(call, ref);
  await gitText(call.state.folder, ["update-ref", "-d", ref]);
  return { status: 204 };
}

/** What a protected branch answers to whoever pushes to it. */
export function protectionMessage(call: Pick<Call, "state">, ref: string): string | undefined {
  const protection = call.state.protections.get(ref.replace(/^refs\/heads\//, ""));
  return protection === undefined ? undefined : `Repository rule violations found\n\n${protection.message}\n\n`;
}

function refuseProtected(call: Call, ref: string): void {
  const message = protectionMessage(call, ref);
  if (message !== undefined) throw new Refusal(problem(422, message));
}

async function createBlob(call: Call): Promise<Answer> {
  const schema = z.object({ content: z.string(), encoding: z.enum(["utf-8", "base64"]).default("utf-8") });
  const { content, encoding } = bodyOf(call, schema);
  const input = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
  const id = await gitText(call.state.folder, ["hash-object", "-w", "-t", "blob", "--stdin"], { input });
  return { status: 201, body: { sha: id, url: `${repositoryUrl(call)}/git/blobs/${id}` } };
}

async function getBlob(call: Call): Promise<Answer> {
  const id = call.params.sha ?? "";
  if ((await typeOf(call.state.folder, id)) !== "blob") return notFound();
  const { stdout } = await gitIn(call.state.folder, ["cat-file", "blob", id]);
  if (/\.raw\b/.test(call.accept)) {
    return { status: 200, bytes: stdout, headers: { "content-type": "application/vnd.github.raw; charset=utf-8" } };
  }
  const url = `${repositoryUrl(call)}/git/blobs/${id}`;
  const content = stdout.toString("base64").replace(/(.{60})/g, "$1\n");
  return { status: 200, body: { sha: id, node_id: id, size: stdout.length, url, content, encoding: "base64" } };
}

const treeBody = z.object({
  base_tree: sha.optional(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.enum(["100644", "100755", "040000", "160000", "120000"]),
      type: z.enum(["blob", "tree", "commit"]).optional(),
      sha: sha.nullish(),
      content: z.string().optional(),
    }),
  ),
});

async function createTree(call: Call): Promise<Answer> {
  const { base_tree, tree } = bodyOf(call, treeBody);
  const { folder } = call.state;
  const id = await withIndex(async (index) => {
    if (base_tree !== undefined) {
      const { code } = await gitIn(folder, ["read-tree", base_tree], { index });
      if (code !== 0) throw new Refusal(problem(422, "base_tree is not a valid tree oid"));
    }
    const lines: string[] = [];
    for (const entry of tree) {
      if (entry.content !== undefined && entry.sha != null) throw new Refusal(problem(422, "GitRPC::BadObjectState"));
      if (entry.content === undefined && entry.sha === undefined)
        throw new Refusal(problem(422, "Must supply either tree.sha or tree.content"));
      if (entry.content === undefined && entry.sha === null) lines.push(`0 ${"0".repeat(40)}\t${entry.path}\0`);
      else lines.push(`${entry.mode} ${entry.sha ?? (await blobOf(folder, entry.content ?? ""))}\t${entry.path}\0`);
    }
    const { code } = await gitIn(folder, ["update-index", "--replace", "-z", "--index-info"], {
      index,
      input: lines.join(""),
    });
    if (code !== 0) throw new Refusal(problem(422, "tree.path contains a malformed path component"));
    const written = await gitIn(folder, ["write-tree"], { index });
    if (written.code !== 0) throw new Refusal(problem(422, "GitRPC::BadObjectState"));
    return written.stdout.toString("utf8").trim();
  });
  return { status: 201, body: await treeJson(call, id, false) };
}

async function blobOf(folder: string, content: string): Promise<string> {
  return gitText(folder, ["hash-object", "-w", "-t", "blob", "--stdin"], { input: content });
}

/** GitHub lists at most so many entries at once and says `truncated`. Settable, so that a test needs no huge repository. */
export const listing = { entriesMax: 100_000 };

async function treeJson(call: Call, id: string, recursive: boolean) {
  const args = ["ls-tree", "-z", "-l", ...(recursive ? ["-r", "-t"] : []), id];
  const { stdout } = await gitIn(call.state.folder, args);
  const records = stdout
    .toString("utf8")
    .split("\0")
    .filter((record) => record !== "");
  const entries = records.map((record) => {
    const tab = record.indexOf("\t");
    const [mode = "", type = "", entry = "", size = "-"] = record.slice(0, tab).split(/ +/);
    const kind = type === "tree" ? "trees" : "blobs";
    const url = type === "commit" ? {} : { url: `${repositoryUrl(call)}/git/${kind}/${entry}` };
    return {
      path: record.slice(tab + 1),
      mode,
      type,
      sha: entry,
      ...(size === "-" ? {} : { size: Number(size) }),
      ...url,
    };
  });
  const truncated = recursive && entries.length > listing.entriesMax;
  const url = `${repositoryUrl(call)}/git/trees/${id}`;
  return { sha: id, url, tree: truncated ? entries.slice(0, listing.entriesMax) : entries, truncated };
}

async function getTree(call: Call): Promise<Answer> {
  const given = call.params.sha ?? "";
  const { code, stdout } = await gitIn(call.state.folder, [
    "rev-parse",
    "--verify",
    "--quiet",
    "--end-of-options",
    `${given}^{tree}`,
  ]);
  if (code !== 0) return notFound();
  const id = stdout.toString("utf8").trim();
  return { status: 200, body: await treeJson(call, id, call.query.has("recursive")) };
}

const person = z.object({
  name: z.string().min(1),
  email: z.string().min(1),
  date: z.iso.datetime({ offset: true }).optional(),
});

async function createCommit(call: Call): Promise<Answer> {
  const schema = z.object({
    message: z.string(),
    tree: sha,
    parents: z.array(sha).default([]),
    author: person.optional(),
    committer: person.optional(),
  });
  const { message, tree, parents, author, committer } = bodyOf(call, schema);
  const { folder } = call.state;
  if ((await typeOf(folder, tree)) !== "tree") return invalid("Commit", "tree", "missing", "Tree SHA does not exist");
  for (const parent of parents) {
    if ((await typeOf(folder, parent)) !== "commit")
      return problem(422, "Parent SHA does not exist or is not a commit object");
  }
  const self = { name: call.token.login, email: `${call.token.login}@users.noreply.github.com` };
  const by = (given: z.infer<typeof person> | undefined) => ({ ...(given ?? self), date: given?.date ?? nowIso() });
  const id = await writeCommit(folder, {
    tree,
    parents,
    message,
    author: by(author),
    committer: by(committer ?? author),
  });
  const commit = await commitOf(folder, id);
  return commit === undefined ? notFound() : { status: 201, body: gitCommitJson(call, commit) };
}

export function gitCommitJson(call: Call, commit: CommitFacts) {
  const url = repositoryUrl(call);
  return {
    sha: commit.sha,
    node_id: commit.sha,
    url: `${url}/git/commits/${commit.sha}`,
    html_url: `${webUrl(call)}/commit/${commit.sha}`,
    author: commit.author,
    committer: commit.committer,
    tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: `${url}/git/commits/${parent}`,
      html_url: `${webUrl(call)}/commit/${parent}`,
    })),
    verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
  };
}

async function getCommit(call: Call): Promise<Answer> {
  const commit = await commitOf(call.state.folder, call.params.sha ?? "");
  return commit === undefined ? notFound() : { status: 200, body: gitCommitJson(call, commit) };
}

async function createTag(call: Call): Promise<Answer> {
  const schema = z.object({
    tag: z.string().min(1),
    message: z.string(),
    object: sha,
    type: z.enum(["commit", "tree", "blob"]),
    tagger: person.optional(),
  });
  const { tag, message, object, type, tagger } = bodyOf(call, schema);
  if ((await typeOf(call.state.folder, object)) !== type) return problem(422, "Object does not exist");
  const by = {
    name: call.token.login,
    email: `${call.token.login}@users.noreply.github.com`,
    ...tagger,
    date: tagger?.date ?? nowIso(),
  };
  const seconds = Math.floor(Date.parse(by.date) / 1_000);
  const input = `object ${object}\ntype ${type}\ntag ${tag}\ntagger ${by.name} <${by.email}> ${seconds} +0000\n\n${message}\n`;
  const id = await gitText(call.state.folder, ["hash-object", "-w", "-t", "tag", "--stdin"], { input });
  return { status: 201, body: { sha: id, tag, message, tagger: by, object: { type, sha: object } } };
}

async function getTag(call: Call): Promise<Answer> {
  const id = call.params.sha ?? "";
  if ((await typeOf(call.state.folder, id)) !== "tag") return notFound();
  const text = await gitText(call.state.folder, ["cat-file", "tag", id]);
  const value = (name: string) => new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? "";
  const message = text.slice(text.indexOf("\n\n") + 2);
  return {
    status: 200,
    body: { sha: id, tag: value("tag"), message, object: { type: value("type"), sha: value("object") } },
  };
}
