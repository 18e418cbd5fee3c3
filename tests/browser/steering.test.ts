import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pastId } from "#tests/support/seed-past.ts";
import { inspect, phone } from "./a-browser.ts";
import { type SeededVigil, startSeededVigil } from "./a-seeded-vigil.ts";
import { approvalCard, question, type Visitors, visitorsOf } from "./visitors.ts";

let visitors: Visitors<SeededVigil>;
beforeAll(async () => {
  visitors = await visitorsOf(startSeededVigil());
}, 400_000);
afterAll(() => visitors?.dispose());

const now = "/dashboard/agent";
/** Keys are heard from when the page's scripts are there. */
const heard = (page: Page) => page.locator("header [aria-keyshortcuts]").waitFor();
const enter: Visitors["enter"] = async (path, name, options) => {
  const page = await visitors.enter(path, name, options);
  await heard(page);
  return page;
};
const sheet = (page: Page) => page.getByRole("dialog", { name: "Keyboard shortcuts" });
const messages = (page: Page) => page.getByRole("region", { name: /Notifications/ });
const at = (page: Page, path: string) => page.waitForURL((url) => url.pathname === path);

/** The scripts that have come to a page so far. */
function scripts(page: Page): Promise<string>[] {
  const texts: Promise<string>[] = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") texts.push(response.text());
  });
  return texts;
}

describe("shortcuts", () => {
  it("are listed by ? and by a button, in both themes and on a phone", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await enter(now, "Olga", { colorScheme });
      await page.keyboard.press("?");
      await sheet(page).waitFor();
      await inspect(page, `shortcuts-${colorScheme}`);
      await page.keyboard.press("Escape");
      await sheet(page).waitFor({ state: "detached" });
    }
    const page = await enter(now, "Olga", { viewport: phone, hasTouch: true });
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
    await sheet(page).waitFor();
    await inspect(page, "shortcuts-phone");
  });

  it("lead to each page, and to the search", async () => {
    const page = await enter(now, "Olga");
    for (const [key, path] of Object.entries({ h: `${now}/history`, a: `${now}/audit`, b: now })) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await at(page, path);
    }
    await page.keyboard.press("/");
    await at(page, `${now}/history`);
    const search = page.getByRole("searchbox", { name: "Search" });
    await expect.poll(() => search.evaluate((field) => field === document.activeElement)).toBe(true);
  });

  it("walk a list and open what they stand on", async () => {
    const page = await enter(`${now}/history`, "Olga");
    const rows = page.locator("main [data-issue]");
    const placeOf = () => rows.evaluateAll((all) => all.findIndex((row) => row.contains(document.activeElement)));
    for (const [key, place] of [
      ["j", 0],
      ["j", 1],
      ["j", 2],
      ["k", 1],
    ] as const) {
      await page.keyboard.press(key);
      await expect.poll(placeOf).toBe(place);
    }
    const href = await rows.nth(1).getByRole("link").first().getAttribute("href");
    await page.keyboard.press("o");
    await at(page, href ?? "");
  });

  it("do nothing while somebody types, holds another key, answers a question, or turned them off", async () => {
    const page = await enter(`${now}/history`, "Olga");
    const search = page.getByRole("searchbox", { name: "Search" });
    await search.focus();
    await page.keyboard.type("gh?p");
    expect(await search.inputValue()).toBe("gh?p");
    await search.blur();
    await page.keyboard.press("Control+p");
    await page.keyboard.press("p");
    await question(page).waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("?");
    await page.keyboard.press("Escape");
    await question(page).waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await sheet(page).getByRole("switch", { name: "Single keys do something" }).click();
    await page.keyboard.press("Escape");
    await sheet(page).waitFor({ state: "detached" });
    await page.reload();
    await heard(page);
    await page.keyboard.press("p");
    await page.keyboard.press("?");
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
    await sheet(page).getByText("Off in this browser").waitFor();
    expect(await question(page).count()).toBe(0);
  });
});

describe("messages", () => {
  it("say what an order did, are put away, and move nothing", async () => {
    for (const [colorScheme, viewport] of [
      ["light", undefined],
      ["dark", phone],
    ] as const) {
      const page = await enter(now, "Olga", { colorScheme, ...(viewport && { viewport, hasTouch: true }) });
      for (const [order, done] of [
        ["Pause", "The agent is paused."],
        ["Resume", "The agent goes on."],
      ] as const) {
        await page.locator("[data-pause]").getByRole("button").click();
        await question(page).getByRole("button", { name: order }).click();
        await messages(page).getByText(done).waitFor();
        await question(page).waitFor({ state: "detached" });
      }
      const top = () => page.locator("main").evaluate((main) => main.getBoundingClientRect().top);
      const before = await top();
      await inspect(page, `message-${colorScheme}`);
      const putAway = messages(page).getByRole("button", { name: "Put away" });
      while ((await putAway.count()) > 0) {
        const left = await putAway.count();
        await putAway.first().click();
        await expect.poll(() => putAway.count()).toBeLessThan(left);
      }
      expect(await top()).toBe(before);
    }
  });

  it("tell of fixes that wait and issues that end while the page is open", async () => {
    const page = await enter(`${now}/audit`, "Olga");
    const { connection } = visitors.vigil;
    // The lease stays while it is at work, so that no worker takes it up.
    const move = (status: "resolved" | "rolling_back", n: number) =>
      connection.script(async (run) => {
        const id = pastId("working", n);
        const lease = status === "resolved" ? "NULL" : "lease_until";
        await run(`UPDATE agent_issues SET status = $2, lease_until = ${lease} WHERE id = $1`, [id, status]);
        await run("SELECT append_agent_action('agent', 'status.changed', '', 'done', 'held', '{}', $1)", [id]);
      });
    await move("resolved", 3);
    await messages(page).getByText("Resolved").waitFor();
    await move("rolling_back", 2);
    await messages(page).getByText("A fix is being rolled back").waitFor();
    await inspect(page, "message-news");
    await messages(page).getByRole("link", { name: "Show the issue" }).first().click();
    await page.waitForURL(/issues\//);
  });

  it("come with their library only when there is one", async () => {
    const page = await enter(`${now}/audit`, "Olga");
    const texts = scripts(page);
    await page.goto(now);
    await page.waitForLoadState("networkidle");
    const all = await Promise.all(texts);
    for (const mark of ["toast-frontmost-height", "Single keys do something"]) {
      expect(
        all.some((text) => text.includes(mark)),
        mark,
      ).toBe(false);
    }
  });
});

it("a question that shows what is no longer so cannot be answered again", async () => {
  const page = await enter(now, "Olga");
  const card = page.getByRole("article").first();
  const title = await card.getByRole("link").first().innerText();
  await card.getByRole("button", { name: "Reject Fix" }).click();
  await question(page).getByRole("textbox").fill("second");
  const other = await enter(now, "Otto");
  const theirs = approvalCard(other, title);
  await theirs.getByRole("button", { name: "Reject Fix" }).click();
  await question(other).getByRole("textbox").fill("first");
  await question(other).getByRole("button", { name: "Reject Fix" }).click();
  await messages(other).getByText("Rejected").waitFor();
  await question(page).getByRole("button", { name: "Reject Fix" }).click();
  await question(page).getByRole("alert").getByText("not waiting for approval").waitFor();
  expect(await question(page).getByRole("button", { name: "Reject Fix" }).isDisabled()).toBe(true);
});

describe("history", () => {
  it("is filtered by type, and keeps the filter from page to page", async () => {
    const page = await enter(`${now}/history`, "Olga");
    const type = page.getByRole("combobox", { name: "Type" });
    const known = await type.locator("option").evaluateAll((all) => all.map((one) => one.getAttribute("value") ?? ""));
    const first = known[1] ?? "";
    await type.selectOption(first);
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/type=/);
    expect(await type.inputValue()).toBe(first);
    await page.goto(`${now}/history?type=no_such_type`);
    await page.getByText("No issue fits these filters.").waitFor();
  });

  it("plots what became of issues and what they cost, in both themes and on a phone", async () => {
    const looks = { light: {}, dark: { colorScheme: "dark" }, phone: { viewport: phone, hasTouch: true } } as const;
    for (const [name, options] of Object.entries(looks)) {
      const page = await enter(`${now}/history`, "Olga", options);
      for (const title of ["Issues per day", "Resolved, of what ended in seven days", "Spent on models per day"]) {
        await page.getByRole("figure", { name: title }).locator("svg.recharts-surface").first().waitFor();
      }
      await inspect(page, `history-${name}`);
    }
  });
});

it("a viewer may walk the audit chain", async () => {
  const page = await enter(`${now}/audit`, "Vera");
  await page.getByRole("button", { name: "Verify the chain" }).click();
  // The seeded past is not all chained; what counts is that it is walked for a viewer.
  await page.getByText(/^(Whole|Broken): .*row/).waitFor();
});

it("no page asked another host, broke its policy or threw", () => {
  expect(visitors.complaints()).toEqual([]);
});
