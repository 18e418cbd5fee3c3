import { execFile } from "node:child_process";
import { chown, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { whenThisProcessEnds } from "./guard.ts";

const run = promisify(execFile);

/** The first line of the file is the server's process id; SIGQUIT is its immediate shutdown. It removes the file at its end. */
const stopAndDelete = `
  if [ -f "$1/postmaster.pid" ]; then
    kill -QUIT "$(head -n 1 "$1/postmaster.pid")"
    for _ in $(seq 100); do [ -f "$1/postmaster.pid" ] || break; sleep 0.1; done
  fi
  rm -rf "$2"`;

/** A real server of its own in a temporary folder, reached through a socket file. */
export interface PostgresServer {
  major: number;
  /** The folder with the socket: the `host` of a connection. */
  socket: string;
  url(database: string): string;
  start(): Promise<void>;
  /** Like a crash: nothing is flushed, clients are cut off. */
  stop(): Promise<void>;
  /** Stops it and deletes the folder. */
  remove(): Promise<void>;
}

export const howToInstall =
  "No PostgreSQL server is installed (looked for /usr/lib/postgresql/*/bin/initdb, version 15 or newer). Install it: apt-get install -y postgresql-15";

/** Where the programs of an installed server are; `undefined`: there is none. Version 15 is preferred, the one we write for. */
export async function findPostgres(): Promise<{ major: number; bin: string } | undefined> {
  const root = "/usr/lib/postgresql";
  const majors = (await readdir(root).catch(() => [])).map(Number).filter((major) => major >= 15);
  const major = majors.includes(15) ? 15 : Math.min(...majors);
  return majors.length === 0 ? undefined : { major, bin: join(root, String(major), "bin") };
}

/** Makes and starts a server. Nothing of it survives a crash of the machine: it trades safety for speed. */
export async function startPostgres({ major, bin }: { major: number; bin: string }): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-pg-"));
  const data = join(folder, "data");
  const user = await serverUser();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const options = { ...user, cwd: folder };
  const settings = `-c listen_addresses='' -k ${folder} -c fsync=off -c synchronous_commit=off -c full_page_writes=off`;
  const control = (...args: string[]) => run(join(bin, "pg_ctl"), ["-D", data, "-w", ...args], options);
  const server: PostgresServer = {
    major,
    socket: folder,
    url: (database) => `postgres://postgres@localhost/${database}?host=${encodeURIComponent(folder)}`,
    start: async () => {
      // Its own log file: a server that inherited our pipes would keep this call waiting for their end.
      await control("-t", "20", "-l", join(folder, "log"), "-o", settings, "start");
    },
    stop: async () => {
      await control("-m", "immediate", "stop");
    },
    remove: whenThisProcessEnds(stopAndDelete, [data, folder]),
  };
  const cluster = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  await run(join(bin, "initdb"), cluster, options);
  await server.start();
  return server;
}

/** A server refuses to run as root, so root lends it to the user that the package made; anyone else runs it (`undefined`). */
export async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const line = (await readFile("/etc/passwd", "utf8")).split("\n").find((one) => one.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
