import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { startQueue } from "#engine/queue.ts";
import type { Platform } from "#ports/platform.ts";
import type { Connection } from "#store/connect.ts";
import { freePort } from "#tests/adapters/platform/local-platform.ts";
import { createPostgresDatabase, openPglite, templateName } from "#tests/support/databases.ts";
import { aGitWorld, type Files, type GitWorld } from "#tests/support/git.ts";
import { whenThisProcessEnds } from "#tests/support/guard.ts";
import { checkInvariants, type Sighting } from "#tests/support/invariants.ts";
import { agentIdentity, canary, openDatabase, platformAt, shortWindows } from "./an-agent.ts";
import { application } from "./an-application.ts";
import { aLedger, type Ledger } from "./ledger.ts";
import type { Order } from "./order.ts";

const program = fileURLToPath(new URL("worker.ts", import.meta.url));
const deadlineMs = 90_000;
const embeddedLeaseMs = 90_000;
/** So short that a restart takes over soon. */
const sharedLeaseMs = 1_500;
const logTail = 3_000;
const lookEveryMs = 50;
const looksMax = 1_200;

/** An agent with its own database, remote and folder, production at its first version, and one issue to work on. */
export interface Scene {
  world: GitWorld;
  order: Order;
  platform: Platform;
  /** Versions that a person deployed past the agent; the scene's first one is among them. */
  deployedByPeople: string[];
  /** Runs one process of the agent until it dies as ordered, or until everything has ended. */
  run(death?: Order["death"]): Promise<"killed" | "finished">;
  /** Lets the processes go on that stopped themselves. */
  wake(): Promise<void>;
  /** Stops the releases; what can be looked at then. */
  sighting(connection: Connection): Promise<Sighting>;
  /** Stops the releases, and says what came of it all. */
  end(): Promise<Ledger>;
  dispose(): Promise<void>;
}

export interface SceneOptions {
  change?: Order["change"];
  /** An operator approves; otherwise the agent ships by itself. */
  approves?: boolean;
  /** Another application than `an-application.ts`; nobody inserts a problem of it: it has to be found. */
  application?: Files;
}

/** Ends what still runs in the folder and deletes it. */
const endAndDelete = `
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd")" in "$1"|"$1"/*) kill -KILL "\${process#/proc/}" ;; esac
  done
  rm -rf "$1" "$2"`;

type Using = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

/** On PGlite, begun as a copy of `template` (see `embeddedTemplate`); each process of the agent opens it for itself. */
export async function anEmbeddedScene(template: string, options: SceneOptions = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-crash-"));
  const directory = join(folder, "db");
  await cp(template, directory, { recursive: true });
  const database = { kind: "embedded" as const, directory };
  const using = usingDatabase(database);
  if (options.approves) await using(watchOnly);
  return aScene({ folder, database, using, options, drop: async () => undefined });
}

/** On Postgres: in a copy of the template, or in a database of the test's own. */
export async function aPostgresScene(
  options: SceneOptions = {},
  own?: { url: string; drop(): Promise<void> },
): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-crash-"));
  const { url, drop } = own ?? (await createPostgresDatabase(templateName));
  const database = { kind: "postgres" as const, url };
  const using = usingDatabase(database);
  await using((connection) => prepareDatabase(connection, options));
  return aScene({ folder, database, using, options, drop });
}

/** On a database that the test itself holds, for an agent within the test. */
export async function aSceneHere(
  options: SceneOptions = {},
  open: () => Promise<Connection> = openPglite,
): Promise<{ scene: Scene; connection: Connection }> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-crash-"));
  const connection = await open();
  await prepareDatabase(connection, options);
  const database = { kind: "embedded" as const, directory: "memory" };
  const drop = () => connection.close();
  return { scene: await aScene({ folder, database, using: (work) => work(connection), options, drop }), connection };
}

/** A closed PGlite directory with short windows and one issue, to copy from. */
export async function embeddedTemplate(
  open: (directory: string) => Promise<Connection>,
): Promise<{ directory: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-crash-template-"));
  const directory = join(folder, "db");
  const connection = await open(directory);
  await prepareDatabase(connection, {});
  await connection.close();
  return { directory, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Full autonomy or an operator who approves, short windows, one issue as a person inserts it. */
async function prepareDatabase(connection: Connection, { approves, application: own }: SceneOptions): Promise<void> {
  const queue = await startQueue(connection, () => undefined);
  await queue.stop();
  const settings = JSON.stringify(shortWindows);
  await connection.db.execute(sql`UPDATE agent_projects SET autonomy_level = 3, settings = ${settings}::jsonb`);
  if (approves) await watchOnly(connection);
  if (own === undefined) await insertProblem(connection);
}

export async function insertProblem(connection: Connection): Promise<void> {
  await connection.db.execute(
    sql`INSERT INTO agent_issues (severity, issue_type, title, message)
        VALUES ('P2', 'api_error', 'TypeError in GET /work', 'visitor is undefined')`,
  );
}

async function watchOnly({ db }: Connection): Promise<void> {
  await db.execute(sql`UPDATE agent_projects SET autonomy_level = 1`);
}

function usingDatabase(database: Order["database"]): Using {
  return async (work) => {
    const connection = await openDatabase({ database });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
}

interface Ground {
  folder: string;
  database: Order["database"];
  using: Using;
  options: SceneOptions;
  drop: () => Promise<void>;
}

async function aScene({ folder, database, using, options, drop }: Ground): Promise<Scene> {
  const home = join(folder, "home");
  await mkdir(join(home, "temporary"), { recursive: true });
  const world = await aGitWorld(options.application ?? application);
  const clear = whenThisProcessEnds(endAndDelete, [folder, world.folder]);
  const { change = "cures", approves = false } = options;
  const leaseMs = database.kind === "embedded" ? embeddedLeaseMs : sharedLeaseMs;
  const ports = { staging: await freePort(), production: await freePort() };
  const order: Order = {
    home,
    remote: world.remote,
    database,
    ports,
    change,
    approves,
    death: null,
    leaseMs,
    deadlineMs,
  };
  const { platform, stop } = platformAt(order);
  await deploy(platform, world.first);
  const deployedByPeople: string[] = [world.first];
  const workers = new Set<ChildProcess>();
  const sighting = async (connection: Connection): Promise<Sighting> => {
    const serving = await platform.serving("production");
    await stop();
    return {
      connection,
      git: { remote: world.remote, agentEmail: agentIdentity.email, copies: [join(home, "repository.git")] },
      production: { served: serving.kind === "serving" ? serving.commit : null, deployedByPeople },
      notices: (await aLedger(connection, order)).deliveries,
      secrets: { canaries: [canary], files: [join(home, "notices.ndjson"), join(home, "worker.log")] },
      machine: { root: folder, scratch: [join(home, "tests"), join(home, "temporary")] },
    };
  };
  return {
    ...{ world, order, platform, deployedByPeople, sighting },
    run: (death = null) => runWorker({ ...order, death }, workers),
    wake: async () => {
      for (const worker of workers) worker.kill("SIGCONT");
    },
    end: () =>
      using(async (connection) => {
        const seen = await sighting(connection);
        const served = seen.production?.served ?? null;
        return { ...(await aLedger(connection, order)), served, violations: await checkInvariants(seen) };
      }),
    dispose: async () => {
      await stop();
      await drop();
      await clear();
    },
  };
}

/** Deploys to production as a person would, past the agent. */
export async function deploy(platform: Platform, commit: Parameters<Platform["ensureDeployed"]>[1]): Promise<void> {
  for (;;) {
    const state = await platform.ensureDeployed("production", commit);
    if (state.kind === "ready") return;
    if (state.kind === "failed") throw new Error(`${state.why} ${state.log}`);
    await sleep(30);
  }
}

/** The scene's database, held by the test: no process of the agent can open an embedded one meanwhile. */
export function openDatabaseOf({ order }: Scene): Promise<Connection> {
  return openDatabase(order);
}

/** Runs a process of the agent; whatever stops it but its ordered death or a clean end fails the test, with its log. */
async function runWorker(order: Order, workers: Set<ChildProcess>): Promise<"killed" | "finished"> {
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    env: {
      NODE_ENV: "test",
      PATH: process.env.PATH ?? "",
      TMPDIR: join(order.home, "temporary"),
      NODE_COMPILE_CACHE: join(order.home, "compiled"),
    },
    cwd: order.home,
    stdio: ["ignore", "pipe", "pipe"],
  });
  workers.add(child);
  let log = "";
  const collect = (chunk: Buffer) => {
    log += chunk;
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const [code, signal] = await once(child, "close");
  workers.delete(child);
  await appendFile(join(order.home, "worker.log"), log);
  if (signal === "SIGKILL" && order.death !== null) return "killed";
  if (code === 0) return "finished";
  throw new Error(`the agent ended with ${signal ?? code}: ${log.slice(-logTail)}`);
}

/** Resolves when a process of the scene has come to the point. */
export async function untilReached({ order }: Scene, point: string): Promise<void> {
  for (let n = 0; n < looksMax; n++) {
    if ((await pointsReached(order.home)).some((reached) => reached.point === point)) return;
    await sleep(lookEveryMs);
  }
  throw new Error(`the agent never came to "${point}"`);
}

const Reached = z.object({ point: z.string(), times: z.int(), ms: z.int() });

/** The points that the processes of a scene reached so far, in order. */
export async function pointsReached(home: string): Promise<z.infer<typeof Reached>[]> {
  const text = await readFile(join(home, "points.ndjson"), "utf8").catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "");
  // The last line may be half written.
  return lines.flatMap((line) => (line.endsWith("}") ? [Reached.parse(JSON.parse(line))] : []));
}
