import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSupabaseOperators } from "#adapters/operators/supabase.ts";
import type { Agent } from "#agent.ts";
import { signInCallback } from "#http/accounts.ts";
import { issueList, pause } from "#http/operator.ts";
import { session, sessionOf } from "#http/session.ts";
import { type Gotrue, startGotrue } from "#tests/support/gotrue/server.ts";
import { anAgent, anHttp, appUrl, aRequest, aRoute, operators } from "./fakes.ts";

const json = { "content-type": "application/json" };
const own = { origin: appUrl };

let gotrue: Gotrue;
let agent: Agent;
beforeEach(async () => {
  gotrue = await startGotrue();
  const accounts = createSupabaseOperators({
    ...{ url: gotrue.url, anonKey: gotrue.anonKey, appUrl, emails: [], ways: ["password", "link", "github"] },
    now: () => new Date(),
  });
  agent = anAgent({ operators: { ...operators, accounts } });
});
afterEach(() => gotrue.close());

/** A browser at the door: its cookies, and what it asks. */
function aBrowser() {
  const held = new Map<string, string>();
  const routes = session(anHttp(agent));
  const cookie = () => [...held].map(([name, value]) => `${name}=${value}`).join("; ");
  const take = (response: Response) => {
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0\b/.test(line)) held.delete(name);
      else held.set(name, value);
    }
    return response;
  };
  return {
    cookie,
    take,
    enter: async (body: unknown, headers: Record<string, string> = own) =>
      take(
        await routes.POST(
          aRequest("/api/session", {
            method: "POST",
            body: JSON.stringify(body),
            headers: { ...json, cookie: cookie(), ...headers },
          }),
          aRoute(),
        ),
      ),
    who: async () => (await routes.GET(aRequest("/api/session", { headers: { cookie: cookie() } }), aRoute())).json(),
    leave: async () =>
      take(
        await routes.DELETE(
          aRequest("/api/session", { method: "DELETE", headers: { ...own, cookie: cookie() } }),
          aRoute(),
        ),
      ),
    arrive: async (address: string) =>
      take(await signInCallback(anHttp(agent)).GET(aRequest(address, { headers: { cookie: cookie() } }), aRoute())),
  };
}

describe("signing in with an account", () => {
  it("opens a session that scripts and other sites cannot use, and ends it again", async () => {
    const eva = gotrue.addUser({ email: "eva@example.com" });
    const browser = aBrowser();
    const response = await browser.enter({ email: "Eva@Example.com", password: eva.password });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ session: { name: "eva@example.com", role: "operator" } });
    for (const line of response.headers.getSetCookie())
      expect(line).toMatch(
        /^__Host-vigil-account[\w.-]*=.+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure$/,
      );
    expect(await browser.who()).toEqual({ session: { name: "eva@example.com", role: "operator" } });
    await browser.leave();
    expect(browser.cookie()).toBe("");
    expect(await browser.who()).toEqual({ session: null });
  });

  it.each<[string, unknown, Record<string, string>, number]>([
    ["a wrong password", { email: "eva@example.com", password: "wrong" }, own, 401],
    ["the embedded password", { password: operators.password }, own, 400],
    ["no address", { email: "eva", password: "x" }, own, 400],
    ["another type", { email: ["eva@example.com"], password: "x" }, own, 400],
    ["a way that is not offered", { provider: "google" }, own, 403],
    [
      "a page of another site",
      { email: "eva@example.com", password: "a-long-password" },
      { origin: "https://evil.test" },
      403,
    ],
    ["no origin at all", { email: "eva@example.com", password: "a-long-password" }, {}, 403],
  ])("refuses %s", async (_, body, headers, status) => {
    gotrue.addUser({ email: "eva@example.com" });
    const response = await aBrowser().enter(body, headers);
    expect(response.status).toBe(status);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("stops guessing after ten refusals", async () => {
    const eva = gotrue.addUser({});
    const browser = aBrowser();
    for (let n = 0; n < 10; n++)
      expect((await browser.enter({ email: eva.email, password: `guess ${n}` })).status).toBe(401);
    const before = gotrue.seen.length;
    expect((await browser.enter({ email: eva.email, password: eva.password })).status).toBe(429);
    expect(gotrue.seen).toHaveLength(before);
  });

  it("tells an account without a role what is missing", async () => {
    const eva = gotrue.addUser({ appMetadata: {} });
    const response = await aBrowser().enter({ email: eva.email, password: eva.password });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({
      error: { message: "This account has no role here.", hint: expect.stringContaining("docs/supabase.md") },
    });
  });

  it("leads a link from a mail to where the person wanted to go", async () => {
    const eva = gotrue.addUser({});
    const browser = aBrowser();
    const next = "/dashboard/agent/issues/4f3c2a10?tab=diff";
    expect(await (await browser.enter({ email: eva.email, link: true, next })).json()).toEqual({ sent: true });
    const back = await fetch(gotrue.mails[0]?.link ?? "", { redirect: "manual" });
    const arrived = await browser.arrive(pathOf(back));
    expect(arrived.status).toBe(303);
    expect(arrived.headers.get("location")).toBe(`${appUrl}${next}`);
    expect(await browser.who()).toMatchObject({ session: { role: "operator" } });
  });

  it("leads nowhere else, whatever the address says", async () => {
    const eva = gotrue.addUser({});
    const browser = aBrowser();
    for (const next of ["https://evil.test/", "//evil.test", "/dashboard/agent/../../x", "/api/session"]) {
      await browser.enter({ email: eva.email, link: true, next });
      expect(new URL(gotrue.mails.at(-1)?.link ?? "").searchParams.get("redirect_to")).toBe(
        `${appUrl}/sign-in/callback?next=%2Fdashboard%2Fagent`,
      );
      const arrived = await browser.arrive(`/sign-in/callback?code=x&next=${encodeURIComponent(next)}`);
      expect(new URL(arrived.headers.get("location") ?? "").origin).toBe(appUrl);
    }
  });

  it.each<[string, (browser: ReturnType<typeof aBrowser>) => Promise<string>, string]>([
    ["a used link", async () => "/sign-in/callback?error=access_denied&error_code=otp_expired", "expired"],
    ["nothing", async () => "/sign-in/callback", "expired"],
    ["a provider's refusal", async () => "/sign-in/callback?error=access_denied&error_code=signup_disabled", "refused"],
    ["a code of nobody's", async () => "/sign-in/callback?code=made-up", "browser"],
    ["a far too long code", async () => `/sign-in/callback?code=${"x".repeat(5_000)}`, "expired"],
  ])("tells on the door's page what went wrong with %s", async (_, address, trouble) => {
    const browser = aBrowser();
    const arrived = await browser.arrive(await address(browser));
    const location = new URL(arrived.headers.get("location") ?? "");
    expect(location.pathname).toBe("/sign-in");
    expect(location.searchParams.get("trouble")).toBe(trouble);
    expect(await browser.who()).toEqual({ session: null });
  });

  it("signs nobody in with a link that somebody else asked for", async () => {
    const eva = gotrue.addUser({});
    await aBrowser().enter({ email: eva.email, link: true });
    const back = await fetch(gotrue.mails[0]?.link ?? "", { redirect: "manual" });
    const victim = aBrowser();
    const arrived = await victim.arrive(pathOf(back));
    expect(arrived.headers.get("location")).toContain("trouble=browser");
    expect(victim.cookie()).toBe("");
  });

  it("goes through another provider and comes back", async () => {
    gotrue.addUser({ email: "github@example.com" });
    const browser = aBrowser();
    const { goTo } = (await (await browser.enter({ provider: "github" })).json()) as { goTo: string };
    const arrived = await browser.arrive(pathOf(await fetch(goTo, { redirect: "manual" })));
    expect(arrived.headers.get("location")).toBe(`${appUrl}/dashboard/agent`);
    expect(await browser.who()).toEqual({ session: { name: "github@example.com", role: "operator" } });
  });
});

describe("a session of an account", () => {
  async function signedIn(appMetadata: Record<string, unknown> = { role: "operator" }) {
    const user = gotrue.addUser({ appMetadata });
    const browser = aBrowser();
    await browser.enter({ email: user.email, password: user.password });
    const csrf = (await sessionOf(browser.cookie(), agent))?.csrf ?? "";
    const send = (headers: Record<string, string>) =>
      pause(anHttp(agent)).POST(
        aRequest("/api/agent/pause", {
          method: "POST",
          body: "{}",
          headers: { ...json, cookie: browser.cookie(), ...headers },
        }),
        aRoute(),
      );
    const look = () =>
      issueList(anHttp(agent)).GET(aRequest("/api/agent/issues", { headers: { cookie: browser.cookie() } }), aRoute());
    return { user, browser, csrf, send, look };
  }

  it("changes something only from Vigil's own page with the page's token, and names the person", async () => {
    const { user, csrf, send } = await signedIn();
    for (const headers of [{}, own, { "x-csrf-token": csrf }, { ...own, "x-csrf-token": "x".repeat(43) }])
      expect((await send(headers as Record<string, string>)).status).toBe(403);
    expect((await send({ origin: "https://evil.test", "x-csrf-token": csrf })).status).toBe(403);
    expect((await send({ ...own, "x-csrf-token": csrf })).status).toBe(200);
    expect((agent as ReturnType<typeof anAgent>).asked).toContainEqual(
      expect.arrayContaining(["pause", expect.anything(), { kind: "operator", name: user.email }]),
    );
  });

  it("lets a viewer look and change nothing", async () => {
    const { csrf, send, look } = await signedIn({ role: "viewer" });
    expect((await look()).status).toBe(200);
    const refused = await send({ ...own, "x-csrf-token": csrf });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: { hint: "Ask for the role operator." } });
  });

  it("changes nothing from the moment on that the role was taken away", async () => {
    const { user, csrf, send, look } = await signedIn();
    expect((await look()).status).toBe(200);
    user.appMetadata = { role: "viewer" };
    expect((await send({ ...own, "x-csrf-token": csrf })).status).toBe(403);
    user.isBanned = true;
    expect((await send({ ...own, "x-csrf-token": csrf })).status).toBe(401);
    expect((await look()).status).toBe(401);
  });

  it("is nobody's while Supabase cannot be asked, and nobody is told that he is signed out", async () => {
    const { csrf, send, look } = await signedIn();
    gotrue.fail(503);
    expect((await send({ ...own, "x-csrf-token": csrf })).status).toBe(503);
    expect((await look()).status).toBe(503);
    gotrue.fail(null);
    expect((await look()).status).toBe(200);
  });

  it("is not opened by a sealed cookie of the embedded password", async () => {
    const embedded = anAgent();
    const response = await session(anHttp(embedded)).POST(
      aRequest("/api/session", {
        method: "POST",
        body: JSON.stringify({ password: operators.password }),
        headers: { ...json, ...own },
      }),
      aRoute(),
    );
    const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? "";
    expect(await sessionOf(cookie, embedded)).toBeDefined();
    expect(await sessionOf(cookie, agent)).toBeUndefined();
  });
});

describe("in front of the pages", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("tokens are renewed for the page and for the browser, and only for accounts", async () => {
    vi.stubEnv("NEXT_PUBLIC_SUPABASE_URL", gotrue.url);
    vi.stubEnv("NEXT_PUBLIC_SUPABASE_ANON_KEY", gotrue.anonKey);
    vi.stubEnv("APP_URL", appUrl);
    vi.resetModules();
    const { renewalFor } = await import("#renewal.ts");
    const eva = gotrue.addUser({});
    const browser = aBrowser();
    await browser.enter({ email: eva.email, password: eva.password });
    expect(await renewalFor(null)).toBeUndefined();
    expect(await renewalFor("__Host-vigil=sealed")).toBeUndefined();
    expect(await renewalFor(browser.cookie())).toBeUndefined();
    const old = expiring(browser.cookie());
    const renewal = await renewalFor(`theme=dark; ${old}`);
    expect(renewal?.cookie).toContain("theme=dark");
    expect(renewal?.cookie).not.toContain(old);
    expect(await sessionOf(renewal?.cookie ?? "", agent)).toMatchObject({ name: eva.email });
    expect(renewal?.setCookies.join()).toMatch(
      /__Host-vigil-account[^;]*; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure/,
    );
    gotrue.endSessions(eva.id);
    const ended = await renewalFor(expiring(renewal?.cookie.replace("theme=dark; ", "") ?? ""));
    expect(ended).toMatchObject({ cookie: "", setCookies: [expect.stringContaining("Max-Age=0")] });
  });
});

/** The same cookie, a minute before its tokens expire. */
function expiring(cookie: string): string {
  const [name = "", value = ""] = cookie.split("=base64-");
  const tokens = JSON.parse(Buffer.from(value, "base64url").toString("utf8"));
  const soon = { ...tokens, expires_at: Math.floor(Date.now() / 1_000) + 60 };
  return `${name}=base64-${Buffer.from(JSON.stringify(soon)).toString("base64url")}`;
}

/** Where a redirect leads on our own address. */
function pathOf(response: Response): string {
  const { pathname, search } = new URL(response.headers.get("location") ?? "http://nowhere");
  return `${pathname}${search}`;
}
