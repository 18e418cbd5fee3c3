import { Sha } from "#domain/ids.ts";
import type { Repository } from "#ports/repository.ts";
import {
  archiveFor,
  archiveOf,
  lie,
  notShown,
  ownBranch,
  racing,
  refusedBranch,
  replaceable,
  validBranch,
} from "./branches.ts";
import { contains } from "./local-commit.ts";
import type { Mirror } from "./local-mirror.ts";
import { redact, remoteFailure } from "./local-remote.ts";

type Pushing = Pick<Repository, "publish" | "advance" | "replace" | "withdraw">;
type Push = { kind: "accepted" } | { kind: "lost_race" } | { kind: "rejected"; why: string };

/** Tries of one push that lost a race for a lock; then the job is told to come back. */
const pushTriesMax = 3;
/** The remote's hooks may run for minutes without a word. */
const hookTimeoutFactor = 8;
const whyCharactersMax = 500;
const commitsLookedAtMax = 10_000;

/**
 * Moves branches of the remote. Every push names the exact commit that it expects there, and what it did is asked of the
 * remote afterwards (reliability C3, C14).
 */
export function createPushes(mirror: Mirror, identity: { email: string }): Pushing {
  return {
    publish: (branch, commit) => publish(mirror, branch, commit),
    advance: (branch, move) => advance(mirror, branch, move),
    replace: (branch, move) => replace(mirror, branch, { ...move, agentEmail: identity.email }),
    withdraw: ({ branch, ours }) => remove(mirror, branch, ours),
  };
}

async function publish(mirror: Mirror, branch: string, commit: Sha): Promise<"published" | "taken"> {
  const { remote } = mirror;
  validBranch(branch);
  await mirror.need([commit]);
  for (let attempt = 0; attempt < pushTriesMax; attempt++) {
    const head = await remote.head(branch);
    if (head !== undefined) return head === commit ? "published" : "taken";
    const push = await pushOnce(mirror, { branch, expected: "", to: commit });
    const after = await remote.head(branch);
    const ours = after === commit || (push.kind === "accepted" && (await holds(mirror, after, commit)));
    if (after !== undefined) return ours ? "published" : "taken";
    if (push.kind === "rejected") throw refusedBranch(branch, push.why);
    if (push.kind === "accepted") throw notShown(branch);
  }
  throw racing(branch);
}

async function advance(mirror: Mirror, branch: string, { from, to }: { from: Sha; to: Sha }) {
  const { remote } = mirror;
  validBranch(branch);
  await mirror.need([to]);
  const before = await remote.head(branch);
  if (before === to) return { kind: "advanced" as const };
  if (!(await holds(mirror, to, from))) return before === from ? { kind: "not_forward" as const } : moved(before);
  for (let attempt = 0; attempt < pushTriesMax; attempt++) {
    const push = before === from ? await pushOnce(mirror, { branch, expected: from, to }) : undefined;
    const after = push === undefined ? before : await remote.head(branch);
    // A person may have built on our push, or on that of an earlier try; then the branch holds it as well.
    if (after !== from) return (await holds(mirror, after, to)) ? { kind: "advanced" as const } : moved(after);
    if (push?.kind === "accepted") return { kind: "refused" as const, why: lie(branch) };
    if (push?.kind === "rejected") return { kind: "refused" as const, why: push.why };
  }
  throw racing(branch);
}

async function replace(
  mirror: Mirror,
  branch: string,
  { from, to, agentEmail }: { from: Sha; to: Sha; agentEmail: string },
) {
  const { remote } = mirror;
  replaceable(branch);
  await mirror.need([to]);
  for (let attempt = 0; attempt < pushTriesMax; attempt++) {
    const heads = await remote.heads();
    const before = heads.get(branch);
    if (before === to) return { kind: "replaced" as const, archivedAs: archiveOf(heads, branch, from) };
    if (before !== from) return moved(before);
    const kept = await keepCommits(mirror, { branch, from, to, heads, agentEmail });
    if (kept.kind === "refused") return kept;
    const push = await pushOnce(mirror, { branch, expected: from, to });
    const after = await remote.head(branch);
    const done = after !== from && (await holds(mirror, after, to));
    if (done) return { kind: "replaced" as const, archivedAs: kept.archivedAs };
    if (after !== from) return moved(after);
    if (push.kind === "accepted") return { kind: "refused" as const, why: lie(branch) };
    if (push.kind === "rejected") return { kind: "refused" as const, why: push.why };
  }
  throw racing(branch);
}

/** Deletes a branch of the agent's where it is: there are no pull requests here. */
async function remove(mirror: Mirror, branch: string, ours: Sha[]): ReturnType<Repository["withdraw"]> {
  const { remote } = mirror;
  ownBranch(branch);
  for (let attempt = 0; attempt < pushTriesMax; attempt++) {
    const head = await remote.head(branch);
    if (head === undefined) return { kind: "withdrawn" };
    const known = ours.find((commit) => commit === head);
    if (known === undefined) return { kind: "theirs", head: Sha.parse(head) };
    const push = await pushOnce(mirror, { branch, expected: known, to: "" });
    if (push.kind === "rejected") return { kind: "refused", why: push.why };
  }
  throw racing(branch);
}

/** Whether `commit` is reachable from `head`, which the remote has. */
async function holds(mirror: Mirror, head: string | undefined, commit: string): Promise<boolean> {
  if (head === undefined) return false;
  if (head === commit) return true;
  await mirror.need([head]);
  // The head's whole history is here: a commit that is missing is not in it.
  if (!(await mirror.present([commit])).has(commit)) return false;
  return contains(await mirror.git(), head, commit);
}

/**
 * One push of one branch. `expected` is the commit that must be there, or nothing where the branch must not exist; to nothing is
 * to delete it.
 */
async function pushOnce(mirror: Mirror, move: { branch: string; expected: string; to: string }): Promise<Push> {
  const { remote } = mirror;
  const ref = `refs/heads/${move.branch}`;
  const lease = `--force-with-lease=${ref}:${move.expected}`;
  const options = ["--porcelain", "--no-follow-tags", "--recurse-submodules=no", lease];
  const args = ["push", ...options, "--end-of-options", remote.address.url, `${move.to}:${ref}`];
  const result = await remote.run(args, { timeoutFactor: hookTimeoutFactor });
  if (result.exitCode === 0) return { kind: "accepted" };
  const line = /^!\t[^\t]*\t(.*)$/m.exec(result.stdout.toString("utf8"))?.[1];
  if (line === undefined) throw remoteFailure(remote.address, result.stderr);
  if (
    /stale info|failed to update ref|cannot lock ref|incorrect old value|fetch first|reference already exists/.test(
      line,
    )
  ) {
    return { kind: "lost_race" };
  }
  return { kind: "rejected", why: whyRejected(redact(line, remote.address.secrets), result.stderr) };
}

/** The remote's reason, and what its hook or protection said, in a few plain words. */
function whyRejected(line: string, stderr: string): string {
  const reason = /\((.*)\)\s*$/.exec(line)?.[1] ?? line;
  const said = stderr.split(/[\r\n]+/).flatMap((text) => /^remote: (.*\S)/.exec(text)?.[1] ?? []);
  const hint = reason.includes("checked out")
    ? [
        "the remote is a folder that has this branch checked out: use a bare repository or check out another branch there",
      ]
    : said.filter((text) => !/^(Enumerating|Counting|Compressing|Total|Resolving) /.test(text));
  const why = [reason, ...hint].join(": ").replace(/\p{C}/gu, " ").trim();
  return why.slice(0, whyCharactersMax);
}

type Keeping = { branch: string; from: string; to: string; heads: Map<string, string>; agentEmail: string };

/** Puts what people committed, and what no other branch holds, on a branch of its own before it would become unreachable. */
async function keepCommits(
  mirror: Mirror,
  keeping: Keeping,
): Promise<{ kind: "kept"; archivedAs: string | null } | { kind: "refused"; why: string }> {
  const { branch, from, heads } = keeping;
  const existing = archiveOf(heads, branch, from);
  if (existing !== null) return { kind: "kept", archivedAs: existing };
  if (!(await wouldLosePersonsWork(mirror, keeping))) return { kind: "kept", archivedAs: null };
  const free = archiveFor(heads, branch, from);
  const push = await pushOnce(mirror, { branch: free, expected: "", to: from });
  if ((await mirror.remote.head(free)) === from) return { kind: "kept", archivedAs: free };
  const why = push.kind === "rejected" ? push.why : "the remote does not keep it";
  return { kind: "refused", why: `people's commits on ${branch} cannot be kept under ${free}: ${why}` };
}

async function wouldLosePersonsWork(
  mirror: Mirror,
  { branch, from, to, heads, agentEmail }: Keeping,
): Promise<boolean> {
  const others = [...heads].filter(([name]) => name !== branch).map(([, head]) => head);
  await mirror.need([from]);
  // A head that cannot be had excludes nothing: then rather too much is kept.
  const known = await mirror.present([...new Set(others)]);
  const input = [from, `^${to}`, ...[...known].map((head) => `^${head}`), ""].join("\n");
  const args = ["log", "--format=%ae%n%ce", `--max-count=${commitsLookedAtMax}`, "--stdin"];
  const emails = (await (await mirror.git()).output(args, { input })).toString("utf8").split("\n");
  return emails.some((email) => email !== "" && email !== agentEmail);
}

function moved(head: string | undefined): { kind: "moved"; head: Sha | undefined } {
  return { kind: "moved", head: head === undefined ? undefined : Sha.parse(head) };
}
