import { describe, expect, it } from "vitest";
import { auditTrail } from "#http/audit.ts";
import { issueList, pause, settings } from "#http/operator.ts";
import { session } from "#http/session.ts";
import { anAgent, anHttp, appUrl, aRequest, aRoute, operators } from "./fakes.ts";

const json = { "content-type": "application/json" };
const own = { origin: appUrl };

function aDoor(agent = anAgent()) {
  const routes = session(anHttp(agent));
  const enter = (body: unknown, headers: Record<string, string> = own) =>
    routes.POST(
      aRequest("/api/session", { method: "POST", body: JSON.stringify(body), headers: { ...json, ...headers } }),
      aRoute(),
    );
  const who = async (cookie: string) =>
    (await routes.GET(aRequest("/api/session", { headers: { cookie } }), aRoute())).json();
  return { agent, routes, enter, who };
}

function cookieOf(response: Response): string {
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** The token that a page of Vigil's own carries, read out of the sealed cookie as the page's server does. */
async function tokenOf(cookie: string, agent: ReturnType<typeof anAgent>): Promise<string> {
  const { sessionOf } = await import("#http/session.ts");
  return (await sessionOf(cookie, agent))?.csrf ?? "";
}

describe("signing in", () => {
  it("opens a session that scripts and other sites cannot use, and ends it again", async () => {
    const { enter, who, routes } = aDoor();
    const response = await enter({ password: operators.password, name: "Maria" });
    expect(response.status).toBe(200);
    expect(response.headers.get("set-cookie")).toMatch(
      /^__Host-vigil=.+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure$/,
    );
    expect(await who(cookieOf(response))).toEqual({ session: { name: "Maria", role: "operator" } });
    const left = await routes.DELETE(aRequest("/api/session", { method: "DELETE", headers: own }), aRoute());
    expect(left.headers.get("set-cookie")).toMatch(/^__Host-vigil=; Path=\/; Max-Age=0;/);
  });

  it("knows viewers by their own password", async () => {
    const { enter, who } = aDoor();
    const cookie = cookieOf(await enter({ password: operators.viewerPassword }));
    expect(await who(cookie)).toEqual({ session: { name: "viewer", role: "viewer" } });
  });

  it.each([
    ["a wrong password", { password: "wrong" }, own, 401],
    ["an empty password", { password: "" }, own, 401],
    ["no password", {}, own, 400],
    ["a password of another type", { password: ["x"] }, own, 400],
    ["a page of another site", { password: operators.password }, { origin: "https://evil.test" }, 403],
    ["a page without an address", { password: operators.password }, { origin: "null" }, 403],
    ["no origin at all", { password: operators.password }, {}, 403],
  ])("refuses %s", async (_, body, headers, status) => {
    const response = await aDoor().enter(body, headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  it("stops guessing after ten wrong passwords, the right one included, and leaves other addresses alone", async () => {
    const { enter } = aDoor();
    const from = (address: string) => ({ ...own, "x-forwarded-for": address });
    for (let n = 0; n < 10; n++) expect((await enter({ password: `guess ${n}` }, from("10.0.0.1"))).status).toBe(401);
    const refused = await enter({ password: operators.password }, from("10.0.0.1"));
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({
      error: { code: "rate_limited", hint: expect.stringContaining("minutes") },
    });
    expect((await enter({ password: operators.password }, from("10.0.0.2"))).status).toBe(200);
  });

  it("lets nobody in while no password is set", async () => {
    const { enter } = aDoor(anAgent({ operators: { ...operators, password: null } }));
    expect((await enter({ password: "" })).status).toBe(500);
  });

  it("takes the other names of this machine for its own address", async () => {
    const { enter } = aDoor(anAgent({ appUrl: "http://127.0.0.1:3000" }));
    const body = { password: operators.password };
    expect((await enter(body, { origin: "http://localhost:3000" })).status).toBe(200);
    expect((await enter(body, { origin: "http://localhost:4000" })).status).toBe(403);
    expect((await enter(body, { origin: "http://localhost.evil.test:3000" })).status).toBe(403);
  });
});

describe("a session", () => {
  it("ends when the password changes, and cannot be forged", async () => {
    const { enter, who } = aDoor();
    const cookie = cookieOf(await enter({ password: operators.password }));
    const changed = aDoor(anAgent({ operators: { ...operators, password: "another-password" } }));
    expect(await changed.who(cookie)).toEqual({ session: null });
    for (const forged of [
      "",
      "__Host-vigil=",
      "__Host-vigil=x",
      `${cookie.slice(0, 80)}${cookie[80] === "A" ? "B" : "A"}${cookie.slice(81)}`,
      cookie.replace("Fe26", "Fe25"),
      `__Host-vigil=${"a".repeat(10_000)}`,
    ]) {
      expect(await who(forged)).toEqual({ session: null });
    }
  });

  const changes: [string, (http: ReturnType<typeof anHttp>) => ReturnType<typeof pause>, string][] = [
    ["pause", pause, "POST"],
    ["settings", settings, "PATCH"],
  ];

  it.each(changes)("changes %s only from Vigil's own page with the page's token", async (_, routes, method) => {
    const { agent, enter } = aDoor();
    const cookie = cookieOf(await enter({ password: operators.password, name: "Maria" }));
    const token = await tokenOf(cookie, agent);
    const send = (headers: Record<string, string>) =>
      routes(anHttp(agent))[method as "POST"](
        aRequest("/x", { method, body: "{}", headers: { cookie, ...json, ...headers } }),
        aRoute(),
      );
    expect((await send({ ...own, "x-csrf-token": token })).status).toBe(200);
    const refused: Record<string, string>[] = [
      {},
      own,
      { "x-csrf-token": token },
      { origin: "null", "x-csrf-token": token },
      { origin: "https://evil.test", "x-csrf-token": token },
      { ...own, "x-csrf-token": `${token}x` },
    ];
    for (const headers of refused) expect((await send(headers)).status).toBe(403);
    expect(agent.asked).toHaveLength(1);
    expect(agent.asked[0]).toContainEqual({ kind: "operator", name: "Maria" });
  });

  it("lets a viewer look and change nothing", async () => {
    const { agent, enter } = aDoor();
    const cookie = cookieOf(await enter({ password: operators.viewerPassword }));
    const looked = await issueList(anHttp(agent)).GET(aRequest("/api/agent/issues", { headers: { cookie } }), aRoute());
    expect(looked.status).toBe(200);
    const headers = { cookie, ...json, ...own, "x-csrf-token": await tokenOf(cookie, agent) };
    const order = await pause(anHttp(agent)).POST(aRequest("/x", { method: "POST", body: "{}", headers }), aRoute());
    expect(order.status).toBe(403);
    expect(await order.json()).toMatchObject({ error: { message: expect.stringContaining("viewer") } });
    // Walking the audit chain takes work and changes nothing.
    const verify = auditTrail(anHttp(agent)).POST(aRequest("/x", { method: "POST", body: "{}", headers }), aRoute());
    expect((await verify).status).toBe(200);
    const { "x-csrf-token": _, ...withoutToken } = headers;
    const forged = aRequest("/x", { method: "POST", body: "{}", headers: withoutToken });
    expect((await auditTrail(anHttp(agent)).POST(forged, aRoute())).status).toBe(403);
  });
});
