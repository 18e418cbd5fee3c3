import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createClinicRemote } from "#demo/clinic-remote.ts";
import { hasBubblewrap, type Product, startProduct } from "#demo/product.ts";
import { type Gotrue, startGotrue, type TestUser } from "#tests/support/gotrue/server.ts";
import { aVisitor, inspect, launchBrowser, phone } from "./a-browser.ts";

/** The built product in front of a Supabase Auth: what its doors, its proxy and a real browser's cookies do together. */
const now = "/dashboard/agent";
let directory: string;
let gotrue: Gotrue;
let product: Product;
let browser: Browser;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-accounts-"));
  const { path: repository } = await createClinicRemote(join(directory, "clinic.git"));
  gotrue = await startGotrue();
  browser = await launchBrowser();
  product = await startProduct({
    directory,
    repository,
    sandbox: hasBubblewrap() ? "bubblewrap" : "none",
    variables: {
      NEXT_PUBLIC_SUPABASE_URL: gotrue.url,
      NEXT_PUBLIC_SUPABASE_ANON_KEY: gotrue.anonKey,
      AGENT_SIGN_IN_WITH: "password,link,github",
    },
  });
  await vi.waitUntil(
    async () => {
      if (product.ended() !== undefined) throw new Error(`${product.ended()}: ${product.logTail()}`);
      // It says so itself: while it builds, another program may come to its port and answer.
      return product.logTail().includes(`Vigil runs at ${product.url}`);
    },
    { timeout: 240_000, interval: 250 },
  );
}, 400_000);
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
  await gotrue?.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

async function visit(options: Parameters<typeof aVisitor>[2] = {}): Promise<Page> {
  const { page, context } = await aVisitor(browser, product.url, { baseURL: product.url, ...options });
  contexts.push(context);
  return page;
}

async function enter(page: Page, path: string, { email, password }: Pick<TestUser, "email" | "password">) {
  await page.goto(path);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

const arrived = (page: Page, path: string) =>
  page.waitForURL((url) => url.pathname + url.search === path, { timeout: 60_000 });
const signedIn = (page: Page) => page.getByRole("button", { name: "Sign out" });

describe("signing in with an account", () => {
  it.each(["light", "dark"] as const)(
    "refuses a wrong password, and lands where the link pointed, in %s",
    async (colorScheme) => {
      const eva = gotrue.addUser({});
      const page = await visit({ viewport: phone, colorScheme });
      const link = `${now}/history?status=failed`;
      await enter(page, link, { ...eva, password: "wrong" });
      await page.getByRole("alert").getByText("do not belong together").waitFor();
      expect(await page.getByLabel("E-mail address").inputValue()).toBe(eva.email);
      await inspect(page, `sign-in-account-${colorScheme}`);
      await page.getByLabel("Password").fill(eva.password);
      await page.keyboard.press("Enter");
      await arrived(page, link);
      await signedIn(page).click();
      await page.waitForURL(/\/sign-in/);
      await page.goto(now);
      expect(new URL(page.url()).pathname).toBe("/sign-in");
    },
  );

  it("comes in by a link from a mail, and is told when it was used before", async () => {
    const eva = gotrue.addUser({});
    const page = await visit();
    await page.goto(`${now}/audit`);
    await page.getByLabel("E-mail address").fill(eva.email);
    await page.getByRole("button", { name: "Send me a link instead" }).click();
    await page.getByRole("status").waitFor();
    const { link = "" } = gotrue.mails.at(-1) ?? {};
    // From another site, so that no strict cookie comes along: as from a mail.
    await page.goto(`data:text/html,<a href="${link.replaceAll("&", "&amp;")}">Sign in</a>`);
    await page.getByRole("link").click();
    await arrived(page, `${now}/audit`);
    await signedIn(page).waitFor();
    const other = await visit();
    await other.goto(link);
    await other.getByRole("alert").getByText("expired or was used before").waitFor();
  });

  it("comes in through another provider", async () => {
    gotrue.addUser({ email: "github@example.com" });
    const page = await visit();
    await page.goto(now);
    await page.getByRole("button", { name: "Continue with GitHub" }).click();
    await arrived(page, now);
    await signedIn(page).waitFor();
  });

  it("stays in when the tokens run out, and is out when the sign-in was ended elsewhere", async () => {
    const eva = gotrue.addUser({});
    const page = await visit();
    await enter(page, now, eva);
    await signedIn(page).waitFor();
    await soonOver(page);
    const renewals = () => gotrue.seen.filter((one) => one === "POST /token").length;
    const before = renewals();
    await page.goto(`${now}/history`);
    await signedIn(page).waitFor();
    expect(renewals()).toBe(before + 1);
    gotrue.endSessions(eva.id);
    await soonOver(page);
    await page.goto(now);
    await page.waitForURL(/\/sign-in/);
    await page.getByLabel("E-mail address").waitFor();
    expect((await page.context().cookies()).filter(({ name }) => name.includes("account"))).toEqual([]);
  });

  it("gives a viewer no orders to give, and an account without a role no way in", async () => {
    const page = await visit();
    await enter(page, now, gotrue.addUser({ appMetadata: { role: "viewer" } }));
    await signedIn(page).waitFor();
    expect(await page.getByRole("button", { name: "Pause" }).isDisabled()).toBe(true);
    const stranger = await visit();
    await enter(stranger, now, gotrue.addUser({ appMetadata: {} }));
    await stranger.getByRole("alert").getByText("no role here").waitFor();
  });
});

/** As if the hour were nearly over. */
async function soonOver(page: Page): Promise<void> {
  const cookie = (await page.context().cookies()).find(({ name }) => name.includes("account"));
  if (cookie === undefined) throw new Error("nobody is signed in");
  const tokens = JSON.parse(Buffer.from(cookie.value.replace("base64-", ""), "base64url").toString("utf8"));
  const soon = { ...tokens, expires_at: Math.floor(Date.now() / 1_000) + 30 };
  const value = `base64-${Buffer.from(JSON.stringify(soon)).toString("base64url")}`;
  await page.context().addCookies([{ ...cookie, value }]);
}
