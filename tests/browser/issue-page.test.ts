import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { pastId } from "#tests/support/seed-past.ts";
import { fixingId, storyCommit, storyId } from "#tests/support/seed-story.ts";
import { aVisitor, inspect, launchBrowser, phone, signIn } from "./a-browser.ts";
import { type SeededVigil, startSeededVigil } from "./a-seeded-vigil.ts";
import { passwords } from "./a-vigil.ts";

let vigil: SeededVigil;
let browser: Browser;
const complaints: string[][] = [];
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  [vigil, browser] = await Promise.all([startSeededVigil(), launchBrowser()]);
}, 400_000);
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});
afterAll(async () => {
  await browser?.close();
  await vigil?.dispose();
});

const now = "/dashboard/agent";
const story = `${now}/issues/${storyId}`;

/** Somebody who is signed in, on `path`. */
async function enter(path: string, options: Parameters<typeof aVisitor>[2] = {}): Promise<Page> {
  const { page, context, complaints: heard } = await aVisitor(browser, vigil.url, { baseURL: vigil.url, ...options });
  complaints.push(heard);
  contexts.push(context);
  await page.goto(path);
  await signIn(page, { name: "Olga", password: passwords.operator });
  await page.waitForURL((url) => url.pathname === path);
  return page;
}

const plot = (page: Page, name: string | RegExp) => page.getByRole("figure", { name });

/** Every plot is drawn. */
async function drawn(page: Page): Promise<void> {
  const plots = page.getByRole("figure");
  await plots.first().waitFor();
  for (let n = 0; n < (await plots.count()); n++) await plots.nth(n).locator("svg.recharts-surface").first().waitFor();
}

/** How much the page moved by itself since it was opened: below 0.1 counts as good (web.dev/cls). */
function shiftOf(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((done) => {
        let moved = 0;
        const observer = new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) moved += entry.value;
        });
        observer.observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(moved))));
      }),
  );
}

/** The scripts that a page asks for, as they came. */
async function scriptsOf(page: Page, path: string): Promise<string[]> {
  const texts: Promise<string>[] = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") texts.push(response.text());
  });
  await page.goto(path);
  await page.waitForLoadState("networkidle");
  page.removeAllListeners("response");
  return Promise.all(texts);
}

describe("the issue's page", () => {
  it.each(["light", "dark"] as const)("is accessible, in the %s theme", async (colorScheme) => {
    const page = await enter(story, { colorScheme });
    await drawn(page);
    await inspect(page, `issue-${colorScheme}`);
  });

  it("fits a phone", async () => {
    const page = await enter(story, { viewport: phone, hasTouch: true });
    await drawn(page);
    await inspect(page, "issue-phone");
  });

  it("plots how often it happened, and has the same numbers as a table", async () => {
    const page = await enter(story);
    const events = plot(page, "Events per hour in production");
    await drawn(page);
    expect(await events.locator(".recharts-bar-rectangle").count()).toBeGreaterThan(30);
    await events.getByText("As a table").click();
    await events.getByRole("row").nth(100).waitFor();
    expect(await events.getByRole("row").count()).toBeGreaterThan(160);
    await inspect(page, "issue-table");
  });

  it("links to the very commit, line, branch and pull request", async () => {
    const page = await enter(story);
    const links = async (name: string) =>
      (await page.getByRole("link", { name, exact: true }).first().getAttribute("href")) ?? "";
    const [base, fixed] = ["b".repeat(40), storyCommit];
    const place = "src/app/api/appointments/route.ts";
    expect(await links(`${place}:42`)).toBe(`${vigil.repositoryUrl}/blob/${base}/${place}#L42`);
    expect(await links(`POST (${place}:42:15)`)).toBe(`${vigil.repositoryUrl}/blob/${base}/${place}#L42`);
    expect(await links(fixed.slice(0, 10))).toBe(`${vigil.repositoryUrl}/commit/${fixed}`);
    expect(await links("agent/fix-first")).toBe(`${vigil.repositoryUrl}/tree/agent/fix-first`);
    expect(await links("pull request 7")).toBe("https://github.com/acme/clinic/pull/7");
  });

  it("plots each look at a release, and its errors against the time before with the limits", async () => {
    const page = await enter(story);
    await drawn(page);
    const production = page.getByRole("article", { name: /^production/ });
    const looks = production.getByRole("figure", { name: "Health checks" });
    await looks.getByText("6 of 9 looks found it healthy, 2 did not, 1 could not be made").waitFor();
    await looks.getByText("As a table").click();
    await looks.getByRole("row", { name: /unknown no data: no answer/ }).waitFor();
    const errors = production.getByRole("figure", { name: "Errors against the time before" });
    await errors
      .getByText("7.73 errors per 100 requests since the release, 1.00 errors per 100 requests before it")
      .waitFor();
    for (const limit of ["before: 1 %", "+20 %, twice in a row: 1.2 %", "+50 %, at once: 1.5 %"]) {
      await errors.getByText(limit, { exact: true }).waitFor();
    }
    expect(await errors.locator(".recharts-reference-line").count()).toBe(3);
    await errors.getByText("As a table").click();
    // Of one minute nothing is known.
    await expect.poll(() => errors.getByRole("cell", { name: "unknown", exact: true }).count()).toBe(1);
  });

  it("says why an attempt failed, with what was printed then", async () => {
    const page = await enter(story);
    const first = page.getByRole("article", { name: "Attempt 1" });
    await first.getByText("1 of 12 tests fails: books an appointment").waitFor();
    await first.getByText("Output").first().click();
    await first.getByText("books an appointment expected: 404").first().waitFor();
    const second = page.getByRole("article", { name: "Attempt 2" });
    await second.getByText("Attempt 1: 1 of 12 tests fails").waitFor();
    await second.getByText("rolled back").waitFor();
    await first.getByRole("listitem").getByText("books an appointment", { exact: true }).waitFor();
    await first.getByText("Compared with main: 1 test fails that passes on main").waitFor();
  });

  it("has the change that waits for a person open from the start, and nothing moves when it comes", async () => {
    const page = await enter(`${now}/issues/${pastId("asked", 1)}`);
    await page.getByText("if (thing === undefined) return notFound();").first().waitFor();
    await drawn(page);
    await inspect(page, "issue-asked");
    await page.reload();
    await drawn(page);
    expect(await shiftOf(page)).toBeLessThan(0.1);
    // On the board it is closed.
    await page.goto(now);
    await page.getByRole("article").first().waitFor();
    expect(await page.getByText("if (thing === undefined) return notFound();").count()).toBe(0);
  });
});

describe("an issue at work", () => {
  it("says on the board what is being done, and about how long it still takes", async () => {
    const page = await enter(now);
    const flight = page.getByRole("main").locator(`[data-issue="${fixingId}"]`);
    await flight.getByText("Claude reads src/lib/book.ts").waitFor();
    await flight.getByText(/about \d+ (s|min) left|longer than usual/).waitFor();
    await inspect(page, "board-at-work");
  });
});

describe("the library that draws plots", () => {
  it("comes with a page that has plots, and never with the board", async () => {
    const page = await enter(`${now}/audit`);
    const hasLibrary = (scripts: string[]) => scripts.some((text) => text.includes("recharts-surface"));
    expect(hasLibrary(await scriptsOf(page, now))).toBe(false);
    expect(hasLibrary(await scriptsOf(page, story))).toBe(true);
  });

  it("and the one that shows changes are not needed to see one", async () => {
    const page = await enter(`${now}/audit`);
    await page.route("**/_next/static/**/*.js", async (route) => {
      const response = await route.fetch();
      await ((await response.text()).includes("diff-gutter") ? route.abort() : route.fulfill({ response }));
    });
    await page.goto(story);
    await page.getByRole("article", { name: "Attempt 2" }).getByText("Diff", { exact: false }).first().click();
    await page.getByText("+if (thing === undefined) return notFound();").waitFor();
    await page.getByText("Reload the page before you decide").waitFor();
  });

  it("is missed by nobody who cannot load it: the numbers are there as a table", async () => {
    const page = await enter(`${now}/audit`);
    await page.route("**/_next/static/**/*.js", async (route) => {
      const response = await route.fetch();
      await ((await response.text()).includes("recharts-surface") ? route.abort() : route.fulfill({ response }));
    });
    await page.goto(story);
    const events = plot(page, "Events per hour in production");
    await events.getByText("The plot could not be loaded.").waitFor();
    await events.getByText("As a table").click();
    await events.getByRole("row").nth(100).waitFor();
  });
});

it("no page asked another host, broke its policy or threw", () => {
  expect(complaints.flat()).toEqual([]);
});
