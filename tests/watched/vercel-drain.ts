import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { startNextApp } from "./next-app.ts";

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

/** Output arrives through a pipe, a little after the answer. */
const quietMs = 300;

/** `folder` holds the application's files and its packages; it is built there. */
export async function deployOnVercel(folder: string, port: number, drain: Drain): Promise<Deployed> {
  const running = await startNextApp(folder, port);
  return {
    async visit(path, { address: clientIp, userAgent }) {
      const from = running.text().length;
      const timestamp = Date.now();
      const { status } = await fetch(running.address + path);
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
    stop: running.stop,
  };
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
