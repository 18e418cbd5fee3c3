import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSupabaseOperators, type SupabaseOptions } from "#adapters/operators/supabase.ts";
import type { Cookie, CookieToSet, Operators } from "#ports/operators.ts";
import { type Gotrue, startGotrue, type TestUser } from "#tests/support/gotrue/server.ts";

const backTo = "https://vigil.test/sign-in/callback?next=%2Fdashboard%2Fagent";

/** A browser's jar: keeps what it is given, forgets what it is told to. */
function aJar() {
  const held = new Map<string, CookieToSet>();
  return {
    cookies: (): Cookie[] => [...held.values()],
    take(given: CookieToSet[]) {
      for (const cookie of given) {
        if (cookie.maxAgeSeconds === 0) held.delete(cookie.name);
        else held.set(cookie.name, cookie);
      }
    },
    all: () => [...held.values()],
  };
}

describe.each(["ES256", "HS256"] as const)("operators with Supabase accounts (%s)", (algorithm) => {
  let gotrue: Gotrue;
  let jar: ReturnType<typeof aJar>;
  let shiftMs = 0;
  beforeEach(async () => {
    gotrue = await startGotrue({ algorithm });
    jar = aJar();
    shiftMs = 0;
  });
  afterEach(() => gotrue.close());

  const operators = (changes: Partial<SupabaseOptions> = {}): Operators =>
    createSupabaseOperators({
      url: gotrue.url,
      anonKey: gotrue.anonKey,
      appUrl: "https://vigil.test",
      emails: [],
      ways: ["password", "link", "github"],
      now: () => new Date(Date.now() + shiftMs),
      ...changes,
    });
  const pass = (seconds: number) => {
    gotrue.pass(seconds);
    shiftMs += seconds * 1_000;
  };
  async function enter(door: Operators, { email, password }: Pick<TestUser, "email" | "password">) {
    const { answer, cookies } = await door.enter(jar.cookies(), { email, password });
    jar.take(cookies);
    return answer;
  }

  it("lets a person in who has a role, and keeps tokens where no script and no other site reads them", async () => {
    const maria = gotrue.addUser({ email: "maria@example.com", appMetadata: { role: "viewer" } });
    const door = operators();
    const account = await enter(door, maria);
    expect(account).toMatchObject({ email: "maria@example.com", role: "viewer" });
    expect(await door.whoIs(jar.cookies(), { fresh: false })).toEqual(account);
    expect(jar.all().length).toBeGreaterThan(0);
    for (const cookie of jar.all()) {
      expect(cookie).toMatchObject({ name: expect.stringMatching(/^__Host-vigil-account/), sameSite: "strict" });
      expect(cookie.maxAgeSeconds).toBe(604_800);
    }
  });

  it.each<[string, Partial<TestUser>, Partial<SupabaseOptions>, "viewer" | "operator" | null]>([
    ["no role and no list", { appMetadata: {} }, {}, null],
    ["a role of its own invention", { appMetadata: { role: "admin" } }, {}, null],
    ["a role that the person wrote himself", { appMetadata: {}, userMetadata: { role: "operator" } }, {}, null],
    ["no role, on the list by address", { appMetadata: {} }, { emails: ["eva@example.com"] }, "operator"],
    ["no role, on the list by domain only", { appMetadata: {} }, { emails: ["@example.com"] }, null],
    ["a role, on the list by domain", {}, { emails: ["@example.com"] }, "operator"],
    ["a viewer's role, on the list", { appMetadata: { role: "viewer" } }, { emails: ["eva@example.com"] }, "viewer"],
    ["a role, not on the list", {}, { emails: ["maria@example.com", "@example.org"] }, null],
    ["a look-alike domain", { email: "eva@notexample.com" }, { emails: ["@example.com"] }, null],
    ["nobody's account", { isAnonymous: true }, {}, null],
  ])("an account with %s", async (_, user, options, role) => {
    const eva = gotrue.addUser({ email: "eva@example.com", ...user });
    const door = operators(options);
    if (role === null) {
      await expect(enter(door, eva)).rejects.toMatchObject({ code: "forbidden" });
      // Nothing of the refused sign-in is left there either.
      expect(gotrue.seen.at(-1)).toBe("POST /logout");
    } else expect(await enter(door, eva)).toMatchObject({ role });
  });

  it.each<[string, Partial<TestUser>, { email?: string; password?: string }, string, RegExp]>([
    ["a wrong password", {}, { password: "wrong" }, "unauthorized", /do not belong together/],
    ["an unknown address", {}, { email: "nobody@example.com" }, "unauthorized", /do not belong together/],
    ["an address that is not confirmed", { isConfirmed: false }, {}, "unauthorized", /not confirmed/],
    ["a blocked account", { isBanned: true }, {}, "forbidden", /blocked/],
  ])("says so to %s", async (_, user, given, code, message) => {
    const eva = gotrue.addUser(user);
    await expect(enter(operators(), { ...eva, ...given })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(jar.all()).toEqual([]);
  });

  it("believes an answer for half a minute, and asks before a change", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    await enter(door, eva);
    await door.whoIs(jar.cookies(), { fresh: false });
    const asked = () => gotrue.seen.filter((one) => one === "GET /user").length;
    const before = asked();
    for (let n = 0; n < 5; n++) await door.whoIs(jar.cookies(), { fresh: false });
    expect(asked()).toBe(before);
    await door.whoIs(jar.cookies(), { fresh: true });
    expect(asked()).toBe(before + 1);
  });

  it.each<[string, (gotrue: Gotrue, user: TestUser) => void]>([
    ["whose role was taken away", (_, user) => void Object.assign(user, { appMetadata: {} })],
    ["who was blocked", (_, user) => void Object.assign(user, { isBanned: true })],
    ["who was removed", (server, user) => server.removeUser(user.id)],
    ["whose sign-ins were ended", (server, user) => server.endSessions(user.id)],
  ])("knows nobody any more %s", async (_, change) => {
    const eva = gotrue.addUser({});
    const door = operators();
    await enter(door, eva);
    change(gotrue, eva);
    expect(await door.whoIs(jar.cookies(), { fresh: true })).toBeUndefined();
    // What was just heard holds for looking as well.
    expect(await door.whoIs(jar.cookies(), { fresh: false })).toBeUndefined();
  });

  it("notices a changed role without a new sign-in", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    await enter(door, eva);
    eva.appMetadata = { role: "viewer" };
    expect(await door.whoIs(jar.cookies(), { fresh: true })).toMatchObject({ role: "viewer" });
  });

  it("trusts no cookie that Supabase does not vouch for", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    await enter(door, eva);
    const stranger = await startGotrue({ algorithm });
    try {
      const twin = stranger.addUser({ ...eva });
      const forged = await createSupabaseOperators({
        ...{ url: stranger.url, anonKey: stranger.anonKey, appUrl: "https://vigil.test", emails: [], ways: [] },
        now: () => new Date(),
      }).enter([], twin);
      expect(await door.whoIs(forged.cookies, { fresh: false })).toBeUndefined();
    } finally {
      await stranger.close();
    }
    const [first] = jar.cookies();
    for (const value of [
      "",
      "base64-",
      "base64-bm90IGpzb24",
      "base64-e30",
      "x".repeat(30_000),
      `${first?.value.slice(0, -9)}AAAAAAAAA`,
    ])
      expect(await door.whoIs([{ name: first?.name ?? "", value }], { fresh: false })).toBeUndefined();
    expect(await door.whoIs([], { fresh: true })).toBeUndefined();
  });

  it("renews tokens before they expire, once for all requests of a page, and the sign-in stays the same", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    const account = await enter(door, eva);
    expect(await door.refresh(jar.cookies())).toEqual({ answer: false, cookies: [] });
    pass(3_400);
    const old = jar.cookies();
    const visits = await Promise.all(Array.from({ length: 4 }, () => door.refresh(old)));
    expect(gotrue.seen.filter((one) => one === "POST /token")).toHaveLength(2);
    for (const visit of visits) {
      expect(visit.answer).toBe(true);
      jar.take(visit.cookies);
    }
    pass(400);
    expect(await door.whoIs(old, { fresh: true })).toBeUndefined();
    expect(await door.whoIs(jar.cookies(), { fresh: true })).toEqual(account);
  });

  it("keeps tokens that fill several cookies, and leaves none of them behind when they shrink", async () => {
    const groups = Array.from({ length: 150 }, (_, n) => `group-number-${n}-of-many`);
    const eva = gotrue.addUser({ appMetadata: { role: "operator", groups } });
    const door = operators();
    const account = await enter(door, eva);
    expect(jar.all().length).toBeGreaterThan(1);
    expect(await door.whoIs(jar.cookies(), { fresh: true })).toEqual(account);
    eva.appMetadata = { role: "operator" };
    pass(3_590);
    jar.take((await door.refresh(jar.cookies())).cookies);
    expect(jar.all()).toHaveLength(1);
    expect(await door.whoIs(jar.cookies(), { fresh: true })).toEqual(account);
    jar.take((await door.leave(jar.cookies())).cookies);
    expect(jar.all()).toEqual([]);
  });

  it("asks once for all parts of a page", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    await enter(door, eva);
    await Promise.all(Array.from({ length: 5 }, () => door.whoIs(jar.cookies(), { fresh: false })));
    expect(gotrue.seen.filter((one) => one === "GET /user")).toHaveLength(1);
  });

  it("forgets a sign-in that cannot be renewed, and keeps one while Supabase is away", async () => {
    const eva = gotrue.addUser({});
    const door = operators({ answerWithinMs: 500 });
    await enter(door, eva);
    pass(3_400);
    gotrue.fail(503);
    expect(await door.refresh(jar.cookies())).toMatchObject({ cookies: [] });
    await expect(door.whoIs(jar.cookies(), { fresh: true })).rejects.toMatchObject({ code: "unavailable" });
    gotrue.fail(null);
    gotrue.endSessions(eva.id);
    const other = operators();
    const { cookies } = await other.refresh(jar.cookies());
    jar.take(cookies);
    expect(jar.all()).toEqual([]);
  });

  it("ends a sign-in here and there", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    await enter(door, eva);
    const before = jar.cookies();
    jar.take((await door.leave(before)).cookies);
    expect(jar.all()).toEqual([]);
    expect(await door.whoIs(before, { fresh: false })).toBeUndefined();
    expect(await door.leave([])).toEqual({ answer: undefined, cookies: [] });
    // Here it ends also when Supabase cannot be told.
    const again = operators({ answerWithinMs: 500 });
    await enter(again, eva);
    gotrue.fail(503);
    jar.take((await again.leave(jar.cookies())).cookies);
    expect(jar.all()).toEqual([]);
  });

  it("lets people in by a link that only the browser that asked for it can use, once", async () => {
    const eva = gotrue.addUser({});
    const door = operators();
    const asked = await door.sendLink([], { email: eva.email, backTo });
    jar.take(asked.cookies);
    expect(jar.all().map(({ sameSite }) => sameSite)).toContain("lax");
    expect(gotrue.mails).toMatchObject([{ email: eva.email }]);
    const arrived = await follow(gotrue.mails[0]?.link ?? "");
    expect(arrived.origin + arrived.pathname).toBe("https://vigil.test/sign-in/callback");
    const code = arrived.searchParams.get("code") ?? "";
    await expect(door.finish([], code)).rejects.toMatchObject({ code: "unauthorized", message: /Another browser/ });
    const { answer, cookies } = await door.finish(jar.cookies(), code);
    expect(answer).toMatchObject({ email: eva.email, role: "operator" });
    await expect(door.finish(jar.cookies(), code)).rejects.toMatchObject({ code: "unauthorized" });
    jar.take(cookies);
    expect(jar.all().every(({ name }) => !name.includes("code-verifier"))).toBe(true);
    expect((await follow(gotrue.mails[0]?.link ?? "")).searchParams.get("error_code")).toBe("otp_expired");
  });

  it("sends no mail to strangers, and does not say so", async () => {
    gotrue.addUser({ email: "eva@example.com" });
    const door = operators();
    await expect(door.sendLink([], { email: "stranger@example.com", backTo })).resolves.toMatchObject({
      answer: undefined,
    });
    expect(gotrue.mails).toEqual([]);
  });

  it("lets people in through another provider", async () => {
    gotrue.addUser({ email: "github@example.com" });
    const door = operators();
    const { answer: target, cookies } = await door.startWith([], { provider: "github", backTo });
    jar.take(cookies);
    expect(new URL(target).searchParams.get("code_challenge_method")).toBe("s256");
    const arrived = await follow(target);
    expect(arrived.searchParams.get("next")).toBe("/dashboard/agent");
    const { answer } = await door.finish(jar.cookies(), arrived.searchParams.get("code") ?? "");
    expect(answer).toMatchObject({ email: "github@example.com" });
  });

  it("says when nobody answers, and when the key is wrong", async () => {
    const eva = gotrue.addUser({});
    await expect(enter(operators({ anonKey: "another" }), eva)).rejects.toMatchObject({
      code: "misconfigured",
      hint: expect.stringContaining("NEXT_PUBLIC_SUPABASE_ANON_KEY"),
    });
    gotrue.fail(500);
    await expect(enter(operators(), eva)).rejects.toMatchObject({ code: "unavailable" });
    gotrue.fail(429);
    await expect(enter(operators(), eva)).rejects.toMatchObject({ code: "rate_limited" });
    gotrue.fail(null);
    await expect(enter(operators({ url: "http://127.0.0.1:9" }), eva)).rejects.toMatchObject({ code: "unavailable" });
  });
});

/** Goes where a link leads, as far as the address that it leads back to. */
async function follow(link: string): Promise<URL> {
  const response = await fetch(link, { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "http://nowhere");
}
