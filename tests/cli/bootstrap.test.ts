import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let root: string;
let log: string;

/** A checkout with nothing to install, and an `npm` that says what it does and takes its time. */
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "vigil-bootstrap-")));
  log = join(root, "npm.log");
  await mkdir(join(root, "scripts"));
  await mkdir(join(root, "bin"));
  await mkdir(join(root, "temporary"));
  await cp("scripts/bootstrap.mjs", join(root, "scripts", "bootstrap.mjs"));
  await writeFile(join(root, "package-lock.json"), "{}");
  await installer('sleep 1; mkdir -p "$PWD/node_modules"');
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function installer(work: string): Promise<void> {
  const path = join(root, "bin", "npm");
  await writeFile(path, `#!/bin/sh\necho "began $$" >> "${log}"\n${work}\necho "ended $$" >> "${log}"\n`);
  await chmod(path, 0o755);
}

function bootstrap() {
  const { npm_execpath: _cli, npm_node_execpath: _node, ...env } = process.env;
  const PATH = [join(root, "bin"), env.PATH].join(delimiter);
  return {
    command: [process.execPath, [join(root, "scripts", "bootstrap.mjs")]] as const,
    options: { cwd: root, env: { ...env, PATH, TMPDIR: join(root, "temporary") } },
  };
}

async function run(): Promise<string> {
  const { command, options } = bootstrap();
  return (await promisify(execFile)(...command, options)).stderr;
}

const lines = async () => (await readFile(log, "utf8").catch(() => "")).trim().split("\n");

describe("the first start", () => {
  it("installs once, and then no more", async () => {
    expect(await run()).toContain("npm ci (fresh checkout)");
    expect(await run()).toBe("");
    expect(await lines()).toHaveLength(2);
  });

  it("installs again when the lock file changed", async () => {
    await run();
    await writeFile(join(root, "package-lock.json"), '{"changed":true}');
    expect(await run()).toContain("npm ci (lockfile changed)");
  });

  it("waits for another first start instead of installing beside it", async () => {
    const printed = await Promise.all([run(), run(), run()]);
    expect(printed.filter((text) => text.includes("npm ci"))).toHaveLength(1);
    expect(await lines()).toHaveLength(2);
  });

  it("takes over from one that died, and repeats what failed", async () => {
    await installer("exit 7");
    await expect(run()).rejects.toMatchObject({ code: 7 });
    const lock = createHash("sha256").update(root).digest("hex").slice(0, 16);
    const dead = spawn("true");
    await once(dead, "exit");
    await writeFile(join(root, "temporary", `vigil-install-${lock}`), String(dead.pid));
    await installer('mkdir -p "$PWD/node_modules"');
    expect(await run()).toContain("npm ci");
    expect(await run()).toBe("");
  });

  it("ends the installation that it began when it is interrupted, and starts anew next time", async () => {
    await installer("sleep 600");
    const { command, options } = bootstrap();
    const child = spawn(...command, { ...options, stdio: "ignore" });
    const exited = once(child, "exit");
    await expect.poll(lines, { timeout: 20_000 }).toEqual([expect.stringMatching(/^began \d+$/)]);
    child.kill("SIGINT");
    expect(await exited).toEqual([130, null]);
    const installing = Number((await lines())[0]?.split(" ")[1]);
    await expect.poll(() => isAlive(installing), { timeout: 20_000 }).toBe(false);
    await installer('mkdir -p "$PWD/node_modules"');
    expect(await run()).toContain("npm ci");
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
