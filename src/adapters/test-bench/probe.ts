import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { Failure } from "#domain/failure.ts";
import { runBounded } from "./bounded-run.ts";
import { bubblewrapCommand, writeHosts } from "./bubblewrap.ts";
import { type ControlGroupKind, controlGroupKind } from "./control-groups.ts";

/** `limits`: how the kernel bounds memory and processes here; with `none` only time, output and disk are bounded. */
export type SandboxProbe =
  | { kind: "available"; limits: ControlGroupKind }
  | { kind: "unavailable"; why: string; hint: string };

const installHint =
  "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap) and allow user namespaces, or choose AGENT_SANDBOX=none knowingly: target code then runs with the rights of this user.";

const probeLimits = {
  timeMs: 15_000,
  outputBytes: 10_000,
  outputBytesMax: 100_000,
  fileBytes: 1024 ** 2,
  diskBytes: 100 * 1024 ** 2,
  temporaryBytes: 16 * 1024 ** 2,
};

const Seen = z.object({
  network: z.boolean(),
  names: z.boolean(),
  sockets: z.boolean(),
  environment: z.boolean(),
  home: z.boolean(),
  capabilities: z.boolean(),
  remount: z.boolean(),
  writable: z.boolean(),
});
/** What each way out means for the person who reads why nothing runs. */
const leaks: [keyof z.infer<typeof Seen>, string][] = [
  ["network", "the network of this machine can be reached from inside"],
  ["names", "names of other machines are resolved inside"],
  ["sockets", "sockets of this machine can be reached from inside"],
  ["environment", "our environment can be read from inside"],
  ["home", "home directories can be read from inside"],
  ["capabilities", "capabilities are kept inside"],
  ["remount", "read-only folders can be made writable from inside"],
  ["writable", "files of this machine can be written from inside"],
];

/** Tries the sandbox on a program that attempts to get out. Anything it reaches makes the sandbox unavailable. */
export async function probeSandbox({ nodePath }: { nodePath: string }): Promise<SandboxProbe> {
  const folder = await mkdtemp(join(tmpdir(), "vigil-probe-"));
  const listeners: Server[] = [];
  try {
    const port = await listen(listeners, { port: 0, host: "127.0.0.1" });
    const sockets = [join(folder, "host.sock"), `\0vigil-probe-${randomUUID()}`];
    for (const path of sockets) await listen(listeners, { path });
    const work = join(folder, "work");
    await mkdir(work);
    await writeFile(join(work, "probe.mjs"), probeProgram(port, sockets));
    const why = await leakIn(work, nodePath, await writeHosts(folder));
    if (why !== undefined) return { kind: "unavailable", why, hint: installHint };
    return { kind: "available", limits: await controlGroupKind() };
  } catch (error) {
    return { kind: "unavailable", why: reasonOf(error), hint: installHint };
  } finally {
    for (const listener of listeners) listener.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function leakIn(work: string, nodePath: string, hosts: string): Promise<string | undefined> {
  const command = "node probe.mjs";
  const ended = await runBounded({
    ...bubblewrapCommand({
      work,
      command,
      nodePath,
      lent: [],
      directory: "",
      hosts,
      npm: undefined,
      limits: probeLimits,
    }),
    group: { join: "", ranOutOfMemory: async () => false, remove: async () => {} },
    folder: work,
    limits: probeLimits,
  });
  if (ended.exitCode !== 0) throw new Failure("unavailable", "The sandbox was tried in vain.", { cause: ended.output });
  const seen = Seen.parse(JSON.parse(ended.output));
  return leaks.find(([name]) => seen[name])?.[1];
}

async function listen(listeners: Server[], where: { port: number; host: string } | { path: string }): Promise<number> {
  const server = createServer((connection) => connection.destroy());
  listeners.push(server);
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(where, done);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Runs inside, tries every way out and prints which ones were open. */
function probeProgram(port: number, sockets: string[]): string {
  return `
import { execFileSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { existsSync, readFileSync, readdirSync, unlinkSync, writeFileSync } from "node:fs";
const tries = (act) => { try { return act(); } catch { return false; } };
const reaches = (to) => new Promise((done) => {
  const socket = connect(to);
  socket.setTimeout(2000, () => done(false));
  socket.once("connect", () => done(true));
  socket.once("error", () => done(false));
});
const anyOf = async (targets) => (await Promise.all(targets.map(reaches))).includes(true);
const expected = ["PATH", "HOME", "CI", "LANG", "NODE_ENV", "PWD", "OLDPWD", "SHLVL", "_"];
const namesOf = (entries) => entries.some((entry) => !expected.includes(entry.split("=")[0]));
const noCapabilities = /^CapEff:\\s*0+$/m.test(readFileSync("/proc/self/status", "utf8"));
const seen = {
  network: await anyOf([{ port: ${port}, host: "127.0.0.1" }, { port: ${port}, host: "::1" }, { port: 80, host: "169.254.169.254" }]),
  names: await lookup("example.com").then(() => true, () => false),
  sockets: await anyOf(${JSON.stringify(sockets)}.map((path) => ({ path }))),
  environment: namesOf(Object.keys(process.env)) || tries(() => namesOf(readFileSync("/proc/1/environ", "utf8").split("\\0").filter(Boolean))),
  home: existsSync("/root") || tries(() => readdirSync("/home").length > 0),
  capabilities: !noCapabilities,
  remount: tries(() => { execFileSync("mount", ["-o", "remount,rw,bind", "/usr"], { stdio: "ignore" }); return true; }),
  writable: tries(() => { writeFileSync("/usr/vigil-probe", ""); unlinkSync("/usr/vigil-probe"); return true; }),
};
process.stdout.write(JSON.stringify(seen) + "\\n", () => process.exit(0));
`;
}

function reasonOf(error: unknown): string {
  const said = error instanceof Failure ? String(error.cause).trim().split("\n")[0] : "";
  if (said?.includes("bwrap: not found")) return "bubblewrap is not installed";
  return said ? `bubblewrap does not work here (${said.slice(0, 200)})` : "the sandbox could not be tried";
}
