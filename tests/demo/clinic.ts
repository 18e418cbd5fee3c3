import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import getPort from "get-port";
import { z } from "zod";

export const clinicFolder = join(import.meta.dirname, "..", "..", "src", "demo", "clinic");

/** A running clinic. */
export interface Clinic {
  url: string;
  ask(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }>;
  stop(): Promise<void>;
}

/** Starts the clinic as the platform does: a process of its own that is told everything by its environment. */
export async function startClinic(env: Record<string, string> = {}, folder = clinicFolder): Promise<Clinic> {
  const port = await getPort();
  const child = spawn(process.execPath, ["src/server.ts"], {
    cwd: folder,
    env: { NODE_ENV: "production", PORT: String(port), ENVIRONMENT: "production", RELEASE: "a".repeat(40), ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await listening(child);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    async ask(path, init) {
      const response = await fetch(`${url}${path}`, init);
      return { status: response.status, body: await response.json() };
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function listening(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit").then(() => {
    throw new Error("the clinic ended before it listened");
  });
  if (child.stdout === null) throw new Error("no output to read");
  await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => undefined);
}

export function post(body: unknown, user = "desk-1"): RequestInit {
  const headers = { "content-type": "application/json", "x-user-id": user };
  return { method: "POST", headers, body: JSON.stringify(body) };
}

const Report = z.looseObject({ type: z.string() });
export type Report = z.infer<typeof Report>;

/** A local server in the place of Vigil's ingest: keeps what is reported, and can be told to answer otherwise. */
export interface Ingest {
  url: string;
  reports: Report[];
  headers: IncomingHttpHeaders[];
  answerWith(status: number): void;
  /** Resolves when a report of the kind is there. */
  received(matches: (report: Report) => boolean): Promise<Report>;
  stop(): Promise<void>;
}

export async function startIngest(): Promise<Ingest> {
  const reports: Report[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const waiting = new Set<() => void>();
  let status = 202;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      headers.push(request.headers);
      const answered = status;
      if (answered < 300) reports.push(...z.array(Report).parse(JSON.parse(Buffer.concat(chunks).toString())));
      response.writeHead(answered).end("{}", () => {
        for (const look of waiting) look();
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/api/ingest/events`,
    reports,
    headers,
    answerWith(next) {
      status = next;
    },
    received: (matches) =>
      new Promise((resolve) => {
        const look = () => {
          const report = reports.find(matches);
          if (report === undefined) return;
          waiting.delete(look);
          resolve(report);
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
