import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { wait } from "#domain/outcome.ts";
import { ingest } from "#engine/ingest.ts";
import { startWorkers } from "#engine/workers.ts";
import { sentryEnvelope } from "#http/sentry.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { openSpool } from "#store/spool.ts";
import { anEngine } from "#tests/engine/an-engine.ts";
import { anAgent, secrets } from "#tests/http/fakes.ts";

/**
 * The Sentry endpoint on a real database behind a bare HTTP server, with detection and workers running: everything
 * that happens to an event but Next.js. Prints its port; answers `GET /memory` with its resident bytes and `GET /unseen`
 * with the number of kinds of errors that detection has not looked at yet.
 */
const [database = "", spoolFolder = "", migrations = ""] = process.argv.slice(2);

const laterMs = 60 * 60_000;
const Unseen = z.object({ count: z.number() });
const connection: Connection = database.startsWith("postgres")
  ? await connectPostgres({ url: database, poolMax: 10, applicationName: "vigil-bench", onError: () => undefined })
  : await connectEmbedded({ directory: database });
await migrate(connection, { directory: migrations });
const spool = (await openSpool(spoolFolder)) ?? null;
const engine = await anEngine(connection, {
  findProblems,
  // An issue that was opened is put off: what becomes of it is another figure.
  pipeline: { run: async () => wait(new Date(Date.now() + laterMs), "not part of this figure") },
  intake: {
    spool,
    scrubberFor: (kinds) => eventScrubber(createScrubber(Object.values(secrets), kinds)),
    observe: (event) => {
      if (event.kind === "committed") workers.wake();
    },
  },
});
const workers = startWorkers(engine, { pollEveryMs: 1_000, sweepEveryMs: 5_000 });
const agent = anAgent({ ingest: (batch, options) => ingest(engine, batch, options) });
const routes = sentryEnvelope({
  agentOf: async () => agent,
  log: () => undefined,
  now: () => new Date(),
});

const server = createServer((incoming, outgoing) => {
  if (incoming.url === "/memory") {
    outgoing.end(String(process.memoryUsage().rss));
    return;
  }
  if (incoming.url === "/unseen") {
    void connection
      .rows(Unseen, sql`SELECT count(*)::int AS count FROM agent_fingerprints WHERE unseen_count > 0`)
      .then(([row]) => outgoing.end(String(row?.count)));
    return;
  }
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", async () => {
    const request = new Request(`http://127.0.0.1${incoming.url}`, {
      method: "POST",
      headers: Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
      body: Buffer.concat(chunks),
    });
    const response = await routes.POST(request, { params: Promise.resolve({ project: "1" }) });
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(await response.text());
  });
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.on("SIGTERM", async () => {
  server.closeAllConnections();
  await workers.stop();
  await engine.intake.stop();
  await engine.queue.stop();
  await connection.close();
  process.exit(0);
});
