import { createHash } from "node:crypto";
import { join } from "node:path";
import { createPlaybooksEngineer } from "#adapters/engineer/playbooks/playbooks.ts";
import { createPlaybooksFirst, type Model } from "#adapters/engineer/playbooks-first.ts";
import { createSandboxTestBench } from "#adapters/test-bench/sandbox.ts";
import { ErrorEvent } from "#domain/event.ts";
import type { Engine } from "#engine/engine.ts";
import { ingest } from "#engine/ingest.ts";
import type { Observer } from "#engine/observe.ts";
import { parsePlain } from "#ingest/plain.ts";
import { findProblems } from "#pipeline/find-problems.ts";
import type { Engineer, EngineerSession } from "#ports/engineer.ts";
import type { Connection } from "#store/connect.ts";
import { claudeAt } from "#tests/adapters/engineer/claude-bench.ts";
import type { MessagesApi } from "#tests/support/messages-api.ts";
import { operation } from "./a-bakery.ts";
import { anAgent } from "./an-agent.ts";
import type { Scene } from "./scene.ts";

/** The engine as the product wires it, with playbooks first and Claude behind them, and the tests in their sandbox. */
export async function aClaudeAgent(
  { order, platform }: Scene,
  connection: Connection,
  { model, observe = () => undefined }: { model: Model; observe?: Observer },
): Promise<Engine> {
  const engine = await anAgent(order, connection, observe, platform);
  const testBench = createSandboxTestBench({
    source: engine.ports.repository,
    scratch: join(order.home, "tests"),
    testCommand: null,
    typesCommand: null,
    isolation: "bubblewrap",
    nodePath: process.execPath,
  });
  const engineer = createPlaybooksFirst({ playbooks: createPlaybooksEngineer(), model });
  return { ...engine, findProblems, ports: { ...engine.ports, testBench, engineer } };
}

export function claudeOf(api: MessagesApi): Model & { kind: "ready" } {
  return { kind: "ready", engineer: claudeAt(api) };
}

let visits = 0;

/** One visitor of production; what they met is reported as an application would: by JSON, with the stack as it was printed. */
export async function visitOnce(engine: Pick<Engine, "intake">, production: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${production}/receipt`, { signal: AbortSignal.timeout(1_000) });
  const release = response.headers.get("x-release");
  const body = await response.text();
  const at = new Date();
  const report = response.ok
    ? []
    : [{ ...JSON.parse(body), release, operation, httpStatus: 500, environment: "production" }];
  const { events, rejected } = parsePlain(Buffer.from(JSON.stringify(report)), {
    contentType: "application/json",
    receivedAt: at,
    key: { environment: null, trust: "server" },
    hashUser: (user) => createHash("sha256").update(user).digest("hex"),
    newId: () => `visit-${process.pid}-${visits++}`,
  });
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  const traffic = { at, environment: "production" as const, release, operation, requests: 1, failures: events.length };
  await ingest(engine as Engine, { events: events.map((event) => ErrorEvent.parse(event)), traffic: [traffic] });
}

/** Visitors until `isOver`. */
export async function visiting(engine: Engine, production: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await visitOnce(engine, production).catch(() => undefined);
    await new Promise((done) => setTimeout(done, 250));
  }
}

/** A life that ends at once: from then on nothing reaches the database any more, as after SIGKILL. */
export function aMortal(connection: Connection): { connection: Connection; die(): never } {
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new Error("this process was killed");
  };
  const alive = <T extends object>(part: T): T =>
    new Proxy(part, { get: (target, name) => (isDead ? die() : bound(target, Reflect.get(target, name))) });
  return { die, connection: { ...alive({ ...connection, db: alive(connection.db), boss: alive(connection.boss) }) } };
}

function bound(owner: object, member: unknown): unknown {
  return typeof member === "function" ? member.bind(owner) : member;
}

/** The same engineer, with somebody looking at each booking once it is made. */
export function bookingWatched(engineer: Engineer, booked: (stage: string, nth: number) => void): Engineer {
  const counts = new Map<string, number>();
  const watched = (session: EngineerSession): EngineerSession => ({
    ...session,
    book: async (id, call, answer) => {
      await session.book(id, call, answer);
      const nth = (counts.get(call.stage) ?? 0) + 1;
      counts.set(call.stage, nth);
      booked(call.stage, nth);
    },
  });
  return {
    triage: (problem, session) => engineer.triage(problem, watched(session)),
    diagnose: (problem, snapshot, session) => engineer.diagnose(problem, snapshot, watched(session)),
    repair: (problem, work, snapshot, session) => engineer.repair(problem, work, snapshot, watched(session)),
  };
}
