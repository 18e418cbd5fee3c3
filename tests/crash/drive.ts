import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { give } from "#engine/command.ts";
import { sweep } from "#engine/detect.ts";
import { runJob } from "#engine/drain.ts";
import type { Engine } from "#engine/engine.ts";
import { queueNames } from "#engine/queue.ts";
import { visit } from "./an-agent.ts";

/** Where the oldest issue stands between two steps. */
const Standing = z.object({
  id: z.string(),
  status: z.string(),
  version: z.number(),
  progress: z.string().nullable(),
  unsent: z.coerce.number(),
});
export type Standing = z.infer<typeof Standing>;

const terminal = ["resolved", "failed", "rejected", "dismissed"];
const idleMs = 30;
const stepsMax = 3_000;

/**
 * Runs an engine step by step within the test until its issue has ended and every message went out. `between` is called
 * before each step, with the world standing still; a production port brings users.
 */
export async function drive(
  engine: Engine,
  {
    between,
    production,
    visiting = visit,
  }: { between: (standing: Standing) => Promise<void>; production?: number; visiting?: typeof visit },
): Promise<void> {
  const over = { now: false };
  const visits = production === undefined ? undefined : visiting(engine, production, () => over.now);
  try {
    for (let n = 0; n < stepsMax; n++) {
      const standing = await standingOf(engine);
      await between(standing);
      if (terminal.includes(standing.status) && standing.unsent === 0) return;
      await sweep(engine);
      if (!(await step(engine))) await sleep(idleMs);
    }
    throw new Error(`the issue did not end in ${stepsMax} steps: ${JSON.stringify(await standingOf(engine))}`);
  } finally {
    over.now = true;
    await visits;
  }
}

/** Runs one job that is due; `false`: none is. */
async function step(engine: Engine): Promise<boolean> {
  for (const name of queueNames) {
    const job = await engine.queue.next(name);
    if (job === undefined) continue;
    await runJob(engine, job);
    return true;
  }
  return false;
}

async function standingOf({ connection }: Engine): Promise<Standing> {
  const [row] = await connection.rows(
    Standing,
    sql`SELECT id, status, version, progress, (SELECT count(*) FROM vigil_queue.job WHERE name = 'notify'
          AND state IN ('created', 'retry', 'active')) AS unsent
        FROM agent_issues ORDER BY created_at LIMIT 1`,
  );
  if (row === undefined) throw new Error("there is no issue");
  return row;
}

/** Calls `act` the first time that each status is seen. */
export function firstTimeAt(act: (standing: Standing) => Promise<void>): (standing: Standing) => Promise<void> {
  const seen = new Set<string>();
  return async (standing) => {
    if (seen.has(standing.status)) return;
    seen.add(standing.status);
    await act(standing);
  };
}

export async function approve(engine: Engine, { id, status }: Standing): Promise<void> {
  if (status === "awaiting_approval") await give(engine, { command: "approve", issueId: id, actor: "operator:ada" });
}
