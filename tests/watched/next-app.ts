import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A Next.js application that was built for production and runs. */
export interface NextApp {
  address: string;
  /** Everything it printed so far. */
  text(): string;
  stop(): Promise<void>;
}

const readyWithinMs = 60_000;

/** `folder` holds the application's files and its packages; it is built there. */
export async function startNextApp(
  folder: string,
  port: number,
  variables: Record<string, string> = {},
): Promise<NextApp> {
  const next = join(folder, "node_modules", "next", "dist", "bin", "next");
  const env = {
    ...{ PATH: process.env.PATH ?? "", NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" as const },
    ...variables,
  };
  const options = { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] };
  const building = printed(spawn(process.execPath, [next, "build", "--webpack"], options));
  const [code] = await once(building.child, "close");
  if (code !== 0) throw new Error(`the application does not build: ${building.text().slice(-2_000)}`);
  const start = ["--enable-source-maps", next, "start", "-H", "127.0.0.1", "-p", String(port)];
  const running = printed(spawn(process.execPath, start, options));
  const address = `http://127.0.0.1:${port}`;
  for (const untilMs = Date.now() + readyWithinMs; ; await sleep(100)) {
    const answer = await fetch(address).catch(() => undefined);
    if (answer?.ok) break;
    if (Date.now() > untilMs) throw new Error(`the application does not start: ${running.text().slice(-2_000)}`);
  }
  return {
    address,
    text: running.text,
    stop: async () => {
      const ended = once(running.child, "close");
      running.child.kill("SIGKILL");
      await ended;
    },
  };
}

function printed(child: ChildProcess): { child: ChildProcess; text: () => string } {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (text += chunk));
  return { child, text: () => text };
}
