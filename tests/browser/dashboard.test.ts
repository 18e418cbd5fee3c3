import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { desktop, inspect, phone, signIn } from "./a-browser.ts";
import { passwords, pastIssues } from "./a-vigil.ts";
import { approvalCard as card, question as dialog, startVisitors, type Visitors } from "./visitors.ts";

let visitors: Visitors;
beforeAll(async () => {
  visitors = await startVisitors();
}, 400_000);
afterAll(() => visitors?.dispose());

const now = "/dashboard/agent";
const visit: Visitors["visit"] = (options) => visitors.visit(options);
const enter: Visitors["enter"] = (path, name, options) => visitors.enter(path, name, options);

/** How often the audit trail holds a command. */
async function timesGiven(action: string, issueId: string): Promise<number> {
  const rows = await visitors.vigil.connection.rows(
    z.object({ seq: z.coerce.number() }),
    sql`SELECT seq FROM agent_actions WHERE issue_id = ${issueId} AND action = ${action}`,
  );
  return rows.length;
}

describe("signing in", () => {
  it("refuses a wrong password, and then lands where the link pointed", async () => {
    const page = await visit();
    const link = `${now}/history?status=failed`;
    await page.goto(link);
    await page.waitForURL(/\/sign-in/);
    await inspect(page, "sign-in");
    await signIn(page, { name: "Olga", password: "not the password" });
    await page
      .getByRole("alert")
      .getByText(/password/i)
      .waitFor();
    await signIn(page, { name: "Olga", password: passwords.operator });
    await page.waitForURL((url) => url.pathname + url.search === link);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in/);
    await page.goto(now);
    expect(new URL(page.url()).pathname).toBe("/sign-in");
  });
});

describe("every page", () => {
  it.each(["light", "dark"] as const)("is accessible, in the %s theme", async (colorScheme) => {
    const page = await enter(now, "Olga", { colorScheme });
    await inspect(page, `now-${colorScheme}`);
    for (const [name, path] of [
      ["history", `${now}/history`],
      ["audit", `${now}/audit`],
      ["not-found", `${now}/issues/00000000-0000-4000-8000-000000000000`],
    ]) {
      await page.goto(path ?? "");
      await inspect(page, `${name}-${colorScheme}`);
    }
  });

  it("fits a phone", async () => {
    const page = await enter(now, "Olga", { viewport: phone, hasTouch: true });
    await inspect(page, "now-phone");
    for (const name of ["history", "audit"]) {
      await page.goto(`${now}/${name}`);
      await inspect(page, `${name}-phone`);
    }
  });
});

describe("history", () => {
  it("goes through thousands of issues page by page, each once", async () => {
    const page = await enter(`${now}/history?text=Past+problem`, "Olga");
    await page.getByRole("heading", { name: `${pastIssues} issues` }).waitFor();
    const titles = new Set<string>();
    for (let turned = 0; turned < 4; turned++) {
      const shown = await page.getByRole("link", { name: /^Past problem \d+$/ }).allTextContents();
      expect(shown).toHaveLength(50);
      for (const title of shown) titles.add(title);
      const address = page.url();
      await page.getByRole("link", { name: "Older issues" }).click();
      await page.waitForURL((url) => url.href !== address);
    }
    expect(titles.size).toBe(200);
    expect(titles).toContain("Past problem 1");
    expect(titles).toContain("Past problem 200");
  });

  it("finds what is asked for", async () => {
    const page = await enter(`${now}/history`, "Olga");
    await page.getByRole("searchbox", { name: "Search" }).fill("problem 4321");
    await page.getByRole("combobox", { name: "Status" }).selectOption("failed");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("heading", { name: "1 issue" }).waitFor();
    await page.getByRole("link", { name: "Past problem 4321" }).click();
    await page.getByRole("heading", { name: /Past problem 4321/ }).waitFor();
    await inspect(page, "past-issue");
  });
});

describe("a fix that waits for a person", () => {
  it("is approved once, on a phone, whoever else looks at it, and seen to production", async () => {
    const watching = await enter(now, "Otto");
    const { id, title } = await visitors.vigil.untilAsked("critical");
    // It appears by itself on a page that was open before.
    await card(watching, title).waitFor();
    await inspect(watching, "approval");
    const viewer = await enter(now, "Vera");
    expect(await card(viewer, title).getByRole("button", { name: "Approve & Deploy" }).isDisabled()).toBe(true);
    const page = await enter(`${now}/issues/${id}`, "Olga", { viewport: phone, hasTouch: true });
    await inspect(page, "approval-phone");
    await page.goto(now);
    await card(page, title).getByRole("button", { name: "Approve & Deploy" }).tap();
    await dialog(page).waitFor();
    await inspect(page, "approve-phone");
    // The other operator has the question open as well.
    await card(watching, title).getByRole("button", { name: "Approve & Deploy" }).click();
    await dialog(watching).waitFor();
    await dialog(page).getByRole("button", { name: "Approve & Deploy" }).dblclick();
    await dialog(page).waitFor({ state: "hidden" });
    await expect.poll(async () => (await visitors.vigil.operators.issue(id)).status).not.toBe("awaiting_approval");
    await dialog(watching).getByRole("button", { name: "Approve & Deploy" }).click();
    await dialog(watching).getByRole("alert").waitFor();
    await inspect(watching, "approved-by-another");
    await dialog(watching).getByRole("button", { name: "Cancel" }).click();
    await card(watching, title).waitFor({ state: "detached" });
    await page.goto(`${now}/issues/${id}`);
    await page.getByText("Resolved", { exact: true }).first().waitFor({ timeout: 90_000 });
    await inspect(page, "resolved-phone");
    await page.setViewportSize(desktop);
    await inspect(page, "resolved");
    expect(await timesGiven("command.approve", id)).toBe(1);
  });

  it("is rejected with the keyboard alone, and the reason is kept", async () => {
    const { id, title } = await visitors.vigil.untilAsked("null-check");
    const page = await enter(now, "Olga");
    await card(page, title).waitFor();
    const reject = card(page, title).getByRole("button", { name: "Reject Fix" });
    for (
      let presses = 0;
      presses < 60 && !(await reject.evaluate((node) => node === document.activeElement));
      presses++
    ) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await dialog(page).waitFor();
    await page.keyboard.type("We answer 410 there.");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await dialog(page).waitFor({ state: "hidden" });
    await card(page, title).waitFor({ state: "detached" });
    expect((await visitors.vigil.operators.issue(id)).status).toBe("rejected");
    await page.goto(`${now}/issues/${id}`);
    await page
      .getByText(/We answer 410 there\./)
      .first()
      .waitFor();
    await inspect(page, "rejected");
    await page.goto(`${now}/audit`);
    await page
      .getByText(/We answer 410 there\./)
      .first()
      .waitFor();
    await page.getByRole("button", { name: /Verify/ }).click();
    await page
      .getByText(/whole|intact|rows/i)
      .first()
      .waitFor();
  });
});

describe("steering", () => {
  it("pauses, resumes and changes the level, seen by everyone at once, offline for a while or not", async () => {
    const page = await enter(now, "Olga");
    const other = await enter(now, "Otto");
    // Before its scripts are there a page notices nothing.
    await other.locator("header [aria-keyshortcuts]").waitFor();
    await other.context().setOffline(true);
    await other.getByText("offline: shown as it was").waitFor();
    await inspect(other, "offline");
    await page.getByRole("button", { name: "Pause" }).click();
    await dialog(page).getByLabel(/Why/).fill("We are moving house");
    await dialog(page).getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused", { exact: true }).waitFor();
    await inspect(page, "paused");
    await other.context().setOffline(false);
    await other.getByText("We are moving house").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await dialog(page).getByRole("button", { name: "Resume" }).click();
    await other.getByText("Active", { exact: true }).waitFor();
    await page.getByText(/Autonomy level/).click();
    await page.getByRole("button", { name: "Choose 2" }).click();
    await dialog(page).getByRole("button", { name: "Choose level 2" }).click();
    await other
      .getByText(/Auto-fix low risk/)
      .first()
      .waitFor();
  });
});

it("no page asked another host, broke its policy or threw", () => {
  expect(visitors.complaints()).toEqual([]);
});
