import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHealthProbe } from "#adapters/platform/health-probe.ts";
import { createProcessesPlatform, type ProcessesPlatformOptions } from "#adapters/platform/processes.ts";
import { type Environment, Sha } from "#domain/ids.ts";

/** A small web application. What a commit does differently is its `behaviour`. */
const application = (behaviour: string) => `
import { createServer } from "node:http";
import { spawn } from "node:child_process";
const { PORT, HOST, RELEASE, ENVIRONMENT } = process.env;
console.log("hello from " + ENVIRONMENT);
const answer = {
  "/health": (response) => response.end(JSON.stringify({ status: "ok", release: RELEASE })),
  "/release": (response) => response.end(RELEASE),
  "/environment": (response) => response.end(JSON.stringify(process.env)),
  "/slow": (response) => setTimeout(() => response.end(RELEASE), 300),
  "/shout": (response) => { console.log("x".repeat(3_000_000)); response.end(); },
  "/exit": () => process.exit(7),
};
const server = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.url === "/echo") return request.pipe(response);
  (answer[request.url] ?? ((other) => other.writeHead(404).end()))(response);
});
${behaviour}
server.listen(Number(PORT), HOST);
`;

const commit = (digits: string) => Sha.parse(digits.repeat(10));

export const commits = {
  good: commit("aaa1"),
  better: commit("bbb2"),
  best: commit("ccc3"),
  unused: commit("ddd4"),
  /** Ends with an error at once. */
  broken: commit("eee5"),
  /** Accepts requests and never answers. */
  hanging: commit("fff6"),
  /** Never listens. */
  deaf: commit("0007"),
  /** Says that it is another release. */
  lying: commit("1118"),
  /** Ignores the request to end, and leaves a child behind. */
  stubborn: commit("2229"),
};

const behaviours: Record<string, string> = {
  [commits.broken]: `console.error("\\x1b[31mError: no database\\x1b[0m at " + process.env.REPORT_KEY); process.exit(3);`,
  [commits.hanging]: `answer["/health"] = () => undefined;`,
  [commits.deaf]: `await new Promise((resolve) => setTimeout(resolve, 60_000));`,
  [commits.lying]: `answer["/health"] = (response) => response.end(JSON.stringify({ status: "ok", release: "${commits.good}" }));`,
  [commits.stubborn]: `process.on("SIGTERM", () => undefined); spawn("sleep", ["300"]);`,
};

/** Writes a commit's files, like a repository would. */
export const source = {
  async export(sha: Sha, directory: string): Promise<void> {
    await writeFile(join(directory, "server.mjs"), application(behaviours[sha] ?? ""));
  },
};

export interface LocalSetup {
  directory: string;
  ports: Record<Environment, number>;
}

export async function aLocalSetup(): Promise<LocalSetup> {
  const directory = mkdtempSync(join(tmpdir(), "vigil-processes-"));
  return { directory, ports: { staging: await freePort(), production: await freePort() } };
}

/** A platform over `setup`; a second one over the same is what a restarted agent would create. */
export function aLocalPlatform(setup: LocalSetup, options: Partial<ProcessesPlatformOptions> = {}) {
  return createProcessesPlatform({
    ...setup,
    source,
    startCommand: "node server.mjs",
    healthPath: "/health",
    environmentVariables: () => ({ REPORT_URL: "http://127.0.0.1:9/report", REPORT_KEY: "report-key-1234" }),
    nodePath: process.execPath,
    readyTimeoutMs: 10_000,
    drainMs: 60_000,
    now: () => new Date(),
    probe: createHealthProbe({ timeoutMs: 1_000, controlUrl: null, allowPrivateHosts: true }),
    ...options,
  });
}

/** Ends what the setup still runs and removes its folder. */
export async function tearDown(setup: LocalSetup): Promise<void> {
  await aLocalPlatform(setup).stop();
  rmSync(setup.directory, { recursive: true, force: true });
}

/** The applications that run for the setup, as "environment release", sorted. Read from the kernel, not from our record. */
export function applications({ directory }: LocalSetup): string[] {
  return processesOf(directory)
    .filter(({ command }) => command[0]?.endsWith("node") === true && command.includes("server.mjs"))
    .map(({ variables }) => `${variables.ENVIRONMENT} ${variables.RELEASE}`)
    .sort();
}

export function fronts({ directory }: LocalSetup): number[] {
  return processesOf(directory)
    .filter(({ command }) => command[0]?.endsWith("node") === true && command[1]?.includes("front") === true)
    .map(({ pid }) => pid);
}

/** Every process of the setup, shells included. */
export function processesOf(directory: string) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), command: listIn(`/proc/${pid}/cmdline`), variables: variablesOf(pid) }))
    .filter(({ variables }) => variables.HOME?.startsWith(`${directory}/`) === true);
}

function variablesOf(pid: string): Record<string, string> {
  return Object.fromEntries(
    listIn(`/proc/${pid}/environ`).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function listIn(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\0").slice(0, -1);
  } catch {
    // It ended, or it belongs to someone else.
    return [];
  }
}

/** Below the kernel's own range, so that no outgoing connection takes it meanwhile. */
export async function freePort(): Promise<number> {
  const port = 10_000 + Math.floor(Math.random() * 9_000);
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}
