import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);
const probeTimeoutMs = 15_000;

export const installHint =
  "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap) and allow user namespaces, or choose AGENT_SANDBOX=none knowingly: target code then runs with the rights of this user.";

/** What the sandbox shows of the machine: programs and the linker's cache, and nothing that is someone's. */
const shown = ["/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/passwd", "/etc/nsswitch.conf"];

/**
 * The command line for one run. Every namespace is its own, no capability is kept, the user is nobody, the environment
 * is empty, and only the copy of the commit can be written.
 */
export function bubblewrapCommand(given: {
  work: string;
  command: string;
  nodePath: string;
  lent: string | undefined;
  limits: { temporaryBytes: number };
}) {
  const { work, command, nodePath, lent, limits } = given;
  const flags = [
    ...["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
    ...shown.flatMap((path) => ["--ro-bind-try", path, path]),
    ...["--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"],
    ...(existsSync("/usr/lib64") ? ["--symlink", "usr/lib64", "/lib64"] : []),
    ...["--proc", "/proc", "--dev", "/dev", "--size", String(limits.temporaryBytes), "--tmpfs", "/tmp"],
    ...["--bind", work, "/checkout"],
    ...(lent === undefined ? [] : ["--ro-bind", lent, "/checkout/node_modules"]),
    ...["--ro-bind", nodePath, "/opt/node", "--chdir", "/checkout", "--clearenv"],
    ...["--setenv", "PATH", "/checkout/node_modules/.bin:/opt:/usr/bin:/bin", "--setenv", "HOME", "/tmp"],
    ...["--setenv", "CI", "1", "--setenv", "LANG", "C.UTF-8", "--setenv", "NODE_ENV", "test"],
  ];
  // bubblewrap itself needs nothing of our environment either.
  const environment = { NODE_ENV: "test" as const, PATH: "/usr/bin:/bin" };
  return { file: "bwrap", given: [...flags, "--", "/bin/sh", "-c", command], directory: "/", environment };
}

export type SandboxProbe = { kind: "available" } | { kind: "unavailable"; why: string };

const Seen = z.object({
  network: z.boolean(),
  environment: z.boolean(),
  home: z.boolean(),
  capabilities: z.boolean(),
  writable: z.boolean(),
});
const leaks: Record<keyof z.infer<typeof Seen>, string> = {
  network: "the network of this machine can be reached from inside",
  environment: "our environment can be read from inside",
  home: "home directories can be read from inside",
  capabilities: "capabilities are kept inside",
  writable: "files of this machine can be written from inside",
};

/** Tries the sandbox on a program that attempts to get out. Anything it reaches makes the sandbox unavailable. */
export async function probeSandbox({ nodePath }: { nodePath: string }): Promise<SandboxProbe> {
  const work = await mkdtemp(join(tmpdir(), "vigil-probe-"));
  const listener = createServer().listen(0, "127.0.0.1");
  try {
    await new Promise((resolve) => listener.once("listening", resolve));
    const address = listener.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await writeFile(join(work, "probe.mjs"), probeProgram(port));
    const { file, given, environment } = bubblewrapCommand({
      work,
      command: "node probe.mjs",
      nodePath,
      lent: undefined,
      limits: { temporaryBytes: 16 * 1024 ** 2 },
    });
    const { stdout } = await run(file, given, { env: environment, timeout: probeTimeoutMs, cwd: "/" });
    const seen = Seen.parse(JSON.parse(stdout));
    const leak = Object.entries(leaks).find(([name]) => seen[name as keyof typeof seen]);
    return leak === undefined ? { kind: "available" } : { kind: "unavailable", why: leak[1] };
  } catch (error) {
    return { kind: "unavailable", why: reasonOf(error) };
  } finally {
    listener.close();
    await rm(work, { recursive: true, force: true });
  }
}

function probeProgram(port: number): string {
  return `
import { connect } from "node:net";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
const tries = (act) => { try { return act(); } catch { return false; } };
const reaches = () => new Promise((done) => {
  const socket = connect(${port}, "127.0.0.1");
  socket.once("connect", () => done(true));
  socket.once("error", () => done(false));
});
const expected = ["PATH", "HOME", "CI", "LANG", "NODE_ENV", "PWD", "OLDPWD", "SHLVL", "_"];
const namesOf = (entries) => entries.some((entry) => !expected.includes(entry.split("=")[0]));
const network = await reaches();
console.log(JSON.stringify({
  network,
  environment: namesOf(Object.keys(process.env)) || tries(() => namesOf(readFileSync("/proc/1/environ", "utf8").split("\\0").filter(Boolean))),
  home: existsSync("/root") || tries(() => readdirSync("/home").length > 0),
  capabilities: !/^CapEff:\\s*0+$/m.test(readFileSync("/proc/self/status", "utf8")),
  writable: tries(() => { writeFileSync("/usr/vigil-probe", ""); return true; }),
}));
`;
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return "bubblewrap is not installed";
  const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim().split("\n")[0] : "";
  return said ? `bubblewrap does not work here (${said.slice(0, 200)})` : "the sandbox could not be tried";
}
