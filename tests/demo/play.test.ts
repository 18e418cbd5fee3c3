import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClinicRemote } from "../../src/demo/clinic-remote.ts";
import type { IssueDetail, Operators } from "../../src/demo/operators.ts";
import { play } from "../../src/demo/play.ts";
import { createPrinter } from "../../src/demo/printer.ts";
import { type Scenario, scenarios } from "../../src/demo/scenarios.ts";
import { createTraffic } from "../../src/demo/traffic.ts";
import { type Clinic, startClinic } from "./clinic.ts";

let directory = "";
let repository = "";
let commit = "";
let clinic: Clinic;
beforeAll(async () => {
  directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-play-"));
  ({ path: repository, commit } = await createClinicRemote(join(directory, "clinic.git")));
  clinic = await startClinic({ RELEASE: commit });
});
afterAll(async () => {
  await clinic.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Operators' API of a Vigil whose one issue goes through `statuses`, one at each look, and waits where a person must approve. */
function anApi(scenario: Scenario, statuses: string[]): Operators & { approved: string[] } {
  const approved: string[] = [];
  const operation =
    { critical: "GET /api/appointments", protected: "GET /api/billing/invoices" }[scenario.name] ?? null;
  const issue = { id: "7", title: "TypeError", issueType: "api_error", severity: scenario.severity, operation };
  const old = { ...issue, id: "1", status: "resolved" };
  let looks = 0;
  let listed = 0;
  const now = (): IssueDetail => {
    const passed = statuses.slice(0, looks);
    const status = passed.at(-1) ?? "detected";
    return { ...issue, status, timeline: passed.map((one, n) => ({ at: `2026-03-02T10:00:0${n}.000Z`, status: one })) };
  };
  return {
    approved,
    health: async () => ({ status: 200, body: "{}" }),
    changeSettings: async () => undefined,
    // The first list is asked for before the scenario begins: the issue of an earlier run is no new one.
    issues: async () => (listed++ === 0 ? [old] : [now(), old]),
    async issue() {
      const waits = now().status === "awaiting_approval" && approved.length === 0;
      if (!waits && looks < statuses.length) looks += 1;
      return now();
    },
    approve: async ({ id }) => void approved.push(id),
  };
}

async function playing(name: string, statuses: string[], change: { ended?: string; signal?: AbortSignal } = {}) {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const quiet = { ...scenario, start: () => undefined };
  const operators = anApi(scenario, statuses);
  const traffic = createTraffic({ staging: clinic.url, production: clinic.url });
  const lines: string[] = [];
  const printer = createPrinter(
    (text) => lines.push(text),
    () => 0,
  );
  const { signal = new AbortController().signal, ended } = change;
  const stage = { operators, traffic, repository, printer, ended: () => ended, signal, timeoutMs: 2_000 };
  const { outcome, problems } = await play(quiet, stage);
  return { outcome, problems, approved: operators.approved, lines };
}

describe("playing a scenario", () => {
  it("follows the issue to its end and looks at production itself", async () => {
    const { outcome, lines } = await playing("protected", ["detected", "diagnosing", "fixing", "rejected"]);
    expect(outcome).toEqual({
      name: "protected",
      issue: { severity: "P2", status: "rejected" },
      timeline: ["detected", "diagnosing", "fixing", "rejected"].map((status, n) => ({
        at: `2026-03-02T10:00:0${n}.000Z`,
        status,
      })),
      fix: { files: [], commit: null, diff: null },
      production: { healthy: true, commit },
      expected: "P2 rejected: the fix would touch a protected file",
      ok: true,
    });
    expect(lines.join("")).toContain("rejected");
  });

  it("approves once where the scenario is about that, and is not ok while production still fails", async () => {
    const statuses = ["staging", "awaiting_approval", "awaiting_approval", "deploying", "monitoring", "resolved"];
    const { outcome, problems, approved } = await playing("critical", statuses);
    expect(approved).toEqual(["7"]);
    expect(outcome.ok).toBe(false);
    expect(problems).toContain("production still serves the version of before");
  });

  it("does not approve what should have gone by itself", async () => {
    const { outcome, problems, approved } = await playing("protected", ["diagnosing", "awaiting_approval"]);
    expect([approved, outcome.ok, problems[0]]).toEqual([[], false, "it waits for a person"]);
  });

  it("gives up on an issue that never ends", async () => {
    const { outcome, problems } = await playing("protected", ["diagnosing"]);
    expect([outcome.ok, problems[0]]).toEqual([false, "it did not end in 2 s"]);
  });

  it("ends at once when Vigil ended", async () => {
    await expect(playing("protected", [], { ended: "Vigil ended with exit code 1" })).rejects.toThrow("exit code 1");
  });

  it("ends at once when it is interrupted", async () => {
    await expect(playing("protected", ["diagnosing"], { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
