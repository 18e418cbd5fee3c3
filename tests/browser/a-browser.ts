import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

/** Debian's Chromium, headless, and what may be asked of every page. */

const program = "/usr/bin/chromium";
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const screenshots = join(import.meta.dirname, "..", "..", "screenshots");
export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

export async function launchBrowser(): Promise<Browser> {
  if (!existsSync(program)) throw new Error(`${program} is missing: apt-get install chromium`);
  await mkdir(screenshots, { recursive: true });
  return chromium.launch({ executablePath: program, args: flags });
}

/** A person with a browser of their own. What no page may do is noted in `complaints`. */
export async function aVisitor(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: desktop, ...options });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  readWhole(page);
  const complaints: string[] = [];
  page.on("request", (request) => {
    const address = new URL(request.url());
    if (address.protocol !== "data:" && address.origin !== url) complaints.push(`asked ${address.origin}`);
  });
  page.on("pageerror", (error) => complaints.push(`threw ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy|hydrat|Minified React/i.test(message.text())) complaints.push(message.text());
  });
  return { context, page, complaints };
}

/** A page comes in pieces, which stand hidden at its end before they are put in place: nobody acts on it before it is whole. */
function readWhole(page: Page): void {
  const goTo = page.goto.bind(page);
  page.goto = async (...given) => {
    const response = await goTo(...given);
    await untilWhole(page);
    return response;
  };
}

export async function untilWhole(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('[data-loading], [hidden][id^="S:"]') === null);
}

export async function signIn(page: Page, { name, password }: { name: string; password: string }): Promise<void> {
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** No violation of WCAG 2.2 AA, nothing wider than the window, and a picture for people. */
export async function inspect(page: Page, name: string): Promise<void> {
  await untilWhole(page);
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  // Evaluated by the debugger, which no policy of the page restricts.
  await page.evaluate(await readFile(axe, "utf8"));
  const violations = await page.evaluate(async (runOnly) => {
    const { axe: loaded } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } };
    const { violations: found } = await loaded.run({ runOnly });
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  }, rules);
  expect(violations, name).toEqual([]);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `${name} is wider than the window`).toBe(0);
}

interface AxeResult {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
}
