import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { cron } from "#http/cron.ts";
import { anAgent, anHttp, aRequest, aRoute, secrets } from "./fakes.ts";

const { cronSecret } = secrets;

async function call(request: Request, agent = anAgent()) {
  const routes = cron("detect", anHttp(agent));
  const response = await routes[request.method === "POST" ? "POST" : "GET"](request, aRoute());
  return { status: response.status, body: await response.json(), asked: agent.asked, headers: response.headers };
}

describe("a cron route", () => {
  it.each(["GET", "POST"])(
    "works for the bearer of the secret (%s) and begins no step that its function would not live to end",
    async (method) => {
      const { status, body, asked } = await call(aRequest("/api/cron/detect", { method, token: cronSecret }));
      expect({ status, body, asked }).toEqual({
        status: 200,
        body: { processed: 2, left: 1 },
        asked: [["tick", "detect", 80_000]],
      });
    },
  );

  it.each<[string, HeadersInit]>([
    ["nothing", {}],
    ["Bearer undefined", { authorization: "Bearer undefined" }],
    ["Bearer null", { authorization: "Bearer null" }],
    ["an empty header", { authorization: "" }],
    ["a scheme without a token", { authorization: "Bearer " }],
    ["a shorter secret", { authorization: `Bearer ${cronSecret.slice(0, -1)}` }],
    ["a longer secret", { authorization: `Bearer ${cronSecret}0` }],
    ["another secret of the same length", { authorization: `Bearer ${cronSecret.replace("cron", "corn")}` }],
    ["the secret in other letters", { authorization: `Bearer ${cronSecret.toUpperCase()}` }],
    ["the secret without its scheme", { authorization: cronSecret }],
    ["another scheme", { authorization: `Basic ${cronSecret}` }],
    ["more behind the secret", { authorization: `Bearer ${cronSecret} x` }],
    ["a huge header", { authorization: `Bearer ${"a".repeat(60_000)}` }],
    ["another header", { "x-cron-secret": cronSecret, cookie: `token=${cronSecret}` }],
    ["the ingest key", { authorization: `Bearer ${secrets.ingestKey}` }],
    ["the operators' token", { authorization: `Bearer ${secrets.apiToken}` }],
  ])("answers 401 to %s, by GET and by POST, and does nothing", async (_, headers) => {
    for (const method of ["GET", "POST"]) {
      const { status, body, asked, headers: answered } = await call(aRequest("/api/cron/detect", { method, headers }));
      expect({ status, body, asked }).toEqual({
        status: 401,
        body: { error: { code: "unauthorized", message: "Not for you." } },
        asked: [],
      });
      expect(answered.get("www-authenticate")).toBe("Bearer");
    }
  });

  it("answers 401 to the right header sent twice", async () => {
    const headers = new Headers({ authorization: `Bearer ${cronSecret}` });
    headers.append("authorization", `Bearer ${cronSecret}`);
    expect((await call(aRequest("/api/cron/detect", { headers }))).status).toBe(401);
  });

  it("answers 401 to the secret in the query", async () => {
    expect((await call(aRequest(`/api/cron/detect?token=${cronSecret}&secret=${cronSecret}`))).status).toBe(401);
  });

  it.each(["", "undefined", "null", "Bearer"])(
    "lets nobody in while no secret is configured: Bearer %s",
    async (token) => {
      const agent = anAgent({ secrets: { ...secrets, cronSecret: null } });
      expect(
        (await call(aRequest("/api/cron/detect", { headers: { authorization: `Bearer ${token}` } }), agent)).status,
      ).toBe(401);
    },
  );

  it("answers every one of fifty calls at once", async () => {
    const agent = anAgent();
    const calls = Array.from({ length: 50 }, () => call(aRequest("/api/cron/detect", { token: cronSecret }), agent));
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  it.each(["HEAD", "PUT", "PATCH", "DELETE"] as const)("does nothing by %s and says what it takes", async (method) => {
    const agent = anAgent();
    const response = await cron("detect", anHttp(agent))[method](
      aRequest("/api/cron/detect", { method, token: cronSecret }),
      aRoute(),
    );
    expect({ status: response.status, allow: response.headers.get("allow"), asked: agent.asked }).toEqual({
      status: 405,
      allow: "GET, POST, OPTIONS",
      asked: [],
    });
  });

  it("hides a bug and shows a failure that was foreseen", async () => {
    const bug = anAgent({ tick: async () => Promise.reject(new Error("password=hunter2 in a query")) });
    expect(await call(aRequest("/api/cron/detect", { token: cronSecret }), bug)).toMatchObject({
      status: 500,
      body: { error: { code: "internal", message: "Something went wrong on our side; it was logged." } },
    });
    const away = anAgent({
      tick: async () =>
        Promise.reject(new Failure("unavailable", "The database is away.", { cause: "postgres://u:p@h" })),
    });
    const answer = await call(aRequest("/api/cron/detect", { token: cronSecret }), away);
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { code: "unavailable", message: "The database is away." } },
    });
    expect(answer.headers.get("retry-after")).toBe("30");
  });
});

it("is called as often as the specification says", () => {
  const { crons, functions } = JSON.parse(readFileSync(new URL("../../vercel.json", import.meta.url), "utf8"));
  expect(crons).toEqual([
    { path: "/api/cron/detect", schedule: "*/5 * * * *" },
    { path: "/api/cron/diagnose", schedule: "*/5 * * * *" },
    { path: "/api/cron/fix", schedule: "*/5 * * * *" },
    { path: "/api/cron/deploy", schedule: "* * * * *" },
  ]);
  expect(functions["src/app/api/cron/*/route.ts"]).toEqual({ maxDuration: 300 });
});
