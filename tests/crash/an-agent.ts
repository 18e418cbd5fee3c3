import { createHash, randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createHealthProbe } from "#adapters/platform/health-probe.ts";
import { createProcessesPlatform } from "#adapters/platform/processes.ts";
import { createLocalRepository } from "#adapters/repository/local.ts";
import { createSandboxTestBench } from "#adapters/test-bench/sandbox.ts";
import { ErrorEvent } from "#domain/event.ts";
import type { Engine } from "#engine/engine.ts";
import { ingest } from "#engine/ingest.ts";
import { createIntake, type IntakeParts } from "#engine/intake.ts";
import type { Observer } from "#engine/observe.ts";
import { startQueue } from "#engine/queue.ts";
import { startWorkers, type WorkerTimes } from "#engine/workers.ts";
import { createScrubber } from "#ingest/scrub.ts";
import { eventScrubber } from "#ingest/scrub-event.ts";
import { pipeline } from "#pipeline/index.ts";
import type { Notifier } from "#ports/notifier.ts";
import type { Platform } from "#ports/platform.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { releaseAllLeases } from "#store/write/issues.ts";
import { operation, scriptedEngineer } from "./an-application.ts";
import type { Order } from "./order.ts";

export const agentIdentity = { name: "Vigil", email: "vigil@localhost" };
/** Planted where the agent holds secrets; must never turn up anywhere (reliability I7). */
export const canary = "canary-3f9c1d7e5b2a4860";

const times: WorkerTimes = { pollEveryMs: 500, sweepEveryMs: 500 };
const visitEveryMs = 250;
const visitTimeoutMs = 1_000;
const frontScript = fileURLToPath(new URL("../../src/adapters/platform/processes-front.ts", import.meta.url));

/** The settings of a scene: the windows of spec.md §7 and §8, a thousand times shorter. */
export const shortWindows = {
  limits: { candidateRebuilds: 20 },
  staging: { windowMs: 2_000, checkEveryMs: 250, validChecksMin: 1 },
  production: {
    windowMs: 1_500,
    checkEveryMs: 300,
    repeatFailedAfterMs: 100,
    validChecksMin: 1,
    requestsMin: 1,
    holdMs: 60_000,
  },
};

export type Place = Pick<Order, "home" | "remote" | "ports">;

export function openDatabase({ database }: Pick<Order, "database">): Promise<Connection> {
  return database.kind === "embedded"
    ? connectEmbedded({ directory: database.directory })
    : connectPostgres({ url: database.url, poolMax: 6 });
}

export function repositoryAt({ remote, home }: Place) {
  return createLocalRepository({ remote, directory: join(home, "repository.git"), identity: agentIdentity });
}

/** The platform over the same folder, as every process of the agent opens it. */
export function platformAt(place: Place) {
  return createProcessesPlatform({
    source: repositoryAt(place),
    directory: join(place.home, "platform"),
    startCommand: "node server.mjs",
    ports: place.ports,
    healthPath: "/health",
    environmentVariables: () => ({}),
    nodePath: process.execPath,
    readyTimeoutMs: 15_000,
    drainMs: 60_000,
    now: () => new Date(),
    probe: createHealthProbe({ timeoutMs: 2_000, controlUrl: null, allowPrivateHosts: true }),
    frontScript,
  });
}

/** An engine as the product wires it: real pipeline, real Git, real processes, real tests of the application. */
export async function anAgent(
  order: Place & Pick<Order, "change" | "leaseMs">,
  connection: Connection,
  observe: Observer,
  platform: Platform = platformAt(order).platform,
): Promise<Engine> {
  const repository = repositoryAt(order);
  const queue = await startQueue(connection, (error) => observe({ kind: "queue_error", error }));
  if (connection.kind === "pglite") await releaseAllLeases(connection.db);
  const basics = {
    connection,
    queue,
    projectId: "default",
    digest: (text: string) => createHash("sha256").update(text).digest("hex"),
    monotonicMs: () => performance.now(),
    observe,
  };
  const scrubberFor: IntakeParts["scrubberFor"] = (kinds) => eventScrubber(createScrubber([canary], kinds));
  return {
    ...basics,
    intake: createIntake({
      ...basics,
      scrubberFor,
      spool: null,
      batchWaitMs: 5,
      originalFrames: async (events) => events,
    }),
    pipeline,
    findProblems: async () => [],
    findConditions: async () => [],
    heartbeat: null,
    ports: {
      repository,
      testBench: createSandboxTestBench({
        source: repository,
        scratch: join(order.home, "tests"),
        testCommand: null,
        typesCommand: null,
        isolation: "none",
        nodePath: process.execPath,
      }),
      platform,
      engineer: scriptedEngineer(order.change),
      notifier: fileNotifier(order.home),
    },
    wallClock: () => new Date(),
    owner: `${process.pid}:${randomUUID()}`,
    lease: { ttlMs: order.leaseMs, renewEveryMs: order.leaseMs / 4 },
    stepMs: 600_000,
    stopping: new AbortController().signal,
  };
}

/** Workers as `startSchedule` runs them, without the clock's cron. `heard` must be told what the engine observes. */
export function workersOf(engine: Engine): { heard: Observer; stop(): Promise<void> } {
  const workers = startWorkers(engine, times);
  return {
    heard: (event) => {
      if (event.kind === "committed") workers.wake();
      if (event.kind === "waiting") workers.wakeAt(event.until);
    },
    stop: () => workers.stop(),
  };
}

/** One line per message that went out: what a person would have read. */
function fileNotifier(home: string): Notifier {
  return {
    send: async ({ key, kind, title, text }, { repeated }) => {
      appendFileSync(join(home, "notices.ndjson"), `${JSON.stringify({ key, kind, repeated, title, text })}\n`);
      return { kind: "delivered", place: null };
    },
  };
}

/** Users of production, who report what they met until `isOver`. */
export async function visit(engine: Engine, production: number, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    await visitOnce(engine, production, n).catch(() => undefined);
    await new Promise((done) => setTimeout(done, visitEveryMs));
  }
}

async function visitOnce(engine: Engine, production: number, n: number): Promise<void> {
  const signal = AbortSignal.timeout(visitTimeoutMs);
  const response = await fetch(`http://127.0.0.1:${production}/work`, { signal });
  const release = response.headers.get("x-release");
  await response.text();
  const at = new Date();
  const failures = response.ok ? 0 : 1;
  const common = { at, environment: "production" as const, release, operation };
  const failed = ErrorEvent.parse({
    ...common,
    id: `visit-${process.pid}-${n}`,
    source: "plain",
    trust: "server",
    level: "error",
    handled: false,
    errorType: "TypeError",
    message: "Cannot read properties of undefined (reading 'name')",
    stack: null,
    frames: [{ file: "work.mjs", line: 8, column: 1, function: "work", inApp: true }],
    httpStatus: 500,
    userHash: null,
    issueType: null,
    tags: {},
  });
  await ingest(engine, { events: failures === 1 ? [failed] : [], traffic: [{ ...common, requests: 1, failures }] });
}
