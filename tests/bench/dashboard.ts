import { createHash } from "node:crypto";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { createClinicRemote } from "#demo/clinic-remote.ts";
import { hasBubblewrap, type Product, startProduct } from "#demo/product.ts";
import { type Connection, connectEmbedded, connectPostgres } from "#store/connect.ts";
import { migrate } from "#store/migrate.ts";
import { aVisitor, launchBrowser, signIn } from "#tests/browser/a-browser.ts";
import { findPostgres, startPostgres } from "#tests/support/postgres.ts";
import { pastId, seedPast } from "#tests/support/seed-past.ts";
import { type Dashboards, openDashboards } from "./dashboards.ts";
import { percentile } from "./load.ts";

/** What operators wait for: the built product with years of work in its database, a browser, and many open dashboards. */
export interface DashboardFigure {
  name: string;
  value: number;
  unit: string;
  target: string;
  anchor: string;
}

const past = { issues: 5_000, actions: 200_000, asked: 60, atWork: 20 };
const anchor = "5,000 issues, 200,000 actions";
const migrations = join(import.meta.dirname, "..", "..", "supabase", "migrations");
const password = "the-operators-long-password";
const now = "/dashboard/agent";
const answersPerPage = 60;
const transitions = 20;
const openDashboardsCount = 200;
const startWithinMs = 300_000;
const seenWithinMs = 30_000;

type Add = (name: string, value: number, unit: string, target: string) => void;

export async function dashboardFigures(): Promise<DashboardFigure[]> {
  const figures: DashboardFigure[] = [];
  const folder = await mkdtemp(join(await realpath(tmpdir()), "vigil-bench-dashboard-"));
  const found = await findPostgres();
  const server = found === undefined ? undefined : await startPostgres(found);
  const browser = await launchBrowser();
  try {
    if (server !== undefined) {
      const other = await connectPostgres({ url: server.url("postgres") });
      await figuresOn({
        name: "Postgres",
        folder: join(folder, "postgres"),
        url: server.url("postgres"),
        other,
        browser,
      });
      await other.close();
    }
    await figuresOn({ name: "PGlite", folder: join(folder, "pglite"), url: null, other: null, browser });
  } finally {
    await browser.close();
    await server?.remove();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  return figures;

  async function figuresOn(place: Place): Promise<void> {
    const add: Add = (name, value, unit, target) => {
      figures.push({ name: `${place.name}: ${name}`, value, unit, target, anchor });
      console.error(`[bench] ${place.name}: ${name}: ${value.toFixed(1)} ${unit} (target ${target})`);
    };
    const product = await startSeeded(place);
    try {
      const { page, scriptBytes } = await enter(product, place.browser);
      add(`JavaScript of the first load of ${now}`, scriptBytes / 1_000, "kB", "≤ 150");
      await answers(product, add);
      await transitionsSeen({ product, page, place, add });
      await manyDashboards(product, add);
      await page.context().close();
    } finally {
      await product.stop();
    }
  }
}

interface Place {
  name: string;
  folder: string;
  /** `null`: the embedded database, which no other process can change. */
  url: string | null;
  other: Connection | null;
  browser: Browser;
}

async function startSeeded({ folder, url, other }: Place): Promise<Product> {
  const connection = other ?? (await connectEmbedded({ directory: join(folder, ".vigil", "db") }));
  await migrate(connection, { directory: migrations });
  await seedPast(connection, past);
  if (other === null) await connection.close();
  const { path } = await createClinicRemote(join(folder, "clinic.git"));
  const product = await startProduct({
    directory: folder,
    repository: path,
    sandbox: hasBubblewrap() ? "bubblewrap" : "none",
    variables: { AGENT_OPERATOR_PASSWORD: password, ...(url !== null && { DATABASE_URL: url }) },
  });
  const startMs = performance.now();
  while ((await fetch(`${product.url}/api/health`).catch(() => undefined))?.status !== 200) {
    const isLate = performance.now() - startMs > startWithinMs;
    if (isLate || product.ended() !== undefined) throw new Error(`Vigil did not start: ${product.logTail()}`);
    await sleep(250);
  }
  return product;
}

/** Signs in, then loads the page as somebody does who has nothing of it yet. */
async function enter({ url }: Product, browser: Browser): Promise<{ page: Page; scriptBytes: number }> {
  const first = await aVisitor(browser, url);
  await first.page.goto(`${url}/sign-in`);
  await signIn(first.page, { name: "Olga", password });
  await first.page.waitForURL((address) => address.pathname === now);
  const { page } = await aVisitor(browser, url, { storageState: await first.context.storageState() });
  await first.context.close();
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (request.resourceType() !== "script") return;
    sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  await page.goto(`${url}${now}`, { waitUntil: "load" });
  await page.getByRole("article").first().waitFor();
  await sleep(2_000);
  const bytes = await Promise.all(sizes);
  return { page, scriptBytes: bytes.reduce((total, one) => total + one, 0) };
}

async function answers({ url, apiToken }: Product, add: Add): Promise<void> {
  const entered = await fetch(`${url}/api/session`, {
    method: "POST",
    headers: { origin: url, "content-type": "application/json" },
    body: JSON.stringify({ name: "Otto", password }),
  });
  const cookie = entered.headers
    .getSetCookie()
    .map((one) => one.split(";")[0])
    .join("; ");
  const paths = {
    "the dashboard": now,
    history: `${now}/history`,
    "history, a year": `${now}/history?days=365`,
    "a search in history": `${now}/history?text=problem+4321`,
    "an issue": `${now}/issues/${pastId("past", 4)}`,
    "the audit log": `${now}/audit`,
    "a search in the audit log": `${now}/audit?text=because+of+777`,
    "the board alone": "/api/agent/board",
  };
  for (const [name, path] of Object.entries(paths)) {
    const headers: Record<string, string> = path.startsWith("/api")
      ? { authorization: `Bearer ${apiToken}` }
      : { cookie };
    const ask = async () => {
      const startMs = performance.now();
      const response = await fetch(`${url}${path}`, { headers, redirect: "manual" });
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
      return performance.now() - startMs;
    };
    for (let n = 0; n < 5; n++) await ask();
    const times: number[] = [];
    for (let n = 0; n < answersPerPage; n++) times.push(await ask());
    add(`p95 of the answer, ${name}`, percentile(Float64Array.from(times).sort(), 0.95), "ms", "≤ 100");
  }
}

interface Watched {
  product: Product;
  page: Page;
  place: Place;
  add: Add;
}

/** From the command's sending, or from the commit, to the frame in which the page shows it. */
async function transitionsSeen({ product, page, place, add }: Watched): Promise<void> {
  const own: number[] = [];
  for (let n = 0; n < transitions; n++) {
    const link = page.getByRole("article").first().getByRole("link").first();
    const issueId = (await link.getAttribute("href"))?.split("/").at(-1)?.split("#")[0] ?? "";
    const gone = goneAt(page, `article a[href*="${issueId}"]`);
    const sentAt = Date.now();
    await reject(product, issueId);
    own.push((await gone) - sentAt);
  }
  add("a command's transition in the page, p95", percentile(Float64Array.from(own).sort(), 0.95), "ms", "≤ 500");
  const { other } = place;
  if (other === null) return;
  const others: number[] = [];
  for (let n = 1; n <= past.atWork; n++) {
    const issueId = pastId("working", n);
    const gone = goneAt(page, `[data-issue="${issueId}"]`);
    const sentAt = Date.now();
    await other.script(async (run) => {
      await run("UPDATE agent_issues SET status = 'resolved', lease_until = NULL WHERE id = $1", [issueId]);
      await run("SELECT append_agent_action('agent', 'status.changed', '', 'done', 'held', '{}', $1)", [issueId]);
    });
    others.push((await gone) - sentAt);
  }
  add(
    "another process's transition in the page, p95",
    percentile(Float64Array.from(others).sort(), 0.95),
    "ms",
    "≤ 500",
  );
}

/** When (by the machine's clock) nothing in the page fits `selector` any more. */
function goneAt(page: Page, selector: string): Promise<number> {
  return page.evaluate(
    ([sought, withinMs]) =>
      new Promise<number>((done, fail) => {
        const look = () => {
          if (document.querySelector(sought) !== null) return;
          observer.disconnect();
          done(Date.now());
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { childList: true, subtree: true });
        setTimeout(() => fail(new Error(`${sought} stays`)), withinMs);
        look();
      }),
    [selector, seenWithinMs] as const,
  );
}

async function reject({ url, apiToken }: Product, issueId: string): Promise<void> {
  const diffHash = createHash("sha256").update(issueId).digest("hex");
  const response = await fetch(`${url}/api/agent/issues/${issueId}/reject`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiToken}`, "content-type": "application/json" },
    body: JSON.stringify({ diffHash, reason: "bench" }),
  });
  if (!response.ok) throw new Error(`reject answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

/** Every open dashboard has every transition: how long the last of them took to have it. */
async function manyDashboards(product: Product, add: Add): Promise<void> {
  const dashboards: Dashboards = await openDashboards(product, openDashboardsCount, seenWithinMs);
  const waiting = dashboards.waiting();
  const times: number[] = [];
  let missed = 0;
  for (const issueId of waiting.slice(0, transitions)) {
    const sentAt = performance.now();
    await reject(product, issueId);
    const without = await dashboards.untilAllAreWithout(issueId);
    missed += without.missed;
    times.push(performance.now() - sentAt);
  }
  dashboards.close();
  const p95 = percentile(Float64Array.from(times).sort(), 0.95);
  add(`${openDashboardsCount} open dashboards: the last one has a transition, p95`, p95, "ms", "≤ 500");
  add(
    `${openDashboardsCount} open dashboards: updates missed`,
    missed,
    `of ${openDashboardsCount * times.length}`,
    "0",
  );
}
