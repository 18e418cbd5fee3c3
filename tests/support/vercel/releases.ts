import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "#tests/adapters/platform/local-platform.ts";
import { checkOut, headOf } from "#tests/support/git.ts";
import type { Target } from "./state.ts";
import type { VercelServer } from "./vercel.ts";

const startMs = 15_000;
const lookEveryMs = 100;

export interface Releases {
  /** For `startVercel`: checks the commit out, runs it, answers where. One that does not start answers nobody. */
  serve(commit: string, target: Target): Promise<string>;
  /** Ends every release and deletes the checkouts. */
  end(): Promise<void>;
}

/**
 * Runs commits of a bare repository as programs, as the functions of a deployment would. They report their commit.
 * `variables`: those of the project for one environment.
 */
export async function releasesOf(
  remote: string,
  command: string[],
  variables: (environment: "staging" | "production") => Record<string, string> = () => ({}),
): Promise<Releases> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-vercel-"));
  const running = new Set<ChildProcess>();
  return {
    async serve(commit, target) {
      const place = join(folder, `${target}-${commit}-${running.size}`);
      await checkOut(remote, commit, place);
      const port = await freePort();
      const environment = target === "production" ? "production" : "staging";
      const [program = "node", ...words] = command;
      const child = spawn(program, words, {
        cwd: place,
        stdio: "ignore",
        env: {
          NODE_ENV: "production",
          PATH: process.env.PATH,
          HOME: place,
          HOST: "127.0.0.1",
          PORT: `${port}`,
          RELEASE: commit,
          ENVIRONMENT: environment,
          ...variables(environment),
        },
      });
      running.add(child);
      child.on("exit", () => running.delete(child));
      const address = `http://127.0.0.1:${port}`;
      await untilItAnswers(address, child);
      return address;
    },
    async end() {
      const ending = [...running].map((child) => once(child, "exit"));
      for (const child of running) child.kill("SIGKILL");
      await Promise.all(ending);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(address: string, child: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < startMs && child.exitCode === null; waitedMs += lookEveryMs) {
    const answer = await fetch(address, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (answer !== undefined) return;
    await sleep(lookEveryMs);
  }
}

/** Vercel's Git integration: tells the server of every push to `main` and `staging`. Answers how to stop. */
export function tellOfPushes(remote: string, vercel: VercelServer): () => Promise<void> {
  let isOver = false;
  const seen = new Map<string, string>();
  const watching = (async () => {
    while (!isOver) {
      for (const branch of ["main", "staging"]) {
        const head = await headOf(remote, branch);
        if (head === undefined || seen.get(branch) === head) continue;
        seen.set(branch, head);
        vercel.pushed(branch, head);
      }
      await sleep(lookEveryMs);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
  };
}
