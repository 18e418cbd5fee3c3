import { describe, expect, it } from "vitest";
import { issueCommand } from "#http/operator.ts";
import { anAgent, anHttp, aRequest, aRoute, issueId, secrets } from "./fakes.ts";

const actor = { kind: "token", name: "api-token" };
const into = "4f3c2a10-0000-4000-8000-000000000002";
const fingerprint = "b".repeat(32);

async function tell(command: string, body: unknown, init: RequestInit & { token?: string } = {}, id = issueId) {
  const agent = anAgent();
  const headers = { "content-type": "application/json", ...init.headers };
  const request = aRequest(`/api/agent/issues/${id}/${command}`, {
    ...{ method: "POST", token: secrets.apiToken, body: JSON.stringify(body) },
    ...init,
    headers,
  });
  const response = await issueCommand(anHttp(agent)).POST(request, aRoute({ id, command }));
  return { status: response.status, asked: agent.asked };
}

describe("merging and splitting", () => {
  it("is asked of the agent in the operator's name", async () => {
    expect(await tell("merge", { into, reason: " one cause " })).toEqual({
      status: 200,
      asked: [["merge", { issueId, into, actor, reason: "one cause" }]],
    });
    expect(await tell("split", { fingerprint })).toEqual({
      status: 200,
      asked: [["split", { issueId, fingerprint, actor }]],
    });
  });

  it.each([
    ["merge", {}, 400],
    ["merge", { into: "x" }, 400],
    ["merge", { into, actor: "boss" }, 400],
    ["merge", { into, fingerprint }, 400],
    ["split", {}, 400],
    ["split", { fingerprint: "B".repeat(32) }, 400],
    ["split", { fingerprint: [fingerprint] }, 400],
    ["split", null, 400],
  ])("is refused as %s of %j", async (command, body, status) => {
    expect(await tell(command, body)).toEqual({ status, asked: [] });
  });

  it("is nobody else's to say, and not of issues that there are not", async () => {
    expect(await tell("merge", { into }, { token: "wrong" })).toEqual({ status: 401, asked: [] });
    expect(await tell("merge", { into }, { headers: { origin: "https://evil.test" } })).toMatchObject({ asked: [] });
    expect(await tell("split", { fingerprint }, {}, into)).toEqual({ status: 404, asked: [] });
  });
});
