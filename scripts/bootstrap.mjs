// Plain JS, must run on Node 20: installs node_modules from the lockfile when missing or stale. One start at a time: a
// second one waits for the first, and whoever is interrupted ends the installation that it began.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const want = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .update(process.platform + process.arch)
  .digest("hex");
const stamp = join(root, "node_modules", ".installed-lock");
const lock = join(tmpdir(), `vigil-install-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);

if (installed() !== want) {
  await takeLock();
  try {
    // Whoever held the lock may have done it.
    if (installed() !== want) await install();
  } finally {
    rmSync(lock, { force: true });
  }
}

function installed() {
  return existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
}

async function takeLock() {
  let isTold = false;
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!isHeld()) rmSync(lock, { force: true });
    else if (!isTold) console.error("[bootstrap] waiting for another start that is installing");
    isTold = true;
    await after(300);
  }
}

function isHeld() {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return true;
  } catch (error) {
    // A lock that has just been given back is nobody's to remove: whoever comes now may hold it already.
    return error.code === "EPERM" || error.code === "ENOENT";
  }
}

async function install() {
  console.error(`[bootstrap] npm ci (${installed() ? "lockfile changed" : "fresh checkout"})`);
  rmSync(stamp, { force: true });
  const status = await npmCi();
  if (status !== 0) {
    rmSync(lock, { force: true });
    process.exit(status);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, want);
}

/** npm deletes node_modules, the Node we may run on included: the Node that runs npm, and a PATH without node_modules. */
async function npmCi() {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  const env = { ...process.env, PATH: path.join(delimiter) };
  for (const name of Object.keys(env)) {
    if (/^npm_(package|lifecycle|command|config_local_prefix)/.test(name)) delete env[name];
  }
  const { npm_node_execpath: node, npm_execpath: cli } = process.env;
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const [file, given] = node && cli ? [node, [cli, ...args]] : ["npm", args];
  // A group of its own, so that all of it can be ended.
  const child = spawn(file, given, { cwd: root, env, stdio: ["ignore", 2, 2], detached: true });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  let isEnding = false;
  const end = () => {
    isEnding = true;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  for (const signal of signals) process.on(signal, end);
  const status = await new Promise((done) => {
    child.on("error", (error) => {
      console.error(`[bootstrap] npm cannot be started: ${error.message}`);
      done(1);
    });
    child.on("exit", (code) => done(isEnding ? 130 : (code ?? 1)));
  });
  for (const signal of signals) process.off(signal, end);
  return status;
}
