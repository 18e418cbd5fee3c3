import { spawn } from "node:child_process";
import { once } from "node:events";
import { git } from "./git.ts";

/** What Git itself shows of what the agent and people did, whatever the agent wrote down about it. */
export interface Remote {
  /** The bare repository that everybody pushes to. */
  remote: string;
  agentEmail: string;
}

/** Commits of people that no branch and no tag holds any more. */
export async function lostWork({ remote, agentEmail }: Remote): Promise<{ commit: string; author: string }[]> {
  const listed = await git(remote, "fsck", "--unreachable", "--no-reflogs", "--no-progress");
  const commits = listed.split("\n").flatMap((line) => /^unreachable commit ([0-9a-f]{40})$/.exec(line)?.[1] ?? []);
  const authors = await Promise.all(commits.map((commit) => git(remote, "show", "--no-patch", "--format=%ae", commit)));
  return commits
    .map((commit, n) => ({ commit, author: authors[n] ?? "" }))
    .filter(({ author }) => author !== agentEmail);
}

/** The agent's reverts that main holds. */
export async function revertsOn({ remote, agentEmail }: Remote): Promise<string[]> {
  const found = await git(remote, "rev-list", `--author=<${agentEmail}>`, "--grep=^Reverts:", "main");
  return found.split("\n").filter((line) => line !== "");
}

/** Commits, merges and reverts that the agent made more than once for the same fix. */
export async function doubledInGit({ remote, agentEmail }: Remote): Promise<string[]> {
  const format = "%(trailers:key=Vigil-Fix,valueonly,separator=%x2C)|%(trailers:key=Reverts,valueonly,separator=%x2C)";
  const shown = await git(remote, "log", "--all", `--author=<${agentEmail}>`, `--format=%H|${format}|%P`);
  const onMain = new Set((await git(remote, "rev-list", "main")).split("\n"));
  const counts = new Map<string, number>();
  for (const line of shown.split("\n")) {
    const [commit = "", fix = "", reverted = "", parents = ""] = line.split("|");
    const merges = parents.includes(" ");
    // Candidates that were built anew stay on staging; only what reaches main is a merge that counts.
    const what = reverted ? `revert of ${reverted}` : fix ? `${merges ? "merge" : "commit"} of fix ${fix}` : undefined;
    const counted = what !== undefined && (!merges || onMain.has(commit));
    if (counted) counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].filter(([, times]) => times > 1).map(([what, times]) => `${times} commits are the ${what}`);
}

/** Whether any object of a repository, reachable or not, holds `text`. */
export async function holdsText(repository: string, text: string): Promise<boolean> {
  const child = spawn("git", ["--git-dir", repository, "cat-file", "--batch-all-objects", "--batch", "--unordered"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let found = false;
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const searched = rest + chunk.toString("latin1");
    found ||= searched.includes(text);
    rest = searched.slice(-text.length);
  });
  await once(child, "close");
  return found;
}
