import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createSandboxTestBench,
  type Limits,
  probeSandbox,
  type SandboxTestBenchOptions,
} from "#adapters/test-bench/sandbox.ts";
import type { TestReport } from "#domain/fix.ts";
import { aSha } from "#tests/support/builders.ts";

const commit = aSha("a");
let folder: string;
let canaries: string[];
const listeners: Server[] = [];
let tcpPort = 0;

beforeAll(async () => {
  const probe = await probeSandbox({ nodePath: process.execPath });
  if (probe.kind === "unavailable") throw new Error(`these tests need bubblewrap: ${probe.why}`);
  folder = await mkdtemp(join(tmpdir(), "vigil-sandbox-test-"));
  const socket = join(folder, "host.sock");
  tcpPort = await listen(0);
  await listen(socket);
  await listen("\0vigil-abstract");
  canaries = [socket];
});
afterAll(async () => {
  for (const listener of listeners) listener.close();
  await rm(folder, { recursive: true, force: true });
});

async function listen(where: number | string): Promise<number> {
  const server = createServer((connection) => connection.destroy());
  listeners.push(server);
  await new Promise<void>((done) =>
    typeof where === "number" ? server.listen(where, "127.0.0.1", done) : server.listen(where, done),
  );
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function bench(
  files: Record<string, string>,
  options: Partial<SandboxTestBenchOptions> & { limits?: Partial<Limits> } = {},
) {
  return createSandboxTestBench({
    source: {
      export: async (_, directory) => {
        for (const [path, text] of Object.entries(files)) {
          mkdirSync(dirname(join(directory, path)), { recursive: true });
          writeFileSync(join(directory, path), text);
        }
      },
    },
    scratch: join(folder, "scratch"),
    testCommand: null,
    typesCommand: null,
    isolation: "bubblewrap",
    nodePath: process.execPath,
    ...options,
  });
}

async function report(files: Record<string, string>, options: Parameters<typeof bench>[1] = {}): Promise<TestReport> {
  const run = await bench(files, options).run(commit, "tests");
  if (run.kind !== "finished") throw new Error(`not finished: ${run.kind}`);
  return run.report;
}
/** Runs a program inside and answers what it printed as JSON. */
async function inside(program: string, options: Parameters<typeof bench>[1] = {}): Promise<unknown> {
  const { output } = await report({ "p.mjs": program }, { testCommand: "node p.mjs", ...options });
  return JSON.parse(output);
}
const passing = 'import { test } from "node:test"; test("a", () => {}); test("b", () => {});';
const failing = 'import { test } from "node:test"; test("a", () => {}); test("b", () => { throw new Error("no"); });';
const scratchIsEmpty = () => readdirSync(join(folder, "scratch")).length === 0;
const groupsLeft = () =>
  ["memory", "pids"]
    .flatMap((name) => (existsSync(`/sys/fs/cgroup/${name}`) ? readdirSync(`/sys/fs/cgroup/${name}`) : []))
    .filter((name) => name.startsWith(`vigil-${process.pid}-`));
const running = (mark: string) =>
  execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(mark) && !line.includes("ps -eo"));

describe.each(["bubblewrap", "none"] as const)("tests with isolation %s", (isolation) => {
  it("counts what passed", async () => {
    expect(await report({ "a.test.mjs": passing }, { isolation, testCommand: "node --test" })).toMatchObject({
      outcome: "passed",
      passed: 2,
      failed: 0,
      exitCode: 0,
      commit,
    });
    expect(scratchIsEmpty()).toBe(true);
  });

  it("tells while it runs what was printed last", async () => {
    const told: string[] = [];
    const program = `let n = 0;
      const print = () => process.stdout.write("line " + ++n + "\\n");
      const printing = setInterval(print, 50);
      setTimeout(() => clearInterval(printing), 4000);`;
    const { run } = bench({ "p.mjs": program }, { isolation, testCommand: "node p.mjs" });
    expect((await run(commit, "tests", (line) => told.push(line))).kind).toBe("finished");
    expect(told.length).toBeGreaterThan(0);
    // Some eighty lines: what is told is the last one of each second.
    expect(told.length).toBeLessThan(40);
    expect(told.filter((line) => !/^line \d+$/.test(line))).toEqual([]);
    expect(new Set(told).size).toBe(told.length);
  });

  it("fails when one test fails, with the output", async () => {
    const failed = await report({ "a.test.mjs": failing }, { isolation, testCommand: "node --test" });
    expect(failed).toMatchObject({
      outcome: "failed",
      passed: 1,
      failed: 1,
      exitCode: 1,
      output: expect.stringContaining("Error: no"),
    });
  });

  it("runs the project's own script when no command is configured, and says when there is none", async () => {
    const files = { "package.json": '{"scripts":{"test":"node --test"}}', "a.test.mjs": passing };
    expect(await report(files, { isolation })).toMatchObject({ outcome: "passed", passed: 2 });
    expect(await bench({ "package.json": "{" }, { isolation }).run(commit, "tests")).toEqual({
      kind: "none",
      why: "the project has no test script",
    });
    expect(await bench(files, { isolation }).run(commit, "types")).toEqual({
      kind: "none",
      why: "the project has no type check",
    });
  });

  it("does not believe a target that says all is well and exits with an error, or the other way round", async () => {
    expect(await report({}, { isolation, testCommand: "echo '5 passed, 0 failed'; exit 3" })).toMatchObject({
      outcome: "failed",
      failed: 1,
    });
    expect(await report({}, { isolation, testCommand: "echo '5 passed, 2 failed'; exit 0" })).toMatchObject({
      outcome: "failed",
      failed: 2,
    });
  });

  it("takes a run without a test for no proof", async () => {
    expect(await report({}, { isolation, testCommand: "node --test" })).toMatchObject({ outcome: "no_tests" });
  });

  it("strips what could steer a terminal or hide text", async () => {
    const { output } = await report(
      {},
      { isolation, testCommand: "printf '\\033[2Jcleared\\033]0;title\\007 \\342\\200\\256reversed\\n'" },
    );
    expect(output).toBe("cleared reversed\n");
  });

  it("ends a run that hangs, with everything that it started", async () => {
    const mark = `sleep 7${isolation.length}1`;
    const run = await report(
      {},
      { isolation, testCommand: `${mark} & trap '' TERM; ${mark}`, limits: { timeMs: 700 } },
    );
    expect(run).toMatchObject({ outcome: "timed_out", exitCode: null });
    await expect.poll(() => running(mark)).toEqual([]);
  });

  it("bounds what is kept of 100 MB of output, and stops it", async () => {
    const run = await report(
      {},
      { isolation, testCommand: "head -c 100000000 /dev/zero | tr '\\0' x", limits: { outputBytesMax: 2_000_000 } },
    );
    expect(run.outcome).toBe("output_limit");
    expect(run.output.length).toBeLessThanOrEqual(200_100);
  });

  it("gives the target nothing of our environment", async () => {
    const names = await inside("console.log(JSON.stringify(Object.keys(process.env)))", { isolation });
    const allowed = ["PATH", "HOME", "TMPDIR", "CI", "LANG", "NODE_ENV", "PWD", "OLDPWD", "SHLVL", "_"];
    expect((names as string[]).filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it("runs the same commit twice at once", async () => {
    const both = bench({ "a.test.mjs": passing }, { isolation, testCommand: "node --test" });
    const runs = await Promise.all([both.run(commit, "tests"), both.run(commit, "tests")]);
    expect(runs).toMatchObject([{ report: { outcome: "passed" } }, { report: { outcome: "passed" } }]);
  });
});

describe("the sandbox", () => {
  it("keeps every way out closed", async () => {
    const program = `
      import { connect } from "node:net"; import dgram from "node:dgram"; import dns from "node:dns/promises";
      const tcp = (to) => new Promise((done) => { const s = connect(to); s.once("connect", () => done(true)); s.once("error", () => done(false)); setTimeout(() => done(false), 800); });
      const udp = () => new Promise((done) => { const s = dgram.createSocket("udp4"); s.send("x", 53, "9.9.9.9", (e) => done(!e)); });
      console.log(JSON.stringify({
        host: await tcp({ port: ${tcpPort}, host: "127.0.0.1" }), v6: await tcp({ port: ${tcpPort}, host: "::1" }),
        metadata: await tcp({ port: 80, host: "169.254.169.254" }), udp: await udp(),
        dns: await dns.lookup("example.com").then(() => true, () => false),
        socket: await tcp({ path: ${JSON.stringify(canaries[0])} }), abstract: await tcp({ path: "\\0vigil-abstract" }),
        postgres: await tcp({ path: "/var/run/postgresql/.s.PGSQL.5432" }) })); process.exit(0);`;
    expect(await inside(program)).toEqual({
      host: false,
      v6: false,
      metadata: false,
      udp: false,
      dns: false,
      socket: false,
      abstract: false,
      postgres: false,
    });
  });

  it("shows no secret of this machine", async () => {
    writeFileSync(join(folder, "canary"), "secret");
    const paths = [
      join(folder, "canary"),
      "/root",
      "/home",
      "/etc/shadow",
      "/var/run",
      "/etc/hostname",
      "/checkout/../root/.npmrc",
      "/srv",
      "/proc/1/root/etc/shadow",
    ];
    const program = `import { existsSync, readdirSync } from "node:fs";
      const open = (p) => { try { return existsSync(p) && (readdirSync(p).length > 0); } catch (e) { return e.code === "ENOTDIR"; } };
      console.log(JSON.stringify(${JSON.stringify(paths)}.filter(open)));`;
    expect(await inside(program)).toEqual([]);
  });

  it("cannot be left by remounting: capabilities are dropped", async () => {
    const run = await report(
      {},
      {
        testCommand:
          "mount -o remount,rw,bind / 2>/dev/null || mount -o remount,rw /usr; touch /usr/x /etc/x; echo done",
      },
    );
    expect(run.output).toContain("done");
    expect(existsSync("/usr/x") || existsSync("/etc/x")).toBe(false);
  });

  it("lets a test serve itself on the loopback of the sandbox, also by its name", async () => {
    const program = (host: string) => `import { createServer } from "node:http";
      const s = createServer((q, r) => r.end("hi")).listen(0, "${host}", async () => {
      console.log(JSON.stringify(await (await fetch("http://${host}:" + s.address().port)).text())); s.close(); });`;
    expect(await inside(program("127.0.0.1"))).toBe("hi");
    expect(await inside(program("localhost"))).toBe("hi");
  });

  it("lends packages whatever the lock file says where it is told so, and runs in the folder that is named", async () => {
    const modules = join(folder, "lent", "node_modules");
    mkdirSync(join(modules, "p"), { recursive: true });
    writeFileSync(join(modules, "p", "index.js"), "module.exports = 7;");
    const script = `node -p 'require("p") + " " + process.cwd()'; ! touch node_modules/p/x`;
    const ran = await report(
      { "packages/api/package.json": `{"scripts":{"test":${JSON.stringify(script)}}}`, "package-lock.json": "{}" },
      { lent: [{ from: modules, at: "packages/api/node_modules" }], directory: "packages/api" },
    );
    expect(ran).toMatchObject({ outcome: "passed", output: expect.stringContaining("7 /checkout/packages/api") });
  });

  it("shows an npm that lies elsewhere", async () => {
    const npm = join(folder, "npm");
    mkdirSync(join(npm, "bin"), { recursive: true });
    writeFileSync(join(npm, "bin", "npm-cli.js"), `#!/usr/bin/env node\nconsole.log("npm", process.argv[2]);`, {
      mode: 0o755,
    });
    expect(await report({}, { npm, testCommand: "npm test" })).toMatchObject({ output: "npm test\n" });
  });

  it("stops a fork bomb, a memory hog, a huge file and a daemon, and leaves nothing behind", async () => {
    const limits = { timeMs: 3_000, processes: 40, memoryBytes: 200_000_000, fileBytes: 5_000_000 };
    const mark = "sleep 8131";
    const bomb = await report({}, { limits, testCommand: `for i in $(seq 1 300); do ${mark} & done; wait` });
    expect(bomb.outcome).not.toBe("passed");
    const hog = await report({}, { limits, testCommand: `node -e "const a=[];for(;;)a.push(Buffer.alloc(1e7,1))"` });
    expect(["memory_limit", "failed"]).toContain(hog.outcome);
    const file = await report({}, { limits, testCommand: "head -c 50000000 /dev/zero > big; exit $?" });
    expect(file.outcome).toBe("failed");
    await report({}, { limits, testCommand: `setsid sh -c 'trap "" TERM HUP; ${mark}' & exit 0` });
    await expect.poll(() => running(mark)).toEqual([]);
    expect(groupsLeft()).toEqual([]);
    expect(scratchIsEmpty()).toBe(true);
  });

  it("removes the copies and control groups of a process that was killed", async () => {
    mkdirSync(join(folder, "scratch", "999999-left"), { recursive: true });
    const orphans = ["memory", "pids"].map((kind) => `/sys/fs/cgroup/${kind}/vigil-999999-left`);
    for (const orphan of orphans) if (existsSync(join(orphan, ".."))) mkdirSync(orphan, { recursive: true });
    await report({ "a.test.mjs": passing }, { testCommand: "node --test" });
    expect(scratchIsEmpty()).toBe(true);
    expect(orphans.filter((orphan) => existsSync(orphan))).toEqual([]);
  });

  it("is not poisoned by a target that nests folders deeper than a path can name", async () => {
    const nest = `node -e "for (let n = 0; n < 3000; n++) { fs.mkdirSync('deep-deep'); process.chdir('deep-deep'); }"`;
    expect((await report({}, { testCommand: nest })).exitCode).toBe(0);
    expect(scratchIsEmpty()).toBe(true);
    expect((await report({}, { testCommand: "true" })).outcome).toBe("passed");
  });

  it("stops a target that fills the disk with many files, each below the limit", async () => {
    const limits = { timeMs: 20_000, fileBytes: 30_000_000, diskBytes: 60_000_000 };
    const fill = "for i in $(seq 1 40); do head -c 20000000 /dev/urandom > big$i; sleep 0.1; done";
    const full = await report({}, { limits, testCommand: fill });
    expect(full.outcome).toBe("output_limit");
    expect(full.output).toContain("more was written to disk than the limit");
  });

  it("lends dependencies read-only to a commit with the same lock file, and to no other", async () => {
    const lent = join(folder, "lent");
    mkdirSync(join(lent, "node_modules", "dep"), { recursive: true });
    writeFileSync(join(lent, "package-lock.json"), "{}");
    writeFileSync(join(lent, "node_modules", "dep", "index.js"), "");
    const look = "ls node_modules/dep; touch node_modules/dep/x 2>/dev/null && echo writable; true";
    const same = await report({ "package-lock.json": "{}" }, { dependencies: lent, testCommand: look });
    expect(same.output.trim()).toBe("index.js");
    const other = await report({ "package-lock.json": "{ }" }, { dependencies: lent, testCommand: "ls" });
    expect(other.output).not.toContain("node_modules");
    expect(readFileSync(join(lent, "package-lock.json"), "utf8")).toBe("{}");
  });

  it("refuses, with what to install, where bubblewrap does not work", async () => {
    const probe = await probeSandbox({ nodePath: "/nowhere/node" });
    expect(probe.kind).toBe("unavailable");
    await expect(
      bench({}, { nodePath: "/nowhere/node", testCommand: "true" }).run(commit, "tests"),
    ).rejects.toMatchObject({
      code: "misconfigured",
      hint: expect.stringContaining("apt-get install bubblewrap"),
    });
  });
});
