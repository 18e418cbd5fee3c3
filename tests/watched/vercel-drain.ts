import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A Next.js application as Vercel runs it: built, behind a proxy that knows its visitors, with a log drain. */
export interface Deployed {
  /** Asks as a visitor; what the application printed meanwhile goes to the drain with the request. */
  visit(path: string, visitor: { address: string; userAgent: string }): Promise<number>;
  stop(): Promise<void>;
}

export interface Drain {
  url: string;
  secret: string;
}

const readyWithinMs = 60_000;
/** Output arrives through a pipe, a little after the answer. */
const quietMs = 300;

/** `folder` holds the application's files and its packages; it is built there. */
export async function deployOnVercel(folder: string, port: number, drain: Drain): Promise<Deployed> {
  const next = join(folder, "node_modules", "next", "dist", "bin", "next");
  const env = { PATH: process.env.PATH ?? "", NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" as const };
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
    async visit(path, { address: clientIp, userAgent }) {
      const from = running.text().length;
      const timestamp = Date.now();
      const { status } = await fetch(address + path);
      await sleep(quietMs);
      const request = {
        ...{
          deploymentId: "dpl_7Invoices",
          projectId: "prj_invoices",
          environment: "production",
          requestId: randomUUID(),
        },
        proxy: {
          timestamp,
          method: "GET",
          path,
          statusCode: status,
          userAgent: [userAgent],
          clientIp,
          host: "invoices.test",
        },
      };
      const line = { ...request, id: randomUUID(), source: "lambda", timestamp, level: "info", message: "" };
      const text = running.text().slice(from);
      const spoken = { ...line, id: randomUUID(), type: "stderr", level: "error", message: text };
      await deliver(drain, text === "" ? [line] : [line, spoken]);
      return status;
    },
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

async function deliver({ url, secret }: Drain, lines: object[]): Promise<void> {
  const body = lines.map((line) => JSON.stringify(line)).join("\n");
  const headers = {
    "content-type": "application/x-ndjson",
    "x-vercel-signature": createHmac("sha1", secret).update(body).digest("hex"),
  };
  const response = await fetch(url, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`the drain answered ${response.status}: ${await response.text()}`);
}
