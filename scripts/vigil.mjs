#!/usr/bin/env node
// `npx vigil …`: sees to it that everything is installed, then runs the command line on the pinned Node.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
await import("./bootstrap.mjs");

const node = pinnedNode();
const env = { ...process.env, PATH: [dirname(node), process.env.PATH ?? ""].join(delimiter) };
const main = join(root, "src", "cli", "main.ts");
const command = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit", env });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => command.kill(signal));
command.on("error", (error) => {
  console.error(`vigil cannot be started: ${error.message}`);
  process.exit(1);
});
command.on("exit", (code) => process.exit(code ?? 1));

/** The Node from node_modules; where there is no build of it for this machine, the one that runs this file. */
function pinnedNode() {
  const pinned = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  console.error(`vigil needs Node 24 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
