// Builds when the sources changed, then serves until it is told to stop. Runs on the pinned Node that npm puts on PATH.
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import "./build.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const host = process.env.HOST?.trim() || "127.0.0.1";
const port = process.env.PORT?.trim() || "3000";
const env = {
  ...process.env,
  NODE_ENV: "production",
  NEXT_TELEMETRY_DISABLED: "1",
  // Vigil closes its database before it exits; Next.js on its own would not wait.
  NEXT_MANUAL_SIG_HANDLE: "true",
  // Releases that Vigil runs start `node` by name: it is the one that runs here.
  PATH: [dirname(process.execPath), process.env.PATH ?? ""].join(delimiter),
};

serve();

function serve() {
  const parent = process.ppid;
  const server = spawn(process.execPath, [join("scripts", "serve.mjs"), host, port], { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => server.kill(forwarded(signal)));
  // npm dies on SIGTERM without telling us: whoever is left alone would keep the port for ever.
  const watch = setInterval(() => process.ppid !== parent && server.kill("SIGTERM"), 1_000);
  server.on("error", (error) => {
    console.error(`[start] the server cannot be started: ${error.message}`);
    process.exit(1);
  });
  server.on("exit", (code, signal) => {
    clearInterval(watch);
    process.exit(code ?? (signal === null ? 0 : 1));
  });
  void announce(server);
}

/** The server knows SIGTERM and SIGINT. */
function forwarded(signal) {
  return signal === "SIGHUP" ? "SIGTERM" : signal;
}

/** Says where Vigil is once it answers. */
async function announce(server) {
  const shown = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const url = `http://${shown === "0.0.0.0" || shown === "[::]" ? "127.0.0.1" : shown}:${port}`;
  while (server.exitCode === null && server.signalCode === null) {
    const answer = await fetch(`${url}/api/health`).catch(() => undefined);
    if (answer !== undefined) return console.log(`[start] Vigil runs at ${url}`);
    await after(300);
  }
}
