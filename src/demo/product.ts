import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { delimiter, dirname, join, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";

/** A Vigil that this program started, with the two environments it serves. */
export interface Product {
  url: string;
  staging: string;
  production: string;
  apiToken: string;
  logFile: string;
  /** What it printed last, for diagnostics. */
  logTail(): string;
  /** Why it ended, or `undefined` while it runs. */
  ended(): string | undefined;
  /** Ends it and everything it started in `directory`. */
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "..", "..");
const stopGraceMs = 10_000;
const logTailLines = 80;
const secretBytes = 32;
/** One that was just starting another is caught in the next round. */
const sweepRoundsMax = 20;
const sweepPauseMs = 50;

/**
 * Starts the real product, configured by environment variables only, on the bundled clinic in `repository`. Everything it
 * writes goes to `directory`. `sandbox: "none"` only where bubblewrap is missing: the clinic is our own code.
 */
export async function startProduct(options: {
  directory: string;
  repository: string;
  sandbox: "bubblewrap" | "none";
  /** Where the application is another one. */
  variables?: Record<string, string>;
}): Promise<Product> {
  const { directory, repository, sandbox, variables = {} } = options;
  const [port, stagingPort, productionPort] = [await getPort(), await getPort(), await getPort()];
  const at = (n: number) => `http://127.0.0.1:${n}`;
  const apiToken = secret();
  const env = {
    ...inherited(),
    NODE_ENV: "production" as const,
    PORT: String(port),
    APP_URL: at(port),
    VIGIL_HOME: join(directory, ".vigil"),
    AGENT_REPOSITORY: repository,
    AGENT_START_COMMAND: "node src/server.ts",
    AGENT_TEST_COMMAND: "node --test",
    STAGING_URL: at(stagingPort),
    PRODUCTION_URL: at(productionPort),
    AGENT_HEALTH_PATH: "/api/health",
    AGENT_INGEST_KEY: secret(),
    AGENT_API_TOKEN: apiToken,
    CRON_SECRET: secret(),
    ...(sandbox === "none" ? { AGENT_SANDBOX: "none" } : {}),
    ...variables,
  };
  const logFile = join(directory, "vigil.log");
  const log = openSync(logFile, "a");
  // A group of its own: ending the group ends whatever the server started in it.
  const child = spawn(process.execPath, [join(root, "scripts", "start.mjs")], {
    cwd: root,
    env,
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  return {
    url: at(port),
    staging: at(stagingPort),
    production: at(productionPort),
    apiToken,
    logFile,
    logTail: () => tailOf(logFile),
    ...supervise(child, directory),
  };
}

/** Whether programs can be run in a sandbox here: `bwrap` is on the path. */
export function hasBubblewrap(path: string = process.env.PATH ?? ""): boolean {
  return path.split(delimiter).some((folder) => folder !== "" && isExecutable(join(folder, "bwrap")));
}

function supervise(child: ChildProcess, directory: string): Pick<Product, "ended" | "stop"> {
  let end: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      end = `Vigil could not be started: ${error.message}`;
      resolve();
    });
    child.once("exit", (code, signal) => {
      end ??= `Vigil ended with ${signal ?? `exit code ${code}`}`;
      resolve();
    });
  });
  return {
    ended: () => end,
    async stop() {
      if (end === undefined) {
        signalGroup(child.pid, "SIGTERM");
        await Promise.race([exited, sleep(stopGraceMs, undefined, { ref: false })]);
      }
      // Releases outlive the server by design: the group and the folder say which processes are ours.
      signalGroup(child.pid, "SIGKILL");
      for (let round = 0; round < sweepRoundsMax; round += 1) {
        const left = processesIn(directory);
        if (left.length === 0) break;
        for (const pid of left) signal(pid, "SIGKILL");
        await sleep(sweepPauseMs);
      }
    },
  };
}

/** Processes whose working folder lies in `directory`. Only Linux tells; elsewhere the group has to do. */
function processesIn(directory: string): number[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid !== process.pid && (folderOf(pid) ?? "").startsWith(directory + sep));
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid !== undefined) signal(-pid, name);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** Nothing of this shell's configuration reaches the product: only what any program needs to run. */
function inherited(): Record<string, string> {
  const kept = ["HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER", "SystemRoot"];
  const values = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  const path = [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter);
  return { ...Object.fromEntries(values), PATH: path, NEXT_TELEMETRY_DISABLED: "1" };
}

function secret(): string {
  return randomBytes(secretBytes).toString("hex");
}

function tailOf(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-logTailLines).join("\n");
  } catch {
    return "";
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
