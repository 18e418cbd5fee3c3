import { sql } from "drizzle-orm";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { wait } from "#domain/outcome.ts";
import { type CommandRequest, give } from "#engine/command.ts";
import { detect } from "#engine/detect.ts";
import { drain } from "#engine/drain.ts";
import { queueNames } from "#engine/queue.ts";
import { approval } from "#pipeline/6-approval.ts";
import type { Connection } from "#store/connect.ts";
import { straight } from "#tests/engine/a-pipeline.ts";
import { anEngine, insertIssue, type TestEngine } from "#tests/engine/an-engine.ts";
import { base } from "#tests/support/builders.ts";
import { empty } from "#tests/support/databases.ts";
import { checkInvariants } from "#tests/support/invariants.ts";
import { aWorld } from "#tests/support/world.ts";

/** An engine whose fix waits for a person, with the real question; after an approval it stays where it is. */
export function anAskingEngine(connection: Connection): Promise<TestEngine> {
  return anEngine(connection, {
    ports: { repository: { ...aWorld().repository, head: async () => base } },
    pipeline: {
      run: straight({
        awaiting_approval: async (issue, world) =>
          issue.status === "awaiting_approval" ? approval(issue, world) : wait(world.clock.now(), "not asked"),
        deploying: async (_, world) => wait(new Date(world.clock.now().getTime() + 60_000), "deploying"),
      }),
    },
  });
}

export interface RaceReport {
  /** Operators whose command was carried out, and `expiry` where time was faster. */
  winners: string[];
  status: string;
  /** How the question ended; one entry per question. */
  answers: string[];
  violations: string[];
}

/** Approve, reject and the expiry of one question in the same moment, `expiresInMs` from now. */
export async function race(connection: Connection, engine: TestEngine, expiresInMs: number): Promise<RaceReport> {
  await empty(connection);
  const issueId = await insertIssue(connection, "P0");
  await detect(engine);
  await drain(engine, queueNames, () => true);
  await connection.db.execute(
    sql`UPDATE agent_approvals SET expires_at = clock_timestamp() + ${expiresInMs} * interval '1 millisecond'`,
  );
  await connection.db.execute(sql`UPDATE agent_issues SET next_run_at = NULL`);
  await engine.queue.sendIssue(null, "awaiting_approval", issueId, null);
  const commands = [
    { command: "approve", actor: "operator:ann" },
    { command: "reject", actor: "operator:bob" },
    { command: "approve", actor: "operator:eve" },
  ] as const;
  const [accepted] = await Promise.all([
    Promise.all(commands.map((command) => accepts(engine, { ...command, issueId }))),
    drain(engine, queueNames, () => true),
  ]);
  const [issue] = await connection.rows(z.object({ status: z.string() }), sql`SELECT status FROM agent_issues`);
  const answers = await connection.rows(z.object({ state: z.string() }), sql`SELECT state FROM agent_approvals`);
  const winners = accepted.filter((actor) => actor !== undefined);
  const expired = answers.some(({ state }) => state === "expired");
  return {
    winners: expired ? [...winners, "expiry"] : winners,
    status: issue?.status ?? "gone",
    answers: answers.map(({ state }) => state),
    violations: await checkInvariants({ connection }),
  };
}

async function accepts(engine: TestEngine, request: CommandRequest): Promise<string | undefined> {
  try {
    await give(engine, request);
    return request.actor;
  } catch (error) {
    // A worker may settle between the command's lock and its write; then the command is told to look again.
    if (error instanceof Failure && (error.code === "conflict" || error.code === "stale")) return undefined;
    throw error;
  }
}
