// Plain JS, must run on Node 20: installs node_modules from the lockfile when missing or stale.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const want = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(process.platform + process.arch)
  .digest("hex");
const stamp = join(root, "node_modules", ".installed-lock");
const have = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
if (have !== want) {
  console.error(`[bootstrap] npm ci (${have ? "lockfile changed" : "fresh checkout"})`);
  // npm ci deletes node_modules, the node we may run on included: use the node that runs npm and a PATH without node_modules/.bin
  const PATH = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((p) => !p.includes("node_modules"))
    .join(delimiter);
  const env = { ...process.env, PATH };
  for (const k of Object.keys(env)) if (/^npm_(package|lifecycle|command|config_local_prefix)/.test(k)) delete env[k];
  const node = process.env.npm_node_execpath,
    cli = process.env.npm_execpath;
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const r =
    node && cli
      ? spawnSync(node, [cli, ...args], { cwd: root, env, stdio: ["ignore", 2, 2] })
      : spawnSync("npm", args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (r.status !== 0) {
    rmSync(stamp, { force: true });
    process.exit(r.status ?? 1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, want);
}
