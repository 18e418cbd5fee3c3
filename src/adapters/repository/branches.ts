import { Failure } from "#domain/failure.ts";

/** Production is never replaced, whatever a caller asks for. */
const neverReplaced = ["main", "master"];

/** Branch names that can be nothing else: no option, no refspec, no way out of `refs/heads/`. */
export function validBranch(branch: string): void {
  const usual = /^[A-Za-z0-9][\w./-]*$/.test(branch) && branch.length <= 200;
  if (usual && !/\.\.|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(branch)) return;
  throw new Failure("invalid", `${JSON.stringify(branch.slice(0, 200))} is not a branch name that Vigil uses.`);
}

export function replaceable(branch: string): void {
  validBranch(branch);
  if (neverReplaced.includes(branch)) throw new Failure("invalid", `The branch ${branch} is never replaced.`);
}

/** Only what the agent made for itself is ever removed, and never what it keeps for people. */
export function ownBranch(branch: string): void {
  validBranch(branch);
  if (branch.startsWith("agent/") && !branch.startsWith("agent/archive/")) return;
  throw new Failure("invalid", `The branch ${branch} is never removed.`);
}

/** The branch that keeps what people committed to `branch` up to `from`; the short name may belong to another commit. */
export function archiveFor(heads: Map<string, string>, branch: string, from: string): string {
  return archiveNames(branch, from).find((name) => !heads.has(name)) ?? archiveName(branch, from);
}

/** Where the commits up to `from` are kept already. */
export function archiveOf(heads: Map<string, string>, branch: string, from: string): string | null {
  return archiveNames(branch, from).find((name) => heads.get(name) === from) ?? null;
}

function archiveName(branch: string, from: string): string {
  return `agent/archive/${branch}-${from}`;
}

function archiveNames(branch: string, from: string): string[] {
  return [`agent/archive/${branch}-${from.slice(0, 8)}`, archiveName(branch, from)];
}

export function notShown(branch: string): Failure {
  return new Failure("unavailable", `The remote accepted the branch ${branch}, but does not show it.`);
}

export function lie(branch: string): string {
  return `the remote accepted the push, but ${branch} does not show it`;
}

export function refusedBranch(branch: string, why: string): Failure {
  return new Failure("misconfigured", `The remote refuses the branch ${branch}: ${why}.`, {
    hint: "Let the agent create branches that begin with agent/.",
  });
}

export function racing(branch: string): Failure {
  return new Failure("unavailable", `Others are pushing to ${branch} at this moment.`, { hint: "It is tried again." });
}

export function unrelated(): Failure {
  return new Failure("conflict", "The fix and the branch it is for share no history any more.", {
    hint: "The branch was rewritten. Retry the issue to have the fix written anew.",
  });
}
