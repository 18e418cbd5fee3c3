import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Command } from "./bounded-run.ts";
import type { LentModules } from "./project.ts";

/** What the sandbox shows of the machine: programs and the linker's cache, and nothing that is someone's. */
const shown = ["/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/passwd", "/etc/nsswitch.conf"];

const npmLinks = ["npm", "npx"].flatMap((name) => ["--symlink", `npm-package/bin/${name}-cli.js`, `/opt/${name}`]);

/**
 * The command line for one run. Every namespace is its own, no capability is kept, the user is nobody, the environment
 * is empty, and only the copy of the commit can be written.
 */
export function bubblewrapCommand(given: {
  work: string;
  command: string;
  nodePath: string;
  lent: readonly LentModules[];
  /** Where in the checkout the command runs; empty at its top. */
  directory: string;
  /** A file that names this machine's loopback, and nothing else. */
  hosts: string;
  /** The folder of npm, where it is not among the machine's own programs. */
  npm: string | undefined;
  limits: { temporaryBytes: number };
}): Command {
  const { work, command, nodePath, lent, directory, hosts, npm, limits } = given;
  const folder = posix.join("/checkout", directory);
  const tools = [...new Set([folder, "/checkout"])].map((place) => `${place}/node_modules/.bin`);
  const flags = [
    // Tells a sandbox that could not be set up from tests that fail; the target does not get the descriptor.
    ...["--json-status-fd", "3"],
    ...["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...["--uid", "65534", "--gid", "65534", "--hostname", "sandbox"],
    ...shown.flatMap((path) => ["--ro-bind-try", path, path]),
    ...["--ro-bind", hosts, "/etc/hosts"],
    ...["--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"],
    ...(existsSync("/usr/lib64") ? ["--symlink", "usr/lib64", "/lib64"] : []),
    ...["--proc", "/proc", "--dev", "/dev", "--size", String(limits.temporaryBytes), "--tmpfs", "/tmp"],
    ...["--bind", work, "/checkout"],
    ...lent.flatMap(({ from, at }) => ["--ro-bind", from, posix.join("/checkout", at)]),
    ...(npm === undefined ? [] : ["--ro-bind", npm, "/opt/npm-package", ...npmLinks]),
    ...["--ro-bind", nodePath, "/opt/node", "--chdir", folder, "--clearenv"],
    ...[
      "--setenv",
      "PATH",
      [...tools, "/opt", "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
      "--setenv",
      "HOME",
      "/tmp",
    ],
    ...["--setenv", "CI", "1", "--setenv", "LANG", "C.UTF-8", "--setenv", "NODE_ENV", "test"],
  ];
  // bubblewrap itself needs nothing of our environment either.
  const environment = { NODE_ENV: "test" as const, PATH: "/usr/bin:/bin" };
  return {
    file: "bwrap",
    given: [...flags, "--", "/bin/sh", "-c", command],
    directory: "/",
    environment,
    tellsEnd: true,
  };
}

/** Writes what tests that serve themselves look up: without it even `localhost` has no address inside. */
export async function writeHosts(folder: string): Promise<string> {
  const hosts = join(folder, "hosts");
  await writeFile(hosts, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n", { mode: 0o644 });
  return hosts;
}
