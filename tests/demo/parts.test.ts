import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClinicRemote } from "../../src/demo/clinic-remote.ts";
import type { IssueDetail } from "../../src/demo/operators.ts";
import { outcomeOf, resultLine, type Sighting } from "../../src/demo/outcome.ts";
import { createPrinter } from "../../src/demo/printer.ts";
import { inRunningOrder, type Scenario, scenarios } from "../../src/demo/scenarios.ts";
import { type Ask, createTraffic } from "../../src/demo/traffic.ts";
import { clinicFolder, startClinic } from "./clinic.ts";

const run = promisify(execFile);
let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-parts-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function git(path: string, ...args: string[]): Promise<string> {
  return (await run("git", ["--git-dir", path, ...args])).stdout.trim();
}

describe("the clinic's repository", () => {
  it("is bare and holds the clinic on main and staging, by the clinic's team", async () => {
    const { path, commit } = await createClinicRemote(join(directory, "clinic.git"));
    expect(await git(path, "rev-parse", "--is-bare-repository", "main", "staging")).toBe(`true\n${commit}\n${commit}`);
    expect(await git(path, "log", "-1", "--format=%an", "main")).toBe("Clinic Team");
    const files = (await git(path, "ls-tree", "-r", "--name-only", "main")).split("\n");
    expect(files).toContain("src/app/api/campaigns/launch/route.ts");
    expect(files).toContain("package.json");
    await git(path, "fsck", "--strict");
  });

  it("has the same commit wherever it is made", async () => {
    const one = await createClinicRemote(join(directory, "one.git"));
    const two = await createClinicRemote(join(directory, "deep", "two.git"));
    expect(one.commit).toBe(two.commit);
  });

  it("is left alone when it exists, also when it is asked for twice at once", async () => {
    const path = join(directory, "clinic.git");
    const [one, two] = await Promise.all([createClinicRemote(path), createClinicRemote(path)]);
    expect(one).toEqual(two);
    const later = await git(
      path,
      "-c",
      "user.name=A person",
      "-c",
      "user.email=person@clinic.example",
      ...["commit-tree", "main^{tree}", "-p", "main", "-m", "Work of a person"],
    );
    await git(path, "update-ref", "refs/heads/main", later);
    expect(await createClinicRemote(path)).toEqual({ path, commit: later });
  });

  it("is not made of a folder that does not hold the clinic", async () => {
    await mkdir(join(directory, "other"));
    await writeFile(join(directory, "other", "package.json"), "{}");
    const making = createClinicRemote(join(directory, "clinic.git"), join(directory, "other"));
    await expect(making).rejects.toThrow("does not hold the sample clinic");
    await expect(git(join(directory, "clinic.git"), "rev-parse", "main")).rejects.toThrow();
  });
});

describe("the traffic", () => {
  let server: Server;
  let arrived: string[];
  let url = "";
  beforeEach(async () => {
    arrived = [];
    server = createServer((request, response) => {
      arrived.push(`${request.headers["x-user-id"]} ${request.method} ${request.url}`);
      response.end("{}");
      server.emit("arrived");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const asks: Ask[] = [
    { method: "GET", path: "/a" },
    { method: "GET", path: "/b" },
  ];

  it("goes to this machine only", () => {
    expect(() => createTraffic({ staging: url, production: "https://clinic.example" })).toThrow("not on this machine");
  });

  it("asks in turn, as different people, and stops by itself", async () => {
    const traffic = createTraffic({ staging: url, production: url });
    traffic.flow({ environment: "staging", asks, perSecond: 100, requestsMax: 3, users: ["u1", "u2"] });
    while (arrived.length < 3) await once(server, "arrived");
    await traffic.stop();
    expect([...arrived].sort()).toEqual(["u1 GET /a", "u1 GET /a", "u2 GET /b"]);
    expect(traffic.sentToProduction()).toBe(0);
  });

  it("sends a burst completely and counts what production got", async () => {
    const traffic = createTraffic({ staging: url, production: url });
    await traffic.burst("production", { method: "GET", path: "/a" }, 150, ["u1"]);
    expect([arrived.length, traffic.sentToProduction()]).toEqual([150, 150]);
  });

  it("goes on while nobody answers", async () => {
    const traffic = createTraffic({ staging: "http://127.0.0.1:9", production: url });
    await traffic.burst("staging", { method: "GET", path: "/a" }, 5, ["u1"]);
    expect((await traffic.ask("production", { method: "GET", path: "/a" })).status).toBe(200);
  });
});

const before = "a".repeat(40);
const shipped = "b".repeat(40);
function named(name: string): Scenario {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario;
}
function anIssue(change: Partial<IssueDetail> = {}): IssueDetail {
  const statuses = ["detected", ...named("null-check").through, "resolved"];
  return {
    id: "7",
    severity: "P2",
    status: "resolved",
    title: "TypeError",
    issueType: "api_error",
    operation: "POST /api/campaigns/launch",
    timeline: statuses.map((status) => ({ at: "2026-03-02T10:00:00.000Z", status, because: "so" })),
    fix: { files: ["a.ts"], commit: shipped, diff: "+x" },
    ...change,
  };
}
function aSighting(change: Partial<Sighting> = {}): Sighting {
  return {
    before: { commit: before },
    after: { healthy: true, commit: shipped },
    main: { commit: shipped, filesAsBefore: false },
    mainHoldsFix: true,
    proof: { passed: true, got: "got 404" },
    ...change,
  };
}
const rolledBack = { after: { healthy: true, commit: before }, main: { commit: shipped, filesAsBefore: true } };

describe("the report", () => {
  it("has exactly the shape that other programs rely on", () => {
    const { outcome } = outcomeOf(named("null-check"), { issue: anIssue(), sighting: aSighting() });
    expect(outcome).toEqual({
      name: "null-check",
      issue: { severity: "P2", status: "resolved" },
      timeline: anIssue().timeline.map(({ at, status }) => ({ at, status })),
      fix: { files: ["a.ts"], commit: shipped, diff: "+x" },
      production: { healthy: true, commit: shipped },
      expected: "P2 resolved automatically",
      ok: true,
    });
  });

  it("keeps that shape when nothing was found", () => {
    expect(outcomeOf(named("typo"), { issue: undefined, sighting: undefined }).outcome).toEqual({
      name: "typo",
      issue: { severity: null, status: null },
      timeline: [],
      fix: { files: [], commit: null, diff: null },
      production: { healthy: false, commit: null },
      expected: "P3 resolved automatically",
      ok: false,
    });
  });

  it("is ok only when every scenario that was asked for is", () => {
    const good = outcomeOf(named("null-check"), { issue: anIssue(), sighting: aSighting() }).outcome;
    const bad = { ...good, ok: false };
    const ok = (outcomes: (typeof good)[], asked: number) => JSON.parse(resultLine(outcomes, asked)).ok;
    expect([ok([good], 1), ok([good, bad], 2), ok([good], 2), ok([], 0)]).toEqual([true, false, false, false]);
  });

  it.each([
    ["a step that was left out", { issue: anIssue({ timeline: [] }) }],
    ["another severity", { issue: anIssue({ severity: "P1" }) }],
    ["another end", { issue: anIssue({ status: "failed" }) }],
    [
      "an approval nobody expected",
      { issue: anIssue({ timeline: [...anIssue().timeline, aStep("awaiting_approval")] }) },
    ],
    ["no issue at all", { issue: undefined }],
    ["production never looked at", { sighting: undefined }],
    ["a production that is ill", { sighting: aSighting({ after: { healthy: false, commit: shipped } }) }],
    ["a version that is not main's", { sighting: aSighting({ main: { commit: before, filesAsBefore: false } }) }],
    ["the version of before", { sighting: aSighting({ before: { commit: shipped } }) }],
    ["a main without the fix", { sighting: aSighting({ mainHoldsFix: false }) }],
    ["a bug that is still there", { sighting: aSighting({ proof: { passed: false, got: "got 500" } }) }],
    ["a scenario that did not end", { problem: "it did not end in 60 s" }],
  ])("calls %s not ok", (_, change) => {
    const seen = { issue: anIssue(), sighting: aSighting(), ...change };
    expect(outcomeOf(named("null-check"), seen).outcome.ok).toBe(false);
  });

  it("wants the previous version to serve after a rollback, and main's files to be those of before", () => {
    const timeline = ["detected", ...named("bad-fix").through, "failed"].map(aStep);
    const issue = anIssue({ status: "failed", timeline });
    const ok = (change: Partial<Sighting>) =>
      outcomeOf(named("bad-fix"), { issue, sighting: aSighting(change) }).outcome.ok;
    const dirty = { ...rolledBack, main: { commit: shipped, filesAsBefore: false } };
    expect([ok(rolledBack), ok({}), ok(dirty)]).toEqual([true, false, false]);
  });

  it("shows no control characters of the watched application", () => {
    const lines: string[] = [];
    const printer = createPrinter(
      (text) => lines.push(text),
      () => 0,
    );
    printer.note("failed", "\u001b[2Jred\r\nherring");
    expect(lines.join("")).toBe("    0.0 s  failed            [2Jred herring\n");
  });

  it("plays the outage last and tells it in its place", () => {
    expect(inRunningOrder(scenarios).at(-1)?.name).toBe("critical");
    expect(scenarios.map(({ name }) => name)).toEqual(["null-check", "typo", "critical", "protected", "bad-fix"]);
  });
});

async function replaceIn(file: string, text: string, replacement: string): Promise<void> {
  const before = await readFile(file, "utf8");
  if (before.split(text).length !== 2) throw new Error(`${file} does not hold exactly one "${text}"`);
  await writeFile(file, before.replace(text, replacement));
}

function aStep(status: string) {
  return { at: "2026-03-02T10:00:00.000Z", status };
}

describe("the obvious fix of each bug", () => {
  const guard = (name: string, what: string) =>
    `if (!${name}) {\n    return json({ error: "${what} not found" }, 404);\n  }\n`;
  const fixes: [string, string, string, string][] = [
    ["null-check", "campaigns/launch/route.ts", "  const summary", guard("campaign", "Campaign")],
    ["critical", "appointments/route.ts", "  const appointments", guard("schedule", "Schedule")],
    ["protected", "billing/invoices/route.ts", "  const discount", guard("account", "Account")],
    ["bad-fix", "calls/[id]/route.ts", "  return json({\n    id: call.id", guard("campaign", "Campaign")],
  ];

  it.each(fixes)("%s: passes the clinic's tests, and the proof of the scenario judges it", async (...fix) => {
    const [name, file, place, inserted] = fix;
    const copy = join(directory, "clinic");
    await cp(clinicFolder, copy, { recursive: true });
    await replaceIn(join(copy, "src/app/api", file), place, `  ${inserted}${place}`);
    await run(process.execPath, ["--test"], { cwd: copy, env: { NODE_ENV: "test", PATH: process.env.PATH } });
    const { ask, accepts } = named(name).proof;
    const clinic = await startClinic({}, copy);
    const traffic = createTraffic({ staging: clinic.url, production: clinic.url });
    const answer = await traffic.ask("production", ask).finally(clinic.stop);
    // The bad fix does what it says on the tin, and the board, which asks this route, breaks on it.
    expect([accepts(answer), answer.status]).toEqual(
      { "null-check": [true, 404], critical: [true, 404], protected: [true, 200], "bad-fix": [false, 500] }[name],
    );
  });
});

describe("the command", () => {
  const command = join(import.meta.dirname, "..", "..", "src", "demo", "run.ts");
  async function call(...args: string[]) {
    const child = spawn(process.execPath, [command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (output.stdout += chunk));
    child.stderr.on("data", (chunk) => (output.stderr += chunk));
    const [code] = await once(child, "close");
    return { code, ...output };
  }

  it("names the scenarios when it is asked for an unknown one, and ends with 2", async () => {
    const { code, stderr } = await call("--scenario", "everything");
    expect(code).toBe(2);
    for (const { name } of scenarios) expect(stderr).toContain(name);
  });

  it("ends with 2 for an unknown flag and with 0 for --help", async () => {
    expect((await call("--fast")).code).toBe(2);
    const help = await call("--help");
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("--scenario");
  });
});
