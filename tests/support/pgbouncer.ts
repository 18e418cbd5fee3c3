import { execFile } from "node:child_process";
import { access, chown, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { whenThisProcessEnds } from "./guard.ts";
import { serverUser } from "./postgres.ts";

const run = promisify(execFile);
const program = "/usr/sbin/pgbouncer";
const port = 6432;
const startMs = 20_000;

/** SIGTERM is its immediate shutdown; it removes the file with its process id at its end. */
const stopAndDelete = `
  if [ -f "$1/pid" ]; then
    kill -TERM "$(cat "$1/pid")"
    for _ in $(seq 100); do [ -f "$1/pid" ] || break; sleep 0.1; done
  fi
  rm -rf "$1"`;

export const howToInstallPooler =
  "No pooler is installed (looked for /usr/sbin/pgbouncer). Install it: apt-get install -y pgbouncer";

/** A pooler in transaction mode in front of a server: what a hosted application reaches instead of Postgres itself. */
export interface Pooler {
  /** The folder with the socket: the `host` of a connection. */
  socket: string;
  port: number;
  url(database: string, user?: string): string;
  /** Stops it and deletes its folder. A second call does nothing. */
  stop(): Promise<void>;
}

export interface PoolerOptions {
  /** The folder with the server's socket. */
  socket: string;
  /** Who may connect, without a password: `postgres`. */
  users?: string[];
  /** Connections to the server for each database and user (4); clients beyond them wait. */
  poolSize?: number;
  /** More lines of its settings, which win over ours. */
  settings?: string[];
  /** Files that the settings name, in its folder. */
  files?: Record<string, string>;
}

export async function hasPooler(): Promise<boolean> {
  return access(program).then(
    () => true,
    () => false,
  );
}

/**
 * Starts a pooler on a socket file. Its few connections to the server go round in turn, so that whatever a client leaves
 * behind in one of them is soon another client's trouble, and shows.
 */
export async function startPooler(options: PoolerOptions): Promise<Pooler> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-pooler-"));
  const stop = whenThisProcessEnds(stopAndDelete, [folder]);
  const { users = ["postgres"], files = {} } = options;
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o644 });
  await writeFile(join(folder, "users"), users.map((name) => `"${name}" ""\n`).join(""));
  await writeFile(join(folder, "settings.ini"), settingsOf(folder, options));
  // Like Postgres it refuses to run as root.
  const user = await serverUser();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  try {
    await run(program, ["-q", "-d", join(folder, "settings.ini")], { ...user, cwd: folder });
    await untilItAnswers(folder);
  } catch (cause) {
    const log = await readFile(join(folder, "log"), "utf8").catch(() => "it wrote no log");
    await stop();
    throw new Error(`The pooler did not start: ${log}`, { cause });
  }
  let stopping: Promise<void> | undefined;
  return {
    socket: folder,
    port,
    url: (database, as = "postgres") => poolerUrl(folder, database, as),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** The address of a database behind the pooler whose socket is in `folder`. */
export function poolerUrl(folder: string, database: string, user = "postgres"): string {
  return `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(folder)}`;
}

function settingsOf(folder: string, { socket, poolSize = 4, settings = [] }: PoolerOptions): string {
  return [
    "[databases]",
    `* = host=${socket}`,
    "[pgbouncer]",
    "pool_mode = transaction",
    "auth_type = trust",
    `auth_file = ${join(folder, "users")}`,
    `unix_socket_dir = ${folder}`,
    `listen_port = ${port}`,
    `pidfile = ${join(folder, "pid")}`,
    `logfile = ${join(folder, "log")}`,
    "max_client_conn = 1000",
    `default_pool_size = ${poolSize}`,
    "server_round_robin = 1",
    // A server that is back is used again at once.
    "server_login_retry = 1",
    ...settings,
    "",
  ].join("\n");
}

async function untilItAnswers(folder: string): Promise<void> {
  const giveUpAt = performance.now() + startMs;
  for (;;) {
    const name = (await readdir(folder)).find((file) => /^\.s\.PGSQL\.\d+$/.test(file));
    if (name !== undefined && (await accepts(join(folder, name)))) return;
    if (performance.now() > giveUpAt) throw new Error("nothing listens on its socket");
    await sleep(20);
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
