import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const environment = {
  NODE_ENV: "test" as const,
  PATH: process.env.PATH ?? "",
  HOME: "/nonexistent",
  LC_ALL: "C.UTF-8",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_LITERAL_PATHSPECS: "1",
  GIT_COMMITTER_NAME: "GitHub",
  GIT_COMMITTER_EMAIL: "noreply@github.com",
};

export interface GitResult {
  code: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs git in the bare repository `folder`; an exit code is an answer, not an error. */
export function gitIn(
  folder: string,
  args: string[],
  { input = "", index }: { input?: string | Buffer; index?: string } = {},
): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const env = index === undefined ? environment : { ...environment, GIT_INDEX_FILE: index };
    const options = { cwd: folder, env, maxBuffer: 512 * 1024 * 1024, encoding: "buffer" as const };
    const child = execFile("git", args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code !== "number") return reject(error);
      resolve({ code, stdout, stderr: stderr.toString("utf8") });
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** The output of a call that must succeed, as text without its last line break. */
export async function gitText(folder: string, args: string[], options = {}): Promise<string> {
  const { code, stdout, stderr } = await gitIn(folder, args, options);
  if (code !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`);
  return stdout.toString("utf8").replace(/\n$/, "");
}

/** What git writes, as it writes it: for archives. */
export function gitStream(folder: string, args: string[]) {
  const child = spawn("git", args, { cwd: folder, env: environment, stdio: ["ignore", "pipe", "ignore"] });
  return child.stdout;
}

/** A place for an index of its own. */
export async function withIndex<T>(act: (index: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-github-"));
  try {
    return await act(join(folder, "index"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface CommitFacts {
  sha: string;
  tree: string;
  parents: string[];
  author: { name: string; email: string; date: string };
  committer: { name: string; email: string; date: string };
  message: string;
}

const format = "--format=%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%at%x1f%cn%x1f%ce%x1f%ct%x1f%B";

/** The commits that `git log` would show for `range`. */
export async function commitsOf(folder: string, range: string[]): Promise<CommitFacts[]> {
  const text = await gitText(folder, ["log", "-z", format, ...range]);
  return text.split("\0").flatMap((record) => (record === "" ? [] : [parseCommit(record)]));
}

export async function commitOf(folder: string, sha: string): Promise<CommitFacts | undefined> {
  if ((await typeOf(folder, sha)) !== "commit") return undefined;
  return (await commitsOf(folder, ["--max-count=1", sha]))[0];
}

function parseCommit(record: string): CommitFacts {
  const [sha = "", tree = "", parents = "", an = "", ae = "", at = "0", cn = "", ce = "", ct = "0", ...message] =
    record.split("\x1f");
  return {
    sha,
    tree,
    parents: parents.split(" ").filter((parent) => parent !== ""),
    author: { name: an, email: ae, date: isoOf(at) },
    committer: { name: cn, email: ce, date: isoOf(ct) },
    message: message.join("\x1f").replace(/\n$/, ""),
  };
}

function isoOf(seconds: string): string {
  return new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z");
}

/** `commit`, `tree`, `blob`, `tag`, or `undefined` where there is no such object. */
export async function typeOf(folder: string, sha: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{40}$/.test(sha)) return undefined;
  const { code, stdout } = await gitIn(folder, ["cat-file", "-t", sha]);
  return code === 0 ? stdout.toString("utf8").trim() : undefined;
}

/** The commit that a branch name, a full ref or an id names. */
export async function resolve(folder: string, name: string): Promise<string | undefined> {
  if (/^[0-9a-f]{40}$/.test(name)) return (await typeOf(folder, name)) === "commit" ? name : undefined;
  for (const ref of [`refs/heads/${name}`, `refs/tags/${name}`, name]) {
    const { code, stdout } = await gitIn(folder, [
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${ref}^{commit}`,
    ]);
    if (code === 0) return stdout.toString("utf8").trim();
  }
  return undefined;
}

/** Where a ref points; `undefined` when there is none. */
export async function refAt(folder: string, ref: string): Promise<string | undefined> {
  const { code, stdout } = await gitIn(folder, ["show-ref", "--verify", "--hash", "--", ref]);
  return code === 0 ? stdout.toString("utf8").trim() : undefined;
}

export async function isAncestor(folder: string, ancestor: string, descendant: string): Promise<boolean> {
  return (await gitIn(folder, ["merge-base", "--is-ancestor", ancestor, descendant])).code === 0;
}

/** Writes a commit object exactly as it is given. */
export async function writeCommit(folder: string, commit: Omit<CommitFacts, "sha">): Promise<string> {
  const line = (who: CommitFacts["author"]) =>
    `${who.name} <${who.email}> ${Math.floor(Date.parse(who.date) / 1_000)} +0000`;
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${line(commit.author)}`,
    `committer ${line(commit.committer)}`,
    "",
    commit.message,
  ];
  return gitText(folder, ["hash-object", "-w", "-t", "commit", "--stdin"], { input: lines.join("\n") });
}

/** The merge of two commits as a tree, or `undefined` where they conflict. */
export async function mergedTree(folder: string, ours: string, theirs: string): Promise<string | undefined> {
  const { code, stdout } = await gitIn(folder, ["merge-tree", "--write-tree", "--no-messages", ours, theirs]);
  return code === 0 ? stdout.toString("utf8").trim() : undefined;
}
