import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Connection } from "#store/connect.ts";
import { git } from "#tests/support/git.ts";
import { agentIdentity } from "./an-agent.ts";
import type { Order } from "./order.ts";

const Delivery = z.object({ key: z.string(), kind: z.string(), repeated: z.boolean() });

/** What came of a scene, counted where it happened: in Git, at the platform, in the mail of people. */
export interface Ledger {
  status: string;
  reason: string;
  /** Commits that the agent made and that a branch holds. */
  fixCommits: number;
  merges: number;
  reverts: number;
  /** How often each release was started, as `production <commit>`. */
  starts: Record<string, number>;
  /** What the trail says was done outside, sorted. */
  done: string[];
  deliveries: z.infer<typeof Delivery>[];
  served: string | null;
  violations: string[];
}

export async function aLedger(
  connection: Connection,
  { remote, home }: Pick<Order, "remote" | "home">,
): Promise<Omit<Ledger, "served" | "violations">> {
  const [issue] = await connection.rows(
    z.object({ status: z.string(), reason: z.string().nullable() }),
    sql`SELECT status, status_reason AS reason FROM agent_issues ORDER BY created_at LIMIT 1`,
  );
  const done = await connection.rows(
    z.object({ effect: z.string() }),
    sql`SELECT action || CASE WHEN action = 'repository.publish' THEN '' ELSE ' ' || subject END AS effect FROM agent_actions
        WHERE outcome = 'done' AND (action LIKE 'repository.%' OR action LIKE 'platform.%') ORDER BY effect`,
  );
  const mine = `--author=<${agentIdentity.email}>`;
  const count = async (...args: string[]) => Number(await git(remote, "rev-list", "--count", mine, ...args));
  return {
    status: issue?.status ?? "gone",
    reason: issue?.reason ?? "",
    fixCommits: await count("--no-merges", "--grep=^Vigil-Fix:", "--all"),
    merges: await count("--merges", "main"),
    reverts: await count("--grep=^Reverts:", "main"),
    done: done.map(({ effect }) => effect),
    starts: await startsIn(join(home, "platform")),
    deliveries: (await linesOf(join(home, "notices.ndjson"))).map((line) => Delivery.parse(JSON.parse(line))),
  };
}

async function startsIn(platform: string): Promise<Record<string, number>> {
  const starts: Record<string, number> = {};
  for (const environment of ["staging", "production"]) {
    const runs = join(platform, environment, "runs");
    for (const name of await readdir(runs).catch(() => [])) {
      const times = (await linesOf(join(runs, name, "home", "starts"))).length;
      if (times > 0) starts[`${environment} ${name}`] = times;
    }
  }
  return starts;
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}
