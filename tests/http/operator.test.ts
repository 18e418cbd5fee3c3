import { describe, expect, it } from "vitest";
import { Failure } from "#domain/failure.ts";
import { detection, issueCommand, issueDetail, issueList, pause, resume, settings } from "#http/operator.ts";
import { anAgent, anHttp, appUrl, aRequest, aRoute, issueId, now, secrets } from "./fakes.ts";

const token = secrets.apiToken;
const actor = { kind: "token", name: "api-token" };
const address = `/api/agent/issues/${issueId}/approve`;

type Routes = ReturnType<typeof pause>;

async function call(
  routes: (http: ReturnType<typeof anHttp>) => Routes,
  request: Request,
  params = {},
  agent = anAgent(),
) {
  const handler = routes(anHttp(agent))[request.method as keyof Routes];
  const response = await handler(request, aRoute(params));
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text), asked: agent.asked };
}

const approve = (init: RequestInit & { token?: string } = {}, agent = anAgent()) =>
  call(issueCommand, aRequest(address, { method: "POST", token, ...init }), { id: issueId, command: "approve" }, agent);

const give = (command: string, body: unknown) =>
  call(
    issueCommand,
    aRequest(`/api/agent/issues/${issueId}/${command}`, { method: "POST", token, body: JSON.stringify(body) }),
    { id: issueId, command },
  );

describe("muting", () => {
  it("takes conditions as they are meant", async () => {
    const { status, asked } = await give("mute", { users: 10, until: "2027-01-01T00:00:00Z", reason: "known" });
    expect(status).toBe(200);
    expect(asked).toContainEqual([
      "command",
      {
        command: "mute",
        issueId,
        actor,
        reason: "known",
        mute: { users: 10, until: new Date("2027-01-01T00:00:00Z"), events: null, spike: false },
      },
    ]);
  });
  it.each([
    ["nothing", {}],
    ["a reason alone", { reason: "because" }],
    ["no count", { users: 0 }],
    ["a wrong type", { events: "many" }],
    ["a time that is none", { until: "soon" }],
    ["something unknown", { users: 3, forever: true }],
    ["a list", []],
  ])("refuses %s", async (_, body) => expect((await give("mute", body)).status).toBe(400));
  it("counts a false alarm only where an issue is dismissed", async () => {
    expect((await give("dismiss", { falseAlarm: true })).asked).toContainEqual([
      "command",
      { command: "dismiss", issueId, actor, falseAlarm: true },
    ]);
    expect((await give("retry", { falseAlarm: true })).status).toBe(400);
  });
});

describe("whoever is no operator", () => {
  const calls: [string, (http: ReturnType<typeof anHttp>) => Routes, string, string][] = [
    ["the list", issueList, "GET", "/api/agent/issues"],
    ["an issue", issueDetail, "GET", `/api/agent/issues/${issueId}`],
    ["a command", issueCommand, "POST", address],
    ["the settings", settings, "GET", "/api/agent/settings"],
    ["a change of settings", settings, "PATCH", "/api/agent/settings"],
    ["what detection sees", detection, "GET", "/api/agent/detection"],
    ["pause", pause, "POST", "/api/agent/pause"],
    ["resume", resume, "POST", "/api/agent/resume"],
  ];
  it.each(calls)("is kept out of %s, whatever is presented", async (_, routes, method, path) => {
    const wrong: HeadersInit[] = [
      {},
      { authorization: "Bearer undefined" },
      { authorization: `Bearer ${secrets.cronSecret}` },
      { authorization: `Bearer ${secrets.ingestKey}` },
      { cookie: `token=${token}` },
      { "x-middleware-subrequest": "middleware:middleware" },
    ];
    for (const headers of wrong) {
      const answer = await call(routes, aRequest(path, { method, headers }), { id: issueId, command: "approve" });
      expect(answer).toMatchObject({ status: 401, asked: [], body: { error: { code: "unauthorized" } } });
    }
  });

  it("stays out while no token is configured", async () => {
    const agent = anAgent({ secrets: { ...secrets, apiToken: null } });
    expect(await approve({ token: "undefined" }, agent)).toMatchObject({ status: 401, asked: [] });
  });
});

describe("the list of issues", () => {
  const list = (query: string) => call(issueList, aRequest(`/api/agent/issues${query}`, { token }));

  it.each([
    ["", { limit: 50 }],
    ["?status=failed&limit=5", { status: "failed", limit: 5 }],
    ["?text=%20no%20id%20&limit=8", { text: "no id", limit: 8 }],
    ["?text=", { limit: 50 }],
    ["?before=2026-11-23T09:00:00.123Z&limit=100", { before: "2026-11-23T09:00:00.123Z", limit: 100 }],
  ])("takes %s", async (query, filter) => {
    expect(await list(query)).toEqual({
      status: 200,
      body: { issues: [{ id: issueId }] },
      asked: [["issues", filter]],
    });
  });

  it.each([
    ["?status=open", "status"],
    ["?status=", "status"],
    ["?status=__proto__", "status"],
    ["?limit=0", "limit"],
    [`?text=${"x".repeat(201)}`, "text"],
    ["?limit=101", "limit"],
    ["?limit=-1", "limit"],
    ["?limit=1e9", "limit"],
    ["?limit=5m", "limit"],
    ["?before=yesterday", "before"],
    ["?before=9999999999999", "before"],
  ])("refuses %s and names the field", async (query, field) => {
    const { status, body, asked } = await list(query);
    expect({ status, asked, code: body.error.code, path: body.error.issues[0].path }).toEqual({
      status: 400,
      asked: [],
      code: "invalid",
      path: [field],
    });
  });
});

describe("one issue", () => {
  const show = (id: string) =>
    call(issueDetail, aRequest(`/api/agent/issues/${encodeURIComponent(id)}`, { token }), { id });

  it("is shown", async () => {
    expect(await show(issueId)).toMatchObject({ status: 200, body: { id: issueId } });
  });
  it("is 404 where there is none", async () => {
    expect(await show("4f3c2a10-0000-4000-8000-000000000002")).toMatchObject({
      status: 404,
      body: { error: { code: "not_found" } },
    });
  });
  it.each(["1", "../settings", "' OR 1=1 --", "\u0000", "4f3c2a10"])("is 400 for %j", async (id) => {
    expect(await show(id)).toMatchObject({ status: 400, body: { error: { code: "invalid" } } });
  });
});

describe("a command", () => {
  it.each(["approve", "reject", "retry", "dismiss", "revert"])("%s is given in the token's name", async (command) => {
    const request = aRequest(`/api/agent/issues/${issueId}/${command}`, { method: "POST", token });
    expect(await call(issueCommand, request, { id: issueId, command })).toEqual({
      status: 200,
      body: { id: issueId, status: "deploying" },
      asked: [["command", { command, issueId, actor }]],
    });
  });

  it("carries a reason and the diff that was seen", async () => {
    const body = JSON.stringify({ reason: " looks right ", diffHash: "a".repeat(64) });
    expect((await approve({ body, headers: { "content-type": "application/json" } })).asked).toEqual([
      ["command", { command: "approve", issueId, actor, reason: "looks right", diffHash: "a".repeat(64) }],
    ]);
  });

  it.each([
    ['{"actor":{"kind":"operator","name":"boss"}}', 400],
    ['{"approvedBy":"boss"}', 400],
    ['{"diffHash":"abc"}', 400],
    ['{"reason":""}', 400],
    [`{"reason":"${"a".repeat(1_001)}"}`, 400],
    ['{"reason":5}', 400],
    ["[]", 400],
    ["null", 400],
    ["{", 400],
    ["[".repeat(10_000), 400],
    [`{"reason":"${"a".repeat(70_000)}"}`, 413],
  ])("refuses the body %.40s", async (body, status) => {
    expect(await approve({ body, headers: { "content-type": "application/json" } })).toMatchObject({
      status,
      asked: [],
    });
  });

  it("is refused with the agent's own sentence when it cannot be given now", async () => {
    const agent = anAgent({
      command: async () =>
        Promise.reject(new Failure("conflict", "This fix is not waiting for approval.", { hint: "Reload the page." })),
    });
    expect(await approve({}, agent)).toMatchObject({
      status: 409,
      body: { error: { code: "conflict", message: "This fix is not waiting for approval.", hint: "Reload the page." } },
    });
  });

  it("cannot be given by GET or by a link's preview", async () => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      const answer = await call(issueCommand, aRequest(address, { method, token }), {
        id: issueId,
        command: "approve",
      });
      expect(answer).toMatchObject({ status: 405, asked: [] });
    }
  });

  it("is 404 when it does not exist, or its issue does not", async () => {
    const request = () => aRequest(address, { method: "POST", token });
    expect(await call(issueCommand, request(), { id: issueId, command: "deploy" })).toMatchObject({
      status: 404,
      asked: [],
    });
    const unknown = { id: "4f3c2a10-0000-4000-8000-000000000002", command: "approve" };
    expect(await call(issueCommand, request(), unknown)).toMatchObject({ status: 404, asked: [] });
  });
});

describe("a page elsewhere", () => {
  it.each<[string, Record<string, string>]>([
    ["another origin", { origin: "https://evil.test" }],
    ["no origin that it would name", { origin: "null" }],
    ["the address of the request instead of the configured one", { origin: "http://127.0.0.1:3000" }],
    ["a forwarded host", { origin: "https://evil.test", "x-forwarded-host": "evil.test", host: "evil.test" }],
    ["an address that starts like ours", { origin: `${appUrl}.evil.test` }],
  ])("gives no orders with %s", async (_, headers) => {
    expect(await approve({ headers })).toMatchObject({
      status: 403,
      asked: [],
      body: { error: { code: "forbidden" } },
    });
  });

  it("cannot send a form", async () => {
    const headers = { origin: appUrl, "content-type": "application/x-www-form-urlencoded" };
    expect(await approve({ headers, body: "reason=x" })).toMatchObject({ status: 415, asked: [] });
  });

  it("is not Vigil's own page, which may", async () => {
    expect(await approve({ headers: { origin: appUrl } })).toMatchObject({ status: 200 });
  });
});

describe("the settings", () => {
  const change = (body: unknown) =>
    call(settings, aRequest("/api/agent/settings", { method: "PATCH", token, body: JSON.stringify(body) }));

  it("are shown and changed in part", async () => {
    expect(await call(settings, aRequest("/api/agent/settings", { token }))).toMatchObject({
      status: 200,
      body: { paused: false, configuration: { claude: { status: "ok", message: "configured" } } },
    });
    expect(await change({ autonomyLevel: 2 })).toMatchObject({
      status: 200,
      asked: [["changeSettings", { autonomyLevel: 2 }, actor, undefined]],
    });
    // The values that were seen travel apart from those that are wanted.
    const seen = { limits: { liveIssues: 3 } };
    expect(await change({ limits: { liveIssues: 2 }, seen })).toMatchObject({
      status: 200,
      asked: [["changeSettings", { limits: { liveIssues: 2 } }, actor, seen]],
    });
  });

  it.each([
    [{ autonomyLevel: 0 }],
    [{ autonomyLevel: 4 }],
    [{ autonomyLevel: "3" }],
    [{ limits: { fixesPerHour: 0 } }],
    [{ limits: { fixesPerHour: -1 } }],
    [{ limits: { fixesPerHour: 1e9 } }],
    [{ staging: { windowMs: "5m" } }],
    [{ staging: { checkEveryMs: 0 } }],
    [{ production: { pValueMax: 1 } }],
    [{ files: { protected: [""] } }],
    [{ unknown: 1 }],
    [{ limits: { unknown: 1 } }],
    [{ seen: { unknown: 1 } }],
    [{ seen: 5 }],
    ["level 3"],
  ])("refuse %j", async (patch) => {
    const { status, asked, body } = await change(patch);
    expect({ status, asked, hasIssues: body.error.issues.length > 0 }).toEqual({
      status: 400,
      asked: [],
      hasIssues: true,
    });
  });
});

describe("pause and resume", () => {
  const post = (routes: typeof pause, path: string, body?: unknown) =>
    call(routes, aRequest(path, { method: "POST", token, ...(body !== undefined && { body: JSON.stringify(body) }) }));

  it("need no body", async () => {
    expect((await post(pause, "/api/agent/pause")).asked).toEqual([
      ["pause", { reason: "paused by an operator", resumeAt: null }, actor],
    ]);
    expect((await post(resume, "/api/agent/resume")).asked).toEqual([["resume", actor]]);
  });

  it("take a reason and a time to come", async () => {
    const resumeAt = new Date(now.getTime() + 60_000);
    const { asked } = await post(pause, "/api/agent/pause", { reason: "release freeze", resumeAt });
    expect(asked).toEqual([["pause", { reason: "release freeze", resumeAt }, actor]]);
  });

  it.each([[{ resumeAt: now }], [{ resumeAt: "soon" }], [{ reason: "" }], [{ by: "boss" }]])(
    "refuse %j",
    async (body) => {
      expect(await post(pause, "/api/agent/pause", body)).toMatchObject({ status: 400, asked: [] });
    },
  );
});
