import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { connectPostgres } from "#store/connect.ts";
import { deliveryKey } from "#store/write/seen-events.ts";
import { envelopePath, sentryEnvelopes, startIngest } from "#tests/bench/ingest-process.ts";
import { load } from "#tests/bench/load.ts";
import { databases } from "#tests/support/databases.ts";
import { anOwnServer } from "./own-server.ts";

const hasPostgres = databases().some(({ kind }) => kind === "postgres");

describe.runIf(hasPostgres)("events that were acknowledged", () => {
  it("are all counted, each once, though the server is killed and its database goes away", async () => {
    const server = await anOwnServer();
    const folder = await mkdtemp(join(tmpdir(), "vigil-ingest-"));
    const { envelope, idOf } = sentryEnvelopes({ kinds: 20 });
    const acknowledged = new Set<number>();
    let process = await startIngest(server.database.url, folder);
    let sent = 0;
    /** As many senders as answers, until `during` is over. */
    const sendDuring = async (during: () => Promise<void>) => {
      let over = false;
      const from = sent;
      const sending = load({
        ...{ port: process.port, connections: 8, path: envelopePath, perSecond: 400 },
        envelope: (n) => envelope(from + n),
        mayGoOn: () => !over,
        onAnswer: (n, status) => status === 200 && acknowledged.add(from + n),
      });
      await during();
      over = true;
      const result = await sending;
      sent = from + result.sent;
      return result;
    };
    try {
      for (let kill = 0; kill < 2; kill++) {
        await sendDuring(async () => {
          await sleep(500);
          await process.kill();
        });
        process = await startIngest(server.database.url, folder);
      }
      const outage = await sendDuring(async () => {
        await server.stop();
        await sleep(2_000);
        await server.start();
        await sleep(300);
      });
      expect([...outage.answered.keys()]).toEqual([200]);
      const spool = async () => (await readdir(join(folder, "spool"))).filter((name) => name.endsWith(".spool"));
      await expect.poll(spool, { timeout: 20_000 }).toEqual([]);
      await process.stop();
      const connection = await connectPostgres({ url: server.database.url });
      const seen = await connection.rows(z.object({ key: z.string() }), sql`SELECT key::text FROM agent_seen_events`);
      const [counted] = await connection.rows(
        z.object({ minutes: z.number(), kinds: z.number() }),
        sql`SELECT (SELECT sum(events) FROM agent_event_minutes) AS minutes, (SELECT sum(event_count) FROM agent_fingerprints) AS kinds`,
      );
      await connection.close();
      const keys = new Set(seen.map(({ key }) => key));
      const lost = [...acknowledged].filter((n) => !keys.has(deliveryKey("default", "event", idOf(n))));
      expect(lost).toEqual([]);
      expect(counted).toEqual({ minutes: keys.size, kinds: keys.size });
      expect(acknowledged.size).toBeGreaterThan(300);
    } finally {
      await process.kill();
      await server.remove();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
