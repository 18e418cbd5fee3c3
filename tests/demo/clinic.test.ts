import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { type Clinic, clinicFolder, type Ingest, post, startClinic, startIngest } from "./clinic.ts";

const running: (Clinic | Ingest)[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

async function aClinic(env: Record<string, string> = {}): Promise<Clinic> {
  const clinic = await startClinic(env);
  running.push(clinic);
  return clinic;
}

async function aReportingClinic(env: Record<string, string> = {}): Promise<{ clinic: Clinic; ingest: Ingest }> {
  const ingest = await startIngest();
  running.push(ingest);
  return { ingest, clinic: await aClinic({ REPORT_URL: ingest.url, REPORT_KEY: "the-key", ...env }) };
}

const wentWrong = { status: 500, body: { error: "Something went wrong" } };

describe("the clinic", () => {
  it("passes its own tests", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--test"], {
      cwd: clinicFolder,
      env: { NODE_ENV: "test", PATH: process.env.PATH },
    });
    expect(stdout).toMatch(/pass [1-9]\d+/);
    expect(stdout).toContain("fail 0");
  });

  it("needs nothing but Node", async () => {
    const manifest: unknown = JSON.parse(await readFile(join(clinicFolder, "package.json"), "utf8"));
    expect(manifest).not.toHaveProperty("dependencies");
    expect(manifest).not.toHaveProperty("devDependencies");
  });

  it("says which release serves", async () => {
    const clinic = await aClinic({ RELEASE: "b".repeat(40) });
    expect(await clinic.ask("/api/health")).toEqual({
      status: 200,
      body: { status: "ok", release: "b".repeat(40) },
    });
  });

  it("survives hostile requests", async () => {
    const clinic = await aClinic();
    expect((await clinic.ask("/api/calls/%E0%A4%A")).status).toBe(404);
    expect((await clinic.ask("/api/__proto__")).status).toBe(404);
    expect((await clinic.ask("/api/campaigns/launch", { method: "POST", body: "{" })).status).toBe(400);
    expect((await clinic.ask("/api/feedback", { method: "POST", body: "x".repeat(200_000) })).status).toBe(413);
    expect((await clinic.ask("/api/health")).status).toBe(200);
  });
});

describe("the bugs of the clinic", () => {
  it("launching a campaign that was deleted fails, one that exists does not", async () => {
    const clinic = await aClinic();
    expect(await clinic.ask("/api/campaigns/launch", post({ campaignId: "camp-77" }))).toEqual(wentWrong);
    expect((await clinic.ask("/api/campaigns/launch", post({ campaignId: "camp-1" }))).status).toBe(202);
  });

  it("a cancelled appointment answers with a misspelt word", async () => {
    const clinic = await aClinic();
    expect(await clinic.ask("/api/appointments/apt-4")).toEqual({
      status: 410,
      body: { error: "Appointment not avaliable" },
    });
  });

  it("the list of a day without opening hours fails, the others do not", async () => {
    const clinic = await aClinic();
    expect(await clinic.ask("/api/appointments?day=2026-03-08")).toEqual(wentWrong);
    expect((await clinic.ask("/api/appointments?day=2026-03-02")).status).toBe(200);
  });

  it("invoices of a patient without an account fail, the others do not", async () => {
    const clinic = await aClinic();
    expect(await clinic.ask("/api/billing/invoices?patientId=pat-99")).toEqual(wentWrong);
    expect((await clinic.ask("/api/billing/invoices?patientId=pat-1")).status).toBe(200);
  });

  it("a call of the old system fails in production only, and the board gets by with a dash", async () => {
    const production = await aClinic({ ENVIRONMENT: "production" });
    expect(await production.ask("/api/calls/call-2019")).toEqual(wentWrong);
    expect(await production.ask("/api/calls/board?day=2019-11-18")).toEqual({
      status: 200,
      body: { day: "2019-11-18", lines: [{ id: "call-2019", campaign: "–", ended: "–" }] },
    });
    const staging = await aClinic({ ENVIRONMENT: "staging" });
    expect((await staging.ask("/api/calls/call-2019")).status).toBe(404);
    expect((await staging.ask("/api/calls/board?day=2019-11-18")).body).toEqual({ day: "2019-11-18", lines: [] });
  });
});

describe("the clinic's error reports", () => {
  it("tell what failed, where, in which release, and for whom", async () => {
    const { clinic, ingest } = await aReportingClinic();
    await clinic.ask("/api/campaigns/launch", post({ campaignId: "camp-77" }, "desk-7"));
    const report = await ingest.received(({ type }) => type === "error");
    expect(report).toEqual({
      type: "error",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      environment: "production",
      release: "a".repeat(40),
      level: "error",
      handled: false,
      exception: {
        type: "TypeError",
        message: "Cannot read properties of undefined (reading 'id')",
        stack: expect.stringMatching(/src\/app\/api\/campaigns\/launch\/route\.ts:42:\d+/),
      },
      operation: "POST /api/campaigns/launch",
      status: 500,
      user: { id: "desk-7" },
    });
    expect(ingest.headers[0]?.authorization).toBe("Bearer the-key");
  });

  it("pass on a spelling error that the front desk noticed", async () => {
    const { clinic, ingest } = await aReportingClinic();
    const seenAt = "GET /api/appointments/[id]";
    await clinic.ask("/api/feedback", post({ kind: "spelling", seenAt, text: "Appointment not avaliable" }));
    expect(await ingest.received(({ type }) => type === "error")).toMatchObject({
      issue_type: "typo",
      level: "warning",
      handled: true,
      message: 'Spelling error in API response: "Appointment not avaliable"',
      operation: seenAt,
    });
  });

  it("count requests and failures by route, whatever its addresses are", async () => {
    const { clinic, ingest } = await aReportingClinic({ ENVIRONMENT: "staging" });
    await Promise.all(["call-1", "call-2", "call-0"].map((id) => clinic.ask(`/api/calls/${id}`)));
    const failing = Array.from({ length: 4 }, () => clinic.ask("/api/appointments?day=2026-03-08"));
    await Promise.all(failing);
    await clinic.stop();
    expect(totals(ingest)).toEqual({
      "staging GET /api/calls/[id]": [3, 0],
      "staging GET /api/appointments": [4, 4],
    });
  });

  it("arrive once when the receiver was away for a while", async () => {
    const { clinic, ingest } = await aReportingClinic();
    ingest.answerWith(503);
    await clinic.ask("/api/billing/invoices?patientId=pat-99");
    await refusedOnce(ingest);
    ingest.answerWith(202);
    await ingest.received(({ type }) => type === "error");
    await clinic.stop();
    expect(ingest.reports.filter(({ type }) => type === "error")).toHaveLength(1);
  });

  it("tell the same error a few times in an outage, and count every request", async () => {
    const { clinic, ingest } = await aReportingClinic();
    const failing = Array.from({ length: 600 }, () => clinic.ask("/api/appointments?day=2026-03-08"));
    for (const answer of await Promise.all(failing)) expect(answer).toEqual(wentWrong);
    await clinic.stop();
    expect(totals(ingest)).toEqual({ "production GET /api/appointments": [600, 600] });
    const errors = ingest.reports.filter(({ type }) => type === "error").length;
    expect(errors).toBeGreaterThan(0);
    expect(errors).toBeLessThanOrEqual(5 * ingest.headers.length);
  });

  it("never get in the way when nobody listens", async () => {
    const clinic = await aClinic({ REPORT_URL: "http://127.0.0.1:9/", REPORT_KEY: "the-key" });
    expect(await clinic.ask("/api/billing/invoices?patientId=pat-99")).toEqual(wentWrong);
    expect((await clinic.ask("/api/health")).status).toBe(200);
  });
});

function totals({ reports }: Ingest): Record<string, [number, number]> {
  const sums: Record<string, [number, number]> = {};
  for (const { type, environment, operation, requests, failures } of reports) {
    if (type !== "traffic") continue;
    const key = `${environment} ${operation}`;
    const [allSoFar, failedSoFar] = sums[key] ?? [0, 0];
    sums[key] = [allSoFar + Number(requests), failedSoFar + Number(failures)];
  }
  return sums;
}

/** Resolves when the receiver refused a delivery. */
async function refusedOnce(ingest: Ingest): Promise<void> {
  await expect.poll(() => ingest.headers.length, { interval: 20, timeout: 10_000 }).toBeGreaterThan(0);
}
