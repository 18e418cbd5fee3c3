import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { cp, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

/**
 * The build as functions get it: the files that Next.js traced and no others, on a disk that cannot be written to but for
 * `/tmp`, without git, without a home, without workers and without a word of this shell's environment. One process answers
 * for all functions.
 */
export interface Deployed {
  ended(): string | undefined;
  /** Kills it in the middle of what it does, and starts another one. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "..", "..");
const task = "/var/task";

/** `database`: the folder with its socket, as an address in the network would be. */
export async function startDeployed(
  place: { folder: string; logFile: string; database: string },
  variables: Record<string, string>,
): Promise<Deployed> {
  const { folder, logFile, database } = place;
  await build(logFile);
  const files = await traced();
  for (const file of files) await copy(file, join(folder, relative(root, file)));
  await addLauncher(folder);
  await cp(join(root, ".next"), join(folder, ".next"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => relative(root, path) !== join(".next", "cache"),
  });
  await writeFile(join(folder, "server.mjs"), server);
  return run(
    [...sandbox({ folder, database }, variables), "/node", `${task}/server.mjs`, variables.PORT ?? ""],
    logFile,
  );
}

/** What a function's launcher does, for all of them: the settings of the build, and nothing of ours before the routes. */
const server = `
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
const { config } = JSON.parse(readFileSync("${task}/.next/required-server-files.json", "utf8"));
process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = JSON.stringify(config);
const { default: next } = await import("next");
const app = next({ dev: false, dir: "${task}", hostname: "127.0.0.1", port: Number(process.argv[2]) });
await app.prepare();
const handle = app.getRequestHandler();
createServer((request, response) => void handle(request, response)).listen(Number(process.argv[2]), "127.0.0.1");
`;

async function build(logFile: string): Promise<void> {
  const environment: NodeJS.ProcessEnv = {
    NODE_ENV: "production",
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: "/nonexistent",
  };
  const { ended, finished } = start([process.execPath, join(root, "scripts", "build.mjs")], logFile, environment);
  await finished;
  if (ended() !== "ended with 0") throw new Error(`The build ${ended()}: ${await readFile(logFile, "utf8")}`);
}

/** Every function's files, and those of the server in front of them. */
async function traced(): Promise<Set<string>> {
  const next = join(root, ".next");
  const lists = (await readdir(next, { recursive: true })).filter((name) => name.endsWith(".nft.json"));
  const files = new Set<string>();
  for (const list of lists) {
    const { files: named } = JSON.parse(await readFile(join(next, list), "utf8")) as { files: string[] };
    for (const file of named) files.add(resolve(next, dirname(list), file));
  }
  return files;
}

/** The host brings Next.js itself, whole: it routes requests to the functions. */
async function addLauncher(folder: string): Promise<void> {
  const packages = new Set(["next", "react", "react-dom"]);
  for (const name of packages) {
    const from = join(root, "node_modules", name);
    await cp(from, join(folder, "node_modules", name), { recursive: true });
    const { dependencies = {} } = JSON.parse(await readFile(join(from, "package.json"), "utf8"));
    for (const needed of Object.keys(dependencies)) packages.add(needed);
  }
}

async function copy(from: string, to: string): Promise<void> {
  const kind = await lstat(from);
  await mkdir(dirname(to), { recursive: true });
  if (kind.isSymbolicLink()) await symlink(await readlink(from), to);
  else if (kind.isFile()) await cp(from, to);
}

function sandbox(place: { folder: string; database: string }, variables: Record<string, string>): string[] {
  const { folder, database } = place;
  const given = { ...variables, VERCEL: "1", NODE_ENV: "production", PATH: "/nonexistent", HOME: "/nonexistent" };
  return [
    ...["bwrap", "--die-with-parent", "--clearenv"],
    ...["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"],
    ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"],
    ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", database, database],
    ...["--ro-bind", process.execPath, "/node", "--ro-bind", folder, task, "--chdir", task, "--remount-ro", "/"],
    ...Object.entries(given).flatMap(([name, value]) => ["--setenv", name, value]),
  ];
}

async function run(command: string[], logFile: string): Promise<Deployed> {
  const environment: NodeJS.ProcessEnv = { NODE_ENV: "production", PATH: process.env.PATH ?? "" };
  const again = () => start(command, logFile, environment);
  let running = again();
  const end = async (signal: NodeJS.Signals) => {
    running.child.kill(signal);
    await running.finished;
  };
  return {
    ended: () => (running.ended() === undefined ? undefined : `Vigil ${running.ended()}`),
    stop: () => end("SIGTERM"),
    crash: async () => {
      await end("SIGKILL");
      running = again();
    },
  };
}

function start([program = "", ...parts]: string[], logFile: string, env: NodeJS.ProcessEnv) {
  const log = openSync(logFile, "a");
  const child = spawn(program, parts, { cwd: root, env, stdio: ["ignore", log, log] });
  closeSync(log);
  const end = () => child.exitCode ?? child.signalCode;
  return { child, finished: once(child, "exit"), ended: () => (end() === null ? undefined : `ended with ${end()}`) };
}
