import { createEmulator } from "emulate";
import { expect, it, onTestFinished } from "vitest";
import { type Build, startVercel, type VercelOptions } from "#tests/support/vercel/vercel.ts";

const commit = "a".repeat(40);
const other = "b".repeat(40);
const patience = { timeout: 20_000 };

async function aVercel(options: VercelOptions = {}) {
  const vercel = await startVercel(options);
  onTestFinished(() => vercel.close());
  const ask = async (call: string, headers: Record<string, string> = { authorization: `Bearer ${vercel.token}` }) => {
    const [method = "GET", path = ""] = call.split(" ");
    const response = await fetch(`${vercel.apiUrl}${path}`, { method, headers });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  };
  const team = `teamId=${vercel.teamId}`;
  const serves = async () => (await fetch(vercel.urls.production)).text().then(releaseIn);
  return { vercel, ask, team, serves };
}

const releaseIn = (text: string) => /[0-9a-f]{40}/.exec(text)?.[0] ?? text.split("\n").at(-2);

/** The fields of an answer and their types; what is empty on either side says nothing. */
function shapeOf(value: unknown): Record<string, string> {
  const fields = Object.entries(typeof value === "object" && value !== null ? value : {});
  const known = fields.filter(([, one]) => one !== null && one !== undefined);
  return Object.fromEntries(known.map(([name, one]) => [name, Array.isArray(one) ? "list" : typeof one]));
}

it("answers the plain calls in the shapes that emulate answers them in", async () => {
  const emulate = await createEmulator({ service: "vercel", port: 0, seed: { tokens: { known: { login: "admin" } } } });
  onTestFinished(() => emulate.close());
  const there = async (method: string, path: string, body?: unknown) => {
    const headers = { authorization: "Bearer known", "content-type": "application/json" };
    const response = await fetch(`${emulate.url}${path}`, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const meta = { githubCommitSha: commit, githubCommitRef: "main" };
  await there("POST", "/v13/deployments", { name: "application", target: "production", meta });
  const { vercel, ask, serves } = await aVercel({ teamId: null });
  vercel.pushed("main", commit);
  await expect.poll(serves, patience).toBe(commit);

  const theirs = await there("GET", `/v7/deployments?sha=${commit}`);
  const ours = await ask(`GET /v7/deployments?sha=${commit}`);
  expect(ours.body.deployments[0]).toMatchObject({ meta, target: "production", readyState: "READY" });
  const ids = [theirs.body.deployments[0].uid, ours.body.deployments[0].uid];
  for (const path of ["/v7/deployments", "/v9/projects/PROJECT", "/v13/deployments/DEPLOYMENT"]) {
    const at = (project: string, deployment: string) =>
      path.replace("PROJECT", project).replace("DEPLOYMENT", deployment);
    const [a, b] = [await there("GET", at("application", ids[0])), await ask(`GET ${at(vercel.projectId, ids[1])}`)];
    const [theirShape, ourShape] = [a.body.deployments?.[0] ?? a.body, b.body.deployments?.[0] ?? b.body].map(shapeOf);
    // Vercel tells when the aliases were assigned; emulate only that they were.
    const common = Object.keys(ourShape ?? {}).filter(
      (name) => theirShape?.[name] !== undefined && name !== "aliasAssigned",
    );
    expect(common.length).toBeGreaterThan(4);
    for (const name of common) expect([path, name, ourShape?.[name]]).toEqual([path, name, theirShape?.[name]]);
  }
  const refused = [await there("GET", "/v9/projects/none"), await ask("GET /v9/projects/none")];
  for (const { status, body } of refused) expect([status, body.error.code]).toEqual([404, "not_found"]);
});

it("deploys main to production and another branch to its own address, each with its commit", async () => {
  const { vercel, serves } = await aVercel();
  vercel.pushed("main", commit);
  vercel.pushed("staging", other);
  await expect.poll(serves, patience).toBe(commit);
  await expect.poll(async () => releaseIn(await (await fetch(vercel.urls.staging)).text()), patience).toBe(other);
});

it("keeps new production deployments from the domain after a rollback until one is promoted", async () => {
  const { vercel, ask, team, serves } = await aVercel();
  const first = vercel.pushed("main", commit)?.id;
  await expect.poll(serves, patience).toBe(commit);
  vercel.pushed("main", other);
  await expect.poll(serves, patience).toBe(other);
  const rolled = await ask(`POST /v1/projects/${vercel.projectId}/rollback/${first}?${team}&description=why`);
  expect(rolled.status).toBe(201);
  await expect.poll(serves, patience).toBe(commit);
  const project = async () => (await ask(`GET /v9/projects/${vercel.projectId}?${team}&rollbackInfo=true`)).body;
  expect((await ask(`GET /v9/projects/${vercel.projectId}?${team}`)).body).not.toHaveProperty("lastAliasRequest");
  expect(await project()).toMatchObject({
    lastAliasRequest: { type: "rollback", jobStatus: "succeeded" },
    rollbackDescription: { description: "why" },
  });
  const third = vercel.pushed("main", "c".repeat(40));
  await expect.poll(() => third?.readyState, patience).toBe("READY");
  expect([third?.readySubstate, await serves()]).toEqual(["STAGED", commit]);
  expect((await ask(`POST /v10/projects/${vercel.projectId}/promote/${third?.id}?${team}`)).status).toBe(201);
  await expect.poll(serves, patience).toBe("c".repeat(40));
});

it("fails, hangs, is superseded and lies as it is told", async () => {
  const plans: Record<string, Build> = {
    [commit]: { kind: "error", log: ["Type error: no such thing"] },
    [other]: { kind: "hangs" },
    ["c".repeat(40)]: { kind: "ready", serves: commit },
  };
  const { vercel, ask, team } = await aVercel({ builds: (sha) => plans[sha] ?? { kind: "ready" } });
  const failing = vercel.pushed("staging", commit);
  await expect.poll(() => failing?.readyState, patience).toBe("ERROR");
  const events = await ask(`GET /v3/deployments/${failing?.id}/events?direction=backward&limit=1&${team}`);
  expect(events.body).toMatchObject([{ type: "stderr", text: "Type error: no such thing" }]);
  const hanging = vercel.pushed("staging", other);
  await expect.poll(() => hanging?.readyState, patience).toBe("BUILDING");
  const lying = vercel.pushed("staging", "c".repeat(40));
  expect(hanging?.readyState).toBe("CANCELED");
  await expect.poll(() => lying?.readyState, patience).toBe("READY");
  expect(releaseIn(await (await fetch(vercel.urls.staging)).text())).toBe(commit);
});

it("lets nobody in without token, team or bypass, and says so as Vercel does", async () => {
  const { vercel, ask, team } = await aVercel({ protection: "standard", readOnlyToken: true });
  const path = `/v9/projects/${vercel.projectId}`;
  expect(await ask(`GET ${path}?${team}`, {})).toMatchObject({ status: 401, body: { error: { code: "forbidden" } } });
  expect(await ask(`GET ${path}?${team}`, { authorization: "Bearer no" })).toMatchObject({
    status: 403,
    body: { error: { code: "forbidden", invalidToken: true } },
  });
  expect((await ask(`GET ${path}`)).status).toBe(404);
  expect((await ask(`GET ${path}?teamId=team_none`)).status).toBe(403);
  expect((await ask(`POST /v10/projects/${vercel.projectId}/promote/x?${team}`)).status).toBe(403);
  expect((await fetch(vercel.urls.staging)).status).toBe(401);
  const headers = { "x-vercel-protection-bypass": vercel.bypassSecret };
  expect((await fetch(vercel.urls.staging, { headers })).status).toBe(404);
  vercel.fault({ status: 429, times: 1, headers: { "retry-after": "2" } });
  expect(await ask(`GET ${path}?${team}`)).toMatchObject({ status: 429, body: { error: { limit: { remaining: 0 } } } });
  expect((await ask(`GET ${path}?${team}`)).status).toBe(200);
});
