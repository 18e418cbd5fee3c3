import { describe, expect, it } from "vitest";
import type { Agent, HealthReport } from "#agent.ts";
import { Failure } from "#domain/failure.ts";
import { health } from "#http/health.ts";
import { unknownAddress } from "#http/unknown.ts";
import { anAgent, anHttp, aRequest, aRoute } from "./fakes.ts";

async function look(agentOf: () => Promise<Agent>, withinMs?: number) {
  const http = { ...anHttp(anAgent()), agentOf };
  const response = await health(http, withinMs).GET(aRequest("/api/health"), aRoute());
  return { status: response.status, body: await response.json(), logged: http.logged };
}
const reporting = (report: HealthReport) => look(async () => anAgent({ health: async () => report }));

describe("health", () => {
  it.each([
    ["ok", 200],
    ["degraded", 200],
    ["down", 503],
  ] as const)("%s answers %i", async (status, code) => {
    const report = { status, version: "1", checks: { database: { status, message: "as it is" } } };
    expect(await reporting(report)).toMatchObject({ status: code, body: report });
  });

  it("says what keeps Vigil from starting", async () => {
    const failing = async () =>
      Promise.reject(new Failure("misconfigured", "PORT is bad.", { hint: "Mend it.", cause: "secret" }));
    expect(await look(failing)).toMatchObject({
      status: 503,
      body: {
        status: "down",
        version: "unknown",
        checks: { start: { status: "down", message: "PORT is bad.", hint: "Mend it." } },
      },
    });
  });

  it("hides a bug, and logs it", async () => {
    const { status, body, logged } = await look(async () => Promise.reject(new Error("hunter2")));
    expect({ status, hides: !JSON.stringify(body).includes("hunter2"), logged: logged.length }).toEqual({
      status: 503,
      hides: true,
      logged: 1,
    });
  });

  it("answers also when nothing else does", async () => {
    expect(await look(() => new Promise(() => undefined), 20)).toMatchObject({ status: 503, body: { status: "down" } });
  });

  it("answers HEAD without a body", async () => {
    const response = await health(anHttp(anAgent())).HEAD(aRequest("/api/health", { method: "HEAD" }), aRoute());
    expect({ status: response.status, text: await response.text() }).toEqual({ status: 200, text: "" });
  });
});

it("an address that nobody answers is 404 in the one error shape", async () => {
  const response = await unknownAddress(() => undefined).POST(aRequest("/api/nothing", { method: "POST" }), aRoute());
  expect({ status: response.status, body: await response.json() }).toEqual({
    status: 404,
    body: { error: { code: "not_found", message: "There is nothing at this address." } },
  });
});
