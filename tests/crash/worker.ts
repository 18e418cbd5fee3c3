/**
 * A process of the agent that dies where its order says: `node worker.ts JSON`. It works until its issue has ended and
 * every message went out, and exits with 0; 3 means that its time was up.
 */
import { appendFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { give } from "#engine/command.ts";
import type { Engine } from "#engine/engine.ts";
import type { Observer } from "#engine/observe.ts";
import { anAgent, canary, openDatabase, visit, workersOf } from "./an-agent.ts";
import { Order, pointOf } from "./order.ts";

const lookEveryMs = 100;
const order = Order.parse(JSON.parse(process.argv[2] ?? ""));
// Every agent holds secrets in its environment.
process.env.AGENT_API_TOKEN = canary;
const endsAt = performance.now() + order.deadlineMs;
const reached = new Map<string, number>();
const listeners: Observer[] = [dieThere];

function dieThere(event: Parameters<Observer>[0]): void {
  const point = pointOf(event);
  if (event.kind === "queue_error" || event.kind === "step_failed") console.error(event);
  if (point === undefined) return;
  const times = (reached.get(point) ?? 0) + 1;
  reached.set(point, times);
  appendFileSync(
    join(order.home, "points.ndjson"),
    `${JSON.stringify({ point, times, ms: Math.round(performance.now()) })}\n`,
  );
  const { death } = order;
  if (death !== null && "point" in death && death.point === point && death.nth === times)
    process.kill(process.pid, death.sleeps ? "SIGSTOP" : "SIGKILL");
}

const End = z.object({ ended: z.boolean(), unsent: z.coerce.number(), waiting: z.array(z.string()) });

async function look({ connection }: Engine): Promise<z.infer<typeof End>> {
  const [row] = await connection.rows(
    End,
    sql`SELECT count(*) FILTER (WHERE status NOT IN ('resolved', 'failed', 'rejected', 'dismissed')) = 0 AS ended,
          (SELECT count(*) FROM vigil_queue.job WHERE name = 'notify' AND state IN ('created', 'retry', 'active')) AS unsent,
          coalesce(json_agg(id) FILTER (WHERE status = 'awaiting_approval'), '[]') AS waiting
        FROM agent_issues`,
  );
  return row ?? { ended: true, unsent: 0, waiting: [] };
}

/** Until everything has ended; what goes wrong while the database is away is tried again. */
async function untilEnded(engine: Engine): Promise<boolean> {
  while (performance.now() < endsAt) {
    const { ended, unsent, waiting } = await look(engine).catch(() => ({ ended: false, unsent: 1, waiting: [] }));
    if (ended && unsent === 0) return true;
    if (order.approves)
      for (const issueId of waiting)
        await give(engine, { command: "approve", issueId, actor: "operator:ada" }).catch(() => undefined);
    await new Promise((done) => setTimeout(done, lookEveryMs));
  }
  return false;
}

// Whoever follows a killed process starts faster.
flushCompileCache();
const connection = await openDatabase(order);
const engine = await anAgent(order, connection, (event) => {
  for (const listener of listeners) listener(event);
});
if (order.death !== null && "afterMs" in order.death)
  setTimeout(() => process.kill(process.pid, "SIGKILL"), order.death.afterMs);
const workers = workersOf(engine);
listeners.push(workers.heard);
const over = { now: false };
const visits = visit(engine, order.ports.production, () => over.now);
const ended = await untilEnded(engine);
over.now = true;
await visits;
await workers.stop();
await engine.queue.stop();
await connection.close();
process.exit(ended ? 0 : 3);
