import { cp, mkdtemp, readdir, readFile, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { hasBubblewrap, type Product, startProduct } from "#demo/product.ts";
import { freePort } from "#tests/adapters/platform/local-platform.ts";
import { aGitWorld, type Files, type GitWorld } from "#tests/support/git.ts";
import { type Deployed, deployOnVercel } from "./vercel-drain.ts";

/**
 * A Vigil as it is started, and two applications that only say where it is: an Express application with `@sentry/node`, which
 * Vigil also deploys, and a Next.js application whose host drains its logs.
 */
let directory = "";
let world: GitWorld;
let vigil: Product;
let invoices: Deployed;

const drainSecret = "a-drain-secret-of-thirty-characters";
const settings = {
  autonomyLevel: 3,
  staging: { windowMs: 2_000, checkEveryMs: 250, validChecksMin: 4 },
  production: { windowMs: 4_000, checkEveryMs: 500, repeatFailedAfterMs: 100, validChecksMin: 3, requestsMin: 10 },
};

const IssueView = z.object({
  id: z.string(),
  status: z.string(),
  severity: z.string(),
  title: z.string(),
  operation: z.string().nullable(),
  eventCount: z.number(),
  affectedUsers: z.number(),
  stack: z.string().nullable(),
  fix: z.object({ diff: z.string().nullish(), commit: z.string().nullish() }).nullish(),
});
type IssueView = z.infer<typeof IssueView>;

beforeAll(async () => {
  directory = await mkdtemp(join(await realpath(tmpdir()), "vigil-watched-"));
  const packages = join(import.meta.dirname, "..", "..", "node_modules");
  // What is deployed below finds its packages here, as an installation would have put them.
  await symlink(packages, join(directory, "node_modules"));
  world = await aGitWorld(await filesIn(join(import.meta.dirname, "shop")));
  vigil = await startProduct({
    directory,
    repository: world.remote,
    sandbox: hasBubblewrap() ? "bubblewrap" : "none",
    variables: {
      AGENT_START_COMMAND: "node src/server.mjs",
      AGENT_HEALTH_PATH: "/health",
      VERCEL_DRAIN_SECRET: drainSecret,
      VERCEL_DRAIN_VERIFY: "0123456789abcdef",
    },
  });
  await vi.waitFor(async () => expect(await serving()).toBe(world.first), { timeout: 180_000, interval: 500 });
  await asked("PATCH", "/api/agent/settings", settings);
  const folder = join(directory, "invoices");
  await cp(join(import.meta.dirname, "invoices"), folder, { recursive: true });
  await symlink(packages, join(folder, "node_modules"));
  const drain = { url: `${vigil.url}/api/ingest/vercel`, secret: drainSecret };
  invoices = await deployOnVercel(folder, await freePort(), drain);
}, 300_000);

afterAll(async () => {
  await invoices?.stop();
  await vigil?.stop();
  await world?.dispose();
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

async function filesIn(folder: string): Promise<Files> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path, "utf8")] as const);
  return Object.fromEntries(await Promise.all(files));
}

async function asked(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(vigil.url + path, {
    method,
    headers: { authorization: `Bearer ${vigil.apiToken}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function issues(): Promise<IssueView[]> {
  const { issues: found } = z
    .object({ issues: z.array(z.object({ id: z.string() })) })
    .parse(await asked("GET", "/api/agent/issues"));
  return Promise.all(found.map(async ({ id }) => IssueView.parse(await asked("GET", `/api/agent/issues/${id}`))));
}

/** Which release answers in production; `undefined`: none. */
async function serving(): Promise<string | undefined> {
  const answer = await fetch(`${vigil.production}/health`).catch(() => undefined);
  return answer?.ok ? z.object({ release: z.string() }).parse(await answer.json()).release : undefined;
}

async function buy(path: string, user: string): Promise<number> {
  return (await fetch(vigil.production + path, { headers: { "x-user": user } })).status;
}

it("makes one issue of each bug, with its severity, its own frames and its users", async () => {
  for (const n of [1, 2, 1]) {
    const visitor = { address: `203.0.113.${n}`, userAgent: "Mozilla/5.0 (X11; Linux x86_64)" };
    expect(await invoices.visit("/api/invoices/1", visitor)).toBe(200);
    expect(await invoices.visit("/api/invoices/404", visitor)).toBe(500);
  }
  const drained = async () => (await issues()).map(({ eventCount, affectedUsers }) => ({ eventCount, affectedUsers }));
  await expect.poll(drained, { timeout: 30_000 }).toEqual([{ eventCount: 3, affectedUsers: 2 }]);
  expect(await issues()).toMatchObject([
    {
      severity: "P2",
      title: expect.stringContaining("TypeError"),
      operation: "GET /api/invoices/:id",
      stack: expect.stringContaining("lib/invoices.js:5"),
    },
  ]);
});

it("fixes the other and ships it, while its customers go on", async () => {
  let isOver = false;
  const customers = (async () => {
    while (!isOver) {
      await buy("/customers/ada", "ada").catch(() => 0);
      await buy("/orders/1", "tom").catch(() => 0);
      await sleep(40);
    }
  })();
  try {
    await sleep(1_500);
    for (const user of ["ada", "tom", "eve"]) {
      expect(await buy("/orders/404", user)).toBe(500);
      // The SDK leaves out an error that is the same as the last thing that it sent.
      expect(await buy("/sales", user)).toBe(200);
    }
    const shop = async () => (await issues()).find(({ operation }) => operation === "GET /orders/:id");
    await expect.poll(async () => (await shop())?.status, { timeout: 90_000, interval: 500 }).toBe("resolved");
    const issue = await shop();
    expect(issue).toMatchObject({
      severity: "P2",
      eventCount: 3,
      affectedUsers: 3,
      stack: expect.stringContaining("src/server.mjs"),
      fix: { diff: expect.stringContaining("Order not found") },
    });
    expect(await serving()).toBe(issue?.fix?.commit);
    expect(await buy("/orders/404", "ada")).toBe(404);
    expect(await buy("/orders/1", "ada")).toBe(200);
  } finally {
    isOver = true;
    await customers;
  }
  expect(await issues()).toHaveLength(2);
}, 180_000);
