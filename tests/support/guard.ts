import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs the shell `script` when this process ends, however it ends: a process of its own waits for our end of a pipe to
 * close. Answers how to run it now and wait until it is done.
 */
export function whenThisProcessEnds(script: string, args: string[]): () => Promise<void> {
  const guard = spawn("sh", ["-c", `cat >/dev/null; ${script}`, "guard", ...args], {
    stdio: ["pipe", "ignore", "ignore"],
    // In a group of its own, so that Ctrl-C in the terminal does not end it before its work.
    detached: true,
  });
  const done = once(guard, "exit");
  guard.unref();
  return async () => {
    guard.ref();
    guard.stdin.end();
    await done;
  };
}
