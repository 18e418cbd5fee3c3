import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkOut, git } from "#tests/support/git.ts";
import type { TestGithub } from "#tests/support/github/server.ts";

const lookEveryMs = 100;

/**
 * Continuous integration at GitHub: every commit that arrives on a branch is tested by the application's own tests, for real, and
 * the check run says what came of it. Answers how to stop.
 */
export function runWorkflows(remote: string, github: TestGithub): () => Promise<void> {
  let isOver = false;
  const seen = new Set<string>();
  const watching = (async () => {
    while (!isOver) {
      const refs = await git(remote, "for-each-ref", "--format=%(objectname)", "refs/heads").catch(() => "");
      for (const commit of refs.split("\n").filter((line) => line !== "" && !seen.has(line))) {
        seen.add(commit);
        await test(remote, commit, github);
      }
      await sleep(lookEveryMs);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
  };
}

async function test(remote: string, commit: string, github: TestGithub): Promise<void> {
  github.check(commit, { name: "test" });
  const place = await mkdtemp(join(tmpdir(), "vigil-workflow-"));
  try {
    await checkOut(remote, commit, place);
    const child = spawn(process.execPath, ["--test"], {
      cwd: place,
      env: { NODE_ENV: "test", PATH: process.env.PATH ?? "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
    const [code] = await once(child, "close");
    github.check(commit, { name: "test", conclusion: code === 0 ? "success" : "failure", log });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
