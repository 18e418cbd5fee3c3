import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { anEvent } from "#tests/support/builders.ts";
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
    for (const [key, path] of Object.entries({
      h: `${now}/history`,
      a: `${now}/audit`,
      d: `${now}/detection`,
      s: `${now}/settings`,
      b: now,
    })) {
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
      // The header's own news may come after the answer to the order.
      await page.locator("header").getByText("Active", { exact: true }).waitFor();
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

describe("orders about what an issue is", () => {
  const issue = (n: number) => `${now}/issues/${pastId("past", n)}`;
  const more = async (page: Page, item: string) => {
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: item }).click();
    await question(page).waitFor();
  };
  const detailOf = async (n: number) =>
    (await fetch(`${visitors.vigil.url}/api/agent/issues/${pastId("past", n)}`, {
      headers: { authorization: `Bearer ${visitors.vigil.apiToken}` },
    }).then((response) => response.json())) as Record<string, unknown> & { groups: { fingerprint: string }[] };

  it("mutes until one of the conditions, and says when none was named", async () => {
    // Past issue 1 of 4 failed; those may be muted.
    const page = await enter(issue(5), "Olga");
    await more(page, "Mute…");
    const mute = question(page).getByRole("button", { name: "Mute" });
    await mute.click();
    await question(page).getByRole("alert").getByText("Name at least one of").waitFor();
    await inspect(page, "mute");
    await question(page).getByLabel("After more events").fill("50");
    await question(page).getByLabel("Until").fill("2031-05-06T07:08");
    await mute.dblclick();
    await messages(page).getByText("Muted.").waitFor();
    expect(await detailOf(5)).toMatchObject({ status: "dismissed", mute: { events: 50, users: null, spike: false } });
  });

  it("merges into an issue that is found by its words, once however often it is pressed", async () => {
    const page = await enter(issue(9), "Olga", { colorScheme: "dark", viewport: phone, hasTouch: true });
    await more(page, "Merge into another issue…");
    await question(page).getByRole("searchbox").fill("Past problem 13");
    const found = question(page).getByRole("radio", { name: "Past problem 13" });
    await found.check();
    await inspect(page, "merge-phone");
    await question(page).getByRole("button", { name: "Merge" }).dblclick();
    await messages(page).getByText("Merged").waitFor();
    expect(await detailOf(9)).toMatchObject({ mergedInto: pastId("past", 13) });
    await page.reload();
    await more(page, "Merge into another issue…");
    await question(page)
      .getByRole("searchbox")
      .fill(`see ${issue(17)}`);
    await question(page).getByRole("radio", { name: "Past problem 17" }).check();
    await question(page).getByRole("button", { name: "Merge" }).click();
    await question(page).getByRole("alert").getByText("was merged into another one already").waitFor();
    expect(await question(page).getByRole("button", { name: "Merge" }).isDisabled()).toBe(true);
  });

  it("splits a kind of error off", async () => {
    const fingerprint = "c".repeat(32);
    await visitors.vigil.connection.script(async (run) => {
      await run(
        `INSERT INTO agent_fingerprints (fingerprint, issue_id, title, issue_type, state, sample, event_count, first_seen, last_seen, looked_at)
         SELECT $1, id, 'RangeError in GET /api/things', issue_type, 'issue', $3::jsonb, 7, first_seen, last_seen, now()
         FROM agent_issues WHERE id = $2`,
        [fingerprint, pastId("past", 21), JSON.stringify(anEvent({ message: "too long" }))],
      );
    });
    const page = await enter(issue(21), "Olga");
    await more(page, "Split a kind of error off…");
    await question(page).getByRole("radio", { name: "RangeError in GET /api/things" }).check();
    await inspect(page, "split");
    await question(page).getByRole("button", { name: "Split off" }).dblclick();
    await messages(page).getByText("Split off").waitFor();
    expect((await detailOf(21)).groups.map((group) => group.fingerprint)).not.toContain(fingerprint);
  });

  it("calls a false alarm by its name, with a reason", async () => {
    const page = await enter(issue(25), "Olga");
    await more(page, "False alarm…");
    await question(page).getByRole("textbox").fill("a load test");
    await question(page).getByRole("button", { name: "False alarm" }).click();
    await messages(page).getByText("Dismissed as a false alarm").waitFor();
    expect(await detailOf(25)).toMatchObject({ status: "dismissed" });
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Mute…" }).getByText("dismissed already").waitFor();
    await inspect(page, "more-menu");
  });

  it("are not shown to a viewer", async () => {
    const page = await enter(issue(29), "Vera");
    await page.getByRole("button", { name: "Dismiss" }).waitFor();
    expect(await page.getByRole("button", { name: "More" }).count()).toBe(0);
  });
});

describe("settings", () => {
  const path = `${now}/settings`;
  const setting = (page: Page, group: string, name: string) =>
    page.locator(`section[aria-labelledby="settings-${group}"] [data-setting="${name}"]`);
  const save = (page: Page, group: string) =>
    page.locator(`section[aria-labelledby="settings-${group}"]`).getByRole("button", { name: "Save" }).click();
  const stored = async () => {
    const headers = { authorization: `Bearer ${visitors.vigil.apiToken}` };
    const response = await fetch(`${visitors.vigil.url}/api/agent/settings`, { headers });
    return ((await response.json()) as { settings: Record<string, Record<string, unknown>> }).settings;
  };

  it("are explained with unit, default and range, in both themes and on a phone", async () => {
    const looks = { light: {}, dark: { colorScheme: "dark" }, phone: { viewport: phone, hasTouch: true } } as const;
    for (const [name, options] of Object.entries(looks)) {
      const page = await enter(path, "Olga", options);
      await page.locator('[data-rule="spike"] summary').click();
      await setting(page, "staging", "windowMs").getByText("Default: 10 min · allowed: 50 ms to 7 d").waitFor();
      await inspect(page, `settings-${name}`);
    }
  });

  it("are changed without a reload, once, and stand in the audit log", async () => {
    const page = await enter(path, "Olga");
    const field = setting(page, "staging", "windowMs");
    await field.getByRole("spinbutton").fill("20");
    await setting(page, "limits", "fixesPerHour").getByRole("spinbutton").fill("7");
    await field.getByText("not saved yet").waitFor();
    await save(page, "staging");
    await messages(page).getByText("Staging: saved").waitFor();
    await field.getByText("not saved yet").waitFor({ state: "detached" });
    expect((await stored()).staging).toMatchObject({ windowMs: 1_200_000, checkEveryMs: 60_000 });
    // What was typed elsewhere on the page is still there, and not saved.
    expect(await setting(page, "limits", "fixesPerHour").getByRole("spinbutton").inputValue()).toBe("7");
    expect((await stored()).limits).toMatchObject({ fixesPerHour: 5 });
    await page.goto(`${now}/audit?text=settings`);
    await page.getByText("settings changed").first().waitFor();
  });

  it("say beside the field why a value is refused, and what does not fit together", async () => {
    const page = await enter(path, "Olga");
    const field = setting(page, "limits", "repairAttempts");
    await field.getByRole("spinbutton").fill("11");
    await save(page, "limits");
    await field.getByRole("alert").getByText("<=10").waitFor();
    await inspect(page, "settings-refused");
    await setting(page, "production", "windowMs").getByRole("spinbutton").fill("6");
    await save(page, "production");
    await page.getByRole("alert").getByText("must hold at least 3 checks").waitFor();
    expect((await stored()).limits).toMatchObject({ repairAttempts: 3 });
  });

  it("are not overwritten unseen by whoever saves second", async () => {
    const [first, second] = [await enter(path, "Olga"), await enter(path, "Otto")];
    for (const [page, hours] of [
      [first, "30"],
      [second, "40"],
    ] as const)
      await setting(page, "approval", "estimateMinutesMax").getByRole("spinbutton").fill(`${hours}1`);
    await save(first, "approval");
    await messages(first).getByText("Approval: saved").waitFor();
    await save(second, "approval");
    await second.getByRole("alert").getByText("approval.estimateMinutesMax was changed in the meantime").waitFor();
    expect((await stored()).approval).toMatchObject({ estimateMinutesMax: 301 });
    await save(second, "approval");
    await messages(second).getByText("Approval: saved").waitFor();
    expect((await stored()).approval).toMatchObject({ estimateMinutesMax: 401 });
  });

  it("change a rule, and say which part of which rule is impossible", async () => {
    const page = await enter(path, "Olga");
    const rule = page.locator('[data-rule="handled error"]');
    await rule.locator("summary").click();
    await rule.getByLabel("Threshold").fill("0");
    await save(page, "rules");
    await rule.getByRole("alert").getByText(">=1").waitFor();
    await rule.getByLabel("Threshold").fill("4");
    await rule.getByLabel("Counts").uncheck();
    await rule.getByLabel("Severity at least").selectOption("P3");
    await save(page, "rules");
    await messages(page).getByText("Rules: saved").waitFor();
    const { rules } = (await stored()).detection as { rules: Record<string, unknown>[] };
    const changed = rules.find(({ name }) => name === "handled error");
    expect(changed).toMatchObject({ threshold: 4, enabled: false, severity: "P3", windowMs: 900_000 });
    expect(rules).toHaveLength(11);
  });

  it("are read-only for a viewer", async () => {
    const page = await enter(path, "Vera");
    await page.getByText("A viewer may look, and change nothing.").waitFor();
    expect(await page.getByRole("button", { name: "Save" }).count()).toBe(0);
    expect(await page.locator("main section :is(input, textarea, select):not([disabled])").count()).toBe(0);
  });
});

describe("detection", () => {
  it("shows whether the environments answer, what happens there, and how often rules were right", async () => {
    await visitors.vigil.connection.script(async (run) => {
      await run(
        `INSERT INTO agent_probes (environment, slot, outcome, because, latency_ms)
         SELECT environment, floor(extract(epoch FROM now()) / 60) - n,
           CASE n % 9 WHEN 4 THEN 'unhealthy' WHEN 5 THEN 'no_data' ELSE 'healthy' END,
           CASE n % 9 WHEN 4 THEN '500' WHEN 5 THEN 'our own network failed' ELSE '200' END,
           CASE n % 9 WHEN 5 THEN NULL ELSE 30 + n END
         FROM generate_series(1, 55) AS n, (VALUES ('staging'), ('production')) AS e (environment) ON CONFLICT DO NOTHING`,
      );
    });
    const looks = { light: {}, dark: { colorScheme: "dark" }, phone: { viewport: phone, hasTouch: true } } as const;
    for (const [name, options] of Object.entries(looks)) {
      const page = await enter(`${now}/detection`, "Vera", options);
      for (const title of ["Looks at production", "Requests and errors in production", "Looks at staging"]) {
        await page.getByRole("figure", { name: title }).locator("svg.recharts-surface").first().waitFor();
      }
      await page.getByRole("rowheader", { name: "production is down" }).waitFor();
      await inspect(page, `detection-${name}`);
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
