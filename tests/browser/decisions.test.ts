import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspect, phone, signIn } from "./a-browser.ts";
import { passwords } from "./a-vigil.ts";
import { approvalCard, question, startVisitors, type Visitors } from "./visitors.ts";

let visitors: Visitors;
beforeAll(async () => {
  visitors = await startVisitors();
}, 400_000);
afterAll(() => visitors?.dispose());

const now = "/dashboard/agent";
const statusOf = async (id: string) => (await visitors.vigil.operators.issue(id)).status;

/** What an operator's own program would send. */
async function order(issueId: string, command: string, body: object): Promise<number> {
  const { url, apiToken } = visitors.vigil;
  const answer = await fetch(`${url}/api/agent/issues/${issueId}/${command}`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiToken}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.status;
}

/** Goes to `target` by the Tab key alone. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((node) => node === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("the Tab key does not lead there");
}

describe("a fix that changed since the page was loaded", () => {
  it("is not approved by whoever still looks at the old one, and is by whoever saw the new one, by keyboard alone", async () => {
    const { vigil } = visitors;
    const { id, title, fix } = await vigil.untilAsked("null-check");
    const page = await visitors.enter(now, "Olga");
    await approvalCard(page, title).getByRole("button", { name: "Approve & Deploy" }).click();
    await question(page).waitFor();
    // Meanwhile a colleague changes the lines beside it, and has the fix made anew on top of that.
    const path = "src/app/api/campaigns/launch/route.ts";
    const before = await readFile(join(vigil.person.folder, path), "utf8");
    const beside = "  const campaign = await findCampaign(launch.campaignId);\n";
    const after = before.replace(beside, `  // A campaign that was deleted is not found.\n${beside}`);
    expect(after).not.toBe(before);
    await vigil.person.commit("main", { [path]: after });
    expect(await order(id, "reject", { reason: "main is newer" })).toBe(200);
    expect(await order(id, "retry", {})).toBe(200);
    const changed = await vigil.untilAsked("null-check");
    expect([changed.id, changed.fix?.diffHash === fix?.diffHash]).toEqual([id, false]);
    await question(page).getByRole("button", { name: "Approve & Deploy" }).click();
    await question(page)
      .getByRole("alert")
      .getByText(/changed since you looked at it/)
      .waitFor();
    expect(await statusOf(id)).toBe("awaiting_approval");
    await inspect(page, "changed-diff");
    await question(page).getByRole("button", { name: "Cancel" }).click();
    await question(page).waitFor({ state: "hidden" });
    // The page reads what is asked now, by itself.
    await approvalCard(page, title)
      .getByTitle(changed.fix?.commit ?? "none")
      .waitFor();
    await tabTo(page, approvalCard(page, title).getByRole("button", { name: "Approve & Deploy" }));
    await page.keyboard.press("Enter");
    await question(page)
      .getByText((changed.fix?.diffHash ?? "none").slice(0, 16))
      .waitFor();
    await tabTo(page, question(page).getByRole("button", { name: "Approve & Deploy" }));
    await page.keyboard.press("Enter");
    await question(page).waitFor({ state: "hidden" });
    await expect.poll(() => statusOf(id), { timeout: 90_000 }).toBe("resolved");
  });
});

describe("a fix in production", () => {
  it("is taken back on a phone, with the reason that was given, and production serves the version before", async () => {
    const { vigil } = visitors;
    const found = (await vigil.operators.issues()).find(({ operation }) => operation === "POST /api/campaigns/launch");
    const { id = "" } = found ?? {};
    const page = await visitors.enter(`${now}/issues/${id}`, "Olga", { viewport: phone, hasTouch: true });
    await page.getByRole("button", { name: "Revert" }).tap();
    await question(page).getByLabel(/Why/).fill("Customers want the old message.");
    await inspect(page, "revert-phone");
    await question(page).getByRole("button", { name: "Revert" }).tap();
    await question(page).waitFor({ state: "hidden" });
    await expect.poll(() => statusOf(id), { timeout: 90_000 }).toBe("failed");
    await page
      .getByText(/Customers want the old message\..*Rolled back/)
      .first()
      .waitFor();
    expect(await page.getByRole("button", { name: "Revert" }).isDisabled()).toBe(true);
    await inspect(page, "reverted-phone");
    await vigil.person.git("fetch", "--quiet", "origin");
    expect(await vigil.person.git("log", "--format=%s", "-1", "origin/main")).toMatch(/^Revert /);
  });
});

describe("the audit log", () => {
  it.each([
    ["NDJSON", "ndjson"],
    ["CSV", "csv"],
  ])("is handed over as %s, just what was asked for", async (format, ending) => {
    const page = await visitors.enter(`${now}/audit?actor=people`, "Olga");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: `Export ${format}` }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`\\.${ending}$`));
    const text = await readFile(await download.path(), "utf8");
    expect(text).toContain("command.revert");
    expect(text).not.toContain("status.changed,agent");
    const lines = text.trim().split("\n");
    const actors = ending === "csv" ? lines.slice(1) : lines.map((line) => JSON.parse(line).actor);
    expect(actors.length).toBeGreaterThan(3);
    expect(actors.filter((actor) => !/(operator|token):/.test(actor))).toEqual([]);
  });
});

describe("a page that is open", () => {
  it("moves nothing under the reader's eyes while a fix goes its way", async () => {
    const page = await visitors.enter(now, "Olga");
    await page.evaluate(() => {
      const found = globalThis as unknown as { shifts: number };
      found.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean }[]) {
          if (!entry.hadRecentInput) found.shifts += entry.value;
        }
      }).observe({ type: "layout-shift", buffered: false });
    });
    const { title } = await visitors.vigil.untilAsked("critical");
    await approvalCard(page, title).waitFor();
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: number }).shifts);
    // "Good" by the Core Web Vitals: at most 0.1.
    expect(shifts).toBeLessThan(0.1);
  });

  it("says when the server is away, and goes on by itself when it is back", async () => {
    const page = await visitors.enter(now, "Olga");
    const restarted = visitors.vigil.restart();
    await page
      .getByText(/reconnecting/)
      .first()
      .waitFor();
    await inspect(page, "server-away");
    await restarted;
    await visitors.vigil.operators.changeSettings({ autonomyLevel: 2 });
    await page
      .getByText(/Auto-fix low risk/)
      .first()
      .waitFor({ timeout: 60_000 });
  });
});

describe("guessing the password", () => {
  it("ends after ten wrong ones, for the right one too, and says for how long", async () => {
    const page = await visitors.visit();
    await page.goto(`${now}/history`);
    await page.waitForURL(/\/sign-in/);
    for (let n = 0; n < 10; n++) {
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === "POST"),
        signIn(page, { name: "Mallory", password: `guess ${n}` }),
      ]);
      expect(answer.status()).toBe(401);
    }
    await signIn(page, { name: "Mallory", password: passwords.operator });
    await page
      .getByRole("alert")
      .getByText(/Too many wrong passwords.*Try again in \d+ minutes/s)
      .waitFor();
    expect(new URL(page.url()).pathname).toBe("/sign-in");
    await inspect(page, "too-many-guesses");
  });
});

it("no page asked another host, broke its policy or threw", () => {
  expect(visitors.complaints()).toEqual([]);
});
