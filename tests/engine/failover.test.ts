import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { move } from "#domain/outcome.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { type Connection, connectPostgres } from "#store/connect.ts";
import { asFailure } from "#store/outage.ts";
import { verifyActions } from "#store/read/audit.ts";
import { anOwnServer, type OwnServer } from "#tests/crash/own-server.ts";
import { aSha, base } from "#tests/support/builders.ts";
import { databases, empty } from "#tests/support/databases.ts";
import { hasPooler, type Pooler, startPooler } from "#tests/support/pgbouncer.ts";
import { aWorld } from "#tests/support/world.ts";
import { straight } from "./a-pipeline.ts";
import { anEngine, insertIssue, issueRow } from "./an-engine.ts";

const hasPostgres = databases().some(({ kind }) => kind === "postgres");
const resumesWithinMs = 60_000;

describe.runIf(hasPostgres)("a database that fails over in mid tick", () => {
  let server: OwnServer;
  let pooler: Pooler | undefined;
  let connection: Connection;
  beforeAll(async () => {
    server = await anOwnServer();
    if (await hasPooler()) pooler = await startPooler({ socket: server.socket });
    connection = await connectPostgres({ url: pooler?.url("postgres") ?? server.url("postgres") });
  });
  afterAll(async () => {
    await connection?.close();
    await pooler?.stop();
    await server?.remove();
  });

  /** Straight to the server, as its keeper. */
  async function keeper(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: server.url("postgres") });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }
  const endAllSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`;
  const faults: Record<string, { strike(): Promise<void>; mend(): Promise<void> }> = {
    "ends every session": { strike: () => keeper(endAllSessions), mend: async () => undefined },
    restarts: { strike: () => server.stop(), mend: () => server.start() },
    "becomes a replica that only reads": {
      strike: () =>
        keeper("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()", endAllSessions),
      mend: () =>
        keeper(
          "SET default_transaction_read_only = off",
          "ALTER SYSTEM RESET default_transaction_read_only",
          "SELECT pg_reload_conf()",
          endAllSessions,
        ),
    },
  };

  it.each(Object.keys(faults))(
    "goes on where it was when the server %s: nothing is lost, nothing happens twice",
    async (name) => {
      const fault = faults[name];
      await empty(connection);
      let isStruck = false;
      const strikeOnce = async () => {
        if (isStruck) return;
        isStruck = true;
        await fault?.strike();
      };
      const pushed: string[] = [];
      const repository = {
        ...aWorld().repository,
        advance: async (branch: string) => {
          pushed.push(branch);
          // The effect happened; whether it can be recorded is another matter.
          await strikeOnce();
          return { kind: "advanced" as const };
        },
      };
      const engine = await anEngine(connection, {
        leaseMs: 1_500,
        ports: { repository },
        pipeline: {
          run: straight({
            diagnosing: async (_, world) => {
              await world.repository.advance("staging", { from: base, to: aSha("9") });
              return move("failed", "pushed");
            },
          }),
        },
      });
      const ids = await Promise.all(Array.from({ length: 4 }, () => insertIssue(connection)));

      const tick = async () => {
        await connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL WHERE next_run_at IS NOT NULL`);
        await detect(engine);
        await drain(engine, queueNames, () => true);
      };
      const statuses = () => Promise.all(ids.map(async (id) => (await issueRow(connection, id)).status));
      // The fault strikes in the first tick; whatever that tick says, it is the database that failed.
      await tick().catch((error: unknown) => expect(asFailure(error)).toMatchObject({ code: "unavailable" }));
      expect(isStruck).toBe(true);
      await fault?.mend();
      const giveUpAt = performance.now() + resumesWithinMs;
      for (;;) {
        await tick().catch((error: unknown) => expect(asFailure(error)).toBeInstanceOf(Failure));
        const now = await statuses().catch(() => []);
        if (now.length > 0 && now.every((status) => status === "failed")) break;
        if (performance.now() > giveUpAt) throw new Error(`still ${now.join(", ")}`);
        await sleep(100);
      }

      const moves = await connection.rows(
        z.object({ id: z.string(), subject: z.string(), n: z.int() }),
        sql`SELECT issue_id AS id, action || ' ' || subject AS subject, count(*) AS n FROM agent_actions
          WHERE outcome = 'done' GROUP BY 1, 2 HAVING count(*) > 1`,
      );
      expect(moves).toEqual([]);
      expect(engine.told.map(({ kind, issueId }) => `${kind} ${issueId}`).toSorted()).toEqual(
        ids.flatMap((id) => [`failed ${id}`, `issue_detected ${id}`]).toSorted(),
      );
      expect(await verifyActions(connection.db)).toMatchObject({ kind: "whole" });
      // Pushing is looked at before it is done: only the one whose record was lost is asked for again.
      expect(pushed.length).toBeLessThanOrEqual(ids.length + 1);
      await engine.queue.stop();
    },
  );
});
